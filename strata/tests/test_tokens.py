"""Tokens: shown once, stored as a hash, refused when they should be, and never a reason for a 500."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from strata.accounts.models import ApiToken
from strata.accounts.services import issue_token

API = "/api/v1"
PASSWORD = "correct horse battery"
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def dora(household):
    return get_user_model().objects.create_user("dora", password=PASSWORD)


@pytest.fixture
def nobody():
    return APIClient()


def holder(user, **given) -> APIClient:
    """A client with a new token of the user's."""
    _, secret = issue_token(user, **given)
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")


def log_in(client, username="dora", **given):
    return client.post(f"{API}/auth/token", {"username": username, "password": PASSWORD, **given})


def assert_refused(answer):
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")
    assert answer["WWW-Authenticate"] == "Bearer"


# --- creation ---


def test_secret_is_shown_once_and_kept_as_a_hash(nobody, dora):
    created = log_in(nobody, name="phone")
    shown = created.json()
    row = ApiToken.objects.values().get()
    assert created.status_code == 201
    assert shown["token"].startswith(shown["prefix"])
    assert row["digest"] == hashlib.sha256(shown["token"].encode()).hexdigest()
    assert not [name for name, value in row.items() if shown["token"] in str(value)]
    seen = holder(dora).get(f"{API}/auth/tokens/{shown['id']}")
    assert set(seen.json()) == set(shown) - {"token", "failed_logins", "pending_invitations"}


def test_token_has_the_name_scope_and_end_that_were_asked_for(nobody, dora):
    end = "2125-01-31T10:00:00Z"
    shown = log_in(nobody, name="phone", scope="read", expires_at="2125-01-31T11:00:00+01:00").json()
    assert (shown["name"], shown["scope"], shown["expires_at"]) == ("phone", "read", end)
    plain = log_in(nobody).json()
    assert (plain["name"], plain["scope"], plain["expires_at"]) == ("", "write", None)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("scope", "admin"),
        ("expires_at", "2020-01-31T00:00:00Z"),
        ("expires_at", "2125-01-31T00:00:00"),
        ("name", "x" * 201),
        ("colour", "red"),
    ],
)
def test_wrong_wishes_are_refused_by_field(nobody, dora, field, wrong):
    refused = log_in(nobody, **{field: wrong})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    assert not ApiToken.objects.exists()


def test_login_is_never_replayed(dora):
    client = APIClient(HTTP_IDEMPOTENCY_KEY="k1")
    first, second = log_in(client).json(), log_in(client).json()
    assert first["token"] != second["token"]


# --- the list, and revocation ---


def test_list_shows_my_tokens_without_their_secrets(dora, alice_user):
    issue_token(alice_user, name="alice's")
    listed = holder(dora, name="mine").get(f"{API}/auth/tokens")
    row = ApiToken.objects.get(user=dora)
    assert [row["name"] for row in listed.json()["results"]] == ["mine"]
    assert row.digest not in listed.content.decode() and row.password_stamp not in listed.content.decode()


@pytest.mark.parametrize("method", ["get", "delete"])
def test_token_of_another_is_as_one_that_does_not_exist(dora, alice_user, method):
    foreign_token, _ = issue_token(alice_user)
    client = holder(dora)
    foreign, absent, word = (
        getattr(client, method)(f"{API}/auth/tokens/{pk}") for pk in (foreign_token.pk, ABSENT, "word")
    )
    refusals = [answer.json() | {"request_id": ""} for answer in (foreign, absent, word)]
    assert (foreign.status_code, refusals[0]["code"]) == (404, "TOKEN_NOT_FOUND")
    assert refusals[0] == refusals[1] == refusals[2]
    assert ApiToken.objects.filter(pk=foreign_token.pk).exists()


