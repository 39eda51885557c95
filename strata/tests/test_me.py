"""GET me and POST me/password: the caller, and a new password, which ends all sessions and tokens."""

from __future__ import annotations

from hashlib import sha256

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from rest_framework.test import APIClient

from portfolios.models import Household, Invitation
from strata.accounts.models import ApiToken
from strata.accounts.services import issue_token
from strata.audit.models import IdempotentAnswer
from tests.refusals import assert_conflict

API = "/api/v1"
OLD, NEW = "correct horse battery", "staple of a new kind"


@pytest.fixture
def dora(household):
    return get_user_model().objects.create_user("dora", email="dora@example.org", password=OLD)


@pytest.fixture
def client(dora):
    _, secret = issue_token(dora)
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")


def change(client, old=OLD, new=NEW, **given):
    return client.post(f"{API}/me/password", {"current_password": old, "new_password": new, **given})


def log_in(password):
    return APIClient().post(f"{API}/auth/token", {"username": "dora", "password": password}).status_code


def test_me_is_who_asks_with_the_households_and_roles(alice, alice_user, household):
    seen = alice.get(f"{API}/me").json()
    assert seen == {
        "id": str(alice_user.pk),
        "username": "alice",
        "email": "",
        "households": [{"id": str(household.pk), "name": household.name, "role": "owner"}],
        "pending_invitations": 0,
        "language": None,
        "number_format": None,
        "date_format": None,
    }


def test_invitation_is_no_household_of_mine_yet(client, dora, household):
    Invitation.objects.create(household=household, username="dora", role="viewer")
    seen = client.get(f"{API}/me").json()
    assert (seen["households"], seen["pending_invitations"]) == ([], 1)


def test_reading_me_makes_no_household(client):
    before = Household.objects.count()
    client.get(f"{API}/me")
    assert Household.objects.count() == before


def test_me_asks_the_same_number_of_queries_for_many_households(alice, alice_user, django_assert_num_queries):
    for number in range(3):
        alice.post(f"{API}/households", {"name": f"h{number}"})
    with django_assert_num_queries(2):
        assert len(alice.get(f"{API}/me").json()["households"]) == 4


def test_new_password_takes_the_place_of_the_old(client):
    assert change(client).status_code == 204
    assert (log_in(OLD), log_in(NEW)) == (401, 201)


def test_every_token_and_session_ends_the_callers_too(client, dora):
    _, other = issue_token(dora)
    session, own = Client(), Client()
    session.force_login(dora)
    own.force_login(dora)
    body = {"current_password": OLD, "new_password": NEW}
    assert own.post(f"{API}/me/password", body, "application/json").status_code == 204
    bearer = APIClient(HTTP_AUTHORIZATION=f"Bearer {other}")
    assert [caller.get(f"{API}/me").status_code for caller in (client, bearer, session, own)] == [401] * 4
    assert not ApiToken.objects.exists()


def test_tokens_of_others_live_on(client, alice_user):
    _, secret = issue_token(alice_user)
    change(client)
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").get(f"{API}/me").status_code == 200


def test_current_password_as_the_new_one_is_refused_and_ends_no_token(client):
    refused = change(client, new=OLD)
    assert_conflict(refused, "SAME_PASSWORD")
    assert client.get(f"{API}/me").status_code == 200 and log_in(OLD) == 201


@pytest.mark.parametrize("weak", ["short", "password123", "dora@example.org", "8472950163847"])
def test_weak_password_is_refused_and_changes_nothing(client, weak):
    refused = change(client, new=weak)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "new_password")
    assert client.get(f"{API}/me").status_code == 200
    assert (log_in(weak), log_in(OLD)) == (401, 201)


def test_wrong_current_password_changes_nothing(client):
    refused = change(client, old="wrong")
    assert (refused.status_code, refused.json()["code"]) == (401, "BAD_CREDENTIALS")
    assert client.get(f"{API}/me").status_code == 200
    assert log_in(OLD) == 201


def test_spaces_belong_to_a_password(client):
    spaced = "  staple of a new kind "
    assert change(client, new=spaced).status_code == 204
    assert (log_in(spaced.strip()), log_in(spaced)) == (401, 201)


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("new_password", {"new_password": ""}),
        ("new_password", {"new_password": None}),
        ("new_password", {"new_password": 12345678901}),
        ("new_password", {"new_password": "nul\x00" * 5}),
        ("new_password", {"new_password": "x" * 1001}),
        ("current_password", {"current_password": ["a"]}),
        ("username", {"username": "alice"}),
    ],
)
def test_odd_bodies_are_refused_by_field(client, field, body):
    refused = change(client, **body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)


def test_kept_digest_of_a_password_change_cannot_be_guessed_at(dora):
    """From a plain hash of the body in a dump, the password could be guessed."""
    body = b'{"current_password":"%s","new_password":"%s"}' % (OLD.encode(), NEW.encode())
    client = Client()
    client.force_login(dora)
    path = f"{API}/me/password"
    assert client.post(path, body, "application/json", HTTP_IDEMPOTENCY_KEY="k1").status_code == 204
    stored = IdempotentAnswer.objects.get()
    bare = {sha256(line + body).hexdigest() for line in (b"", f"POST {path}\n".encode())}
    assert stored.request_digest not in bare