def test_revoked_token_ends_at_once_and_alone(dora):
    token, secret = issue_token(dora)
    other = holder(dora)
    assert other.delete(f"{API}/auth/tokens/{token.pk}").status_code == 204
    assert_refused(APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").get(f"{API}/me"))
    assert other.get(f"{API}/me").status_code == 200


# --- the end of a token ---


def test_token_ends_at_its_time(dora):
    end = datetime(2126, 1, 31, 10, 0, tzinfo=UTC)
    token, secret = issue_token(dora, expires_at=end)
    assert token.is_valid(end - timedelta(microseconds=1))
    assert not token.is_valid(end)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert_refused(APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").get(f"{API}/me"))


def test_disabled_user_is_out_from_the_next_request(dora):
    by_token, by_session = holder(dora), Client()
    by_session.force_login(dora)
    assert [caller.get(f"{API}/me").status_code for caller in (by_token, by_session)] == [200, 200]
    type(dora).objects.filter(pk=dora.pk).update(is_active=False)
    assert_refused(by_token.get(f"{API}/me"))
    assert_refused(by_session.get(f"{API}/me"))


def test_changed_password_ends_tokens_and_sessions(dora):
    by_token, by_session = holder(dora), Client()
    by_session.force_login(dora)
    dora.set_password("another one")
    dora.save()
    assert_refused(by_token.get(f"{API}/me"))
    assert_refused(by_session.get(f"{API}/me"))


def test_stronger_hash_of_the_same_password_ends_no_token(nobody, dora, settings):
    client = holder(dora)
    weaker = dora.password
    stronger = "django.contrib.auth.hashers.ScryptPasswordHasher"
    settings.PASSWORD_HASHERS = [stronger, *settings.PASSWORD_HASHERS]
    assert log_in(nobody).status_code == 201
    dora.refresh_from_db()
    assert dora.password != weaker
    assert client.get(f"{API}/me").status_code == 200


def test_token_that_a_password_change_had_ended_is_not_revived_by_a_stronger_hash(nobody, dora, settings):
    client = holder(dora)
    dora.set_password(PASSWORD)
    dora.save()
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert log_in(nobody).status_code == 201
    assert_refused(client.get(f"{API}/me"))


# --- another SECRET_KEY ---


ANOTHER_KEY = "another key, as a restore without the old one has it, of sixty characters"


def bound_by_the_version_before(user) -> tuple[ApiToken, APIClient]:
    token, secret = issue_token(user)
    ApiToken.objects.filter(pk=token.pk).update(password_stamp=user.get_session_auth_hash())
    return token, APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")


def test_another_secret_key_ends_sessions_and_no_token(dora, settings):
    by_token, by_session = holder(dora), Client()
    by_session.force_login(dora)
    settings.SECRET_KEY = ANOTHER_KEY
    assert by_token.get(f"{API}/me").status_code == 200
    assert_refused(by_session.get(f"{API}/me"))


def test_token_of_the_version_before_is_bound_again_at_its_next_use(dora, settings):
    token, client = bound_by_the_version_before(dora)
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())  # not due for that
    assert client.get(f"{API}/me").status_code == 200
    token.refresh_from_db()
    assert token.password_stamp == "sha256$" + hashlib.sha256(dora.password.encode()).hexdigest()
    settings.SECRET_KEY = ANOTHER_KEY
    assert client.get(f"{API}/me").status_code == 200


def test_token_of_the_version_before_that_was_not_used_since_ends_with_its_secret_key(dora, settings):
    _, client = bound_by_the_version_before(dora)
    settings.SECRET_KEY = ANOTHER_KEY
    assert_refused(client.get(f"{API}/me"))


def test_token_of_the_version_before_ends_with_the_password(dora):
    _, client = bound_by_the_version_before(dora)
    dora.set_password("another one")
    dora.save()
    assert_refused(client.get(f"{API}/me"))


def test_password_that_changes_while_a_token_is_bound_again_ends_it(dora):
    """The token was valid with the old password, so it is bound only to the old one."""
    token, client = bound_by_the_version_before(dora)
    in_use = ApiToken.objects.select_related("user").get(pk=token.pk)
    dora.set_password("another one")
    dora.save()
    in_use.note_use()
    assert_refused(client.get(f"{API}/me"))


def test_tokens_of_both_versions_outlive_a_stronger_hash_and_another_secret_key(nobody, dora, settings):
    _, before = bound_by_the_version_before(dora)
    now = holder(dora)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert log_in(nobody).status_code == 201
    settings.SECRET_KEY = ANOTHER_KEY
    assert [client.get(f"{API}/me").status_code for client in (before, now)] == [200, 200]


def test_token_that_was_bound_again_costs_no_further_write(dora):
    _, client = bound_by_the_version_before(dora)
    client.get(f"{API}/me")
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{API}/me")
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}


# --- the header ---


SECRET = "strata_" + "a" * 43
ODD = [
    "",
    "Bearer",
    "Bearer ",
    "bearer  ",
    SECRET,
    f"Bearer{SECRET}",
    f"Bearer  {SECRET}",
    f"Bearer {SECRET} {SECRET}",
    f"Bearer {SECRET}, Bearer {SECRET}",
    f"Token {SECRET}",
    "Bearer strata_\xff\xfe",
    "Bearer strata_\u0441\u0435\u043a\u0440\u0435\u0442",
    "Bearer strata_\x00",
    "B\xe9arer x",
    "Bearer strata_" + "a" * 100_000,
    "Basic " + b64encode(f"dora:{PASSWORD}".encode()).decode(),
    'Digest username="dora"',
]


@pytest.mark.parametrize("header", ODD, ids=range(len(ODD)))
def test_odd_headers_are_refused_never_a_500(dora, header):
    client = Client(raise_request_exception=False)
    assert_refused(client.get(f"{API}/me", HTTP_AUTHORIZATION=header))
    client.force_login(dora)
    assert_refused(client.get(f"{API}/me", HTTP_AUTHORIZATION=header))


def test_the_scheme_is_read_whatever_its_case(dora):
    _, secret = issue_token(dora)
    assert APIClient(HTTP_AUTHORIZATION=f"bEARER {secret}").get(f"{API}/me").status_code == 200


def test_no_token_and_no_session_is_refused(nobody, db):
    assert_refused(nobody.get(f"{API}/me"))


def test_a_read_by_token_asks_once_and_writes_nothing(dora):
    client = holder(dora)
    client.get(f"{API}/me")  # the first use in an hour is written after the answer: test_token_use
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{API}/me").status_code == 200
    verbs = [query["sql"].split()[0] for query in queries]
    assert verbs == ["SELECT"] * 3  # the token with its user, the households, and how many invitations wait


# --- what it may do ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "tags"),
        ("post", "me/password"),
        ("patch", f"tags/{ABSENT}"),
        ("put", f"tags/{ABSENT}"),
        ("delete", f"auth/tokens/{ABSENT}"),
    ],
)
def test_read_token_writes_nothing(dora, method, path):
    refused = getattr(holder(dora, scope="read"), method)(f"{API}/{path}", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "READ_ONLY_TOKEN")


def test_read_token_reads(dora):
    client = holder(dora, scope="read")
    assert [client.get(f"{API}/{path}").status_code for path in ("me", "tags", "auth/tokens")] == [200] * 3
    assert client.head(f"{API}/me").status_code == 200


def test_read_token_revokes_nothing_not_even_itself(dora):
    token, secret = issue_token(dora, scope="read")
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.delete(f"{API}/auth/tokens/{token.pk}").status_code == 403
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_a_token_alone_makes_no_token(dora):
    assert holder(dora).post(f"{API}/auth/token", {}).status_code == 400
    assert holder(dora).post(f"{API}/auth/tokens", {"name": "x"}).status_code == 405


# --- the session ---


def test_session_needs_the_csrf_token_to_write(alice_user):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice_user)
    refused = browser.post(f"{API}/tags", {"name": "x"}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    secret = browser.cookies["csrftoken"] = "a" * 32
    created = browser.post(f"{API}/tags", {"name": "x"}, "application/json", headers={"X-CSRFToken": secret})
    assert created.status_code == 201


def test_session_makes_what_needs_a_household(alice_user):
    """The first household is searched by the user, who must be a User and not a lazy object."""
    browser = Client()
    browser.force_login(alice_user)
    for path in ("tags", "portfolios", "categories"):
        created = browser.post(f"{API}/{path}", {"name": "x"}, "application/json", HTTP_IDEMPOTENCY_KEY=path)
        assert created.status_code == 201, path


def test_token_needs_no_csrf_token(alice_user):
    _, secret = issue_token(alice_user)
    browser = Client(enforce_csrf_checks=True)
    created = browser.post(
        f"{API}/tags", {"name": "x"}, "application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    assert created.status_code == 201
