"""Invitations: to a name, whether a user has it or not, and answered by whoever has the name at that time."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from conftest import client_of
from portfolios.models import Household, Invitation, Membership
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from tests.admin_forms import staff
from tests.refusals import assert_conflict

API = "/api/v1"
PASSWORD = "correct horse battery"
NAMES = ("dora", "disabled", "stranger", "nobody")
CHANGING = ("id", "created_at", "request_id")


@pytest.fixture
def dora(db):
    return User.objects.create(username="dora")


@pytest.fixture
def people(dora, charlie_user, household):
    """Dora belongs to no household, one user is disabled, one is a member elsewhere; "nobody" is no user."""
    User.objects.create(username="disabled", is_active=False)
    elsewhere = Household.objects.create(name="Elsewhere")
    Membership.objects.create(household=elsewhere, user=User.objects.create(username="stranger"))


@pytest.fixture
def invitations(household):
    return f"{API}/households/{household.pk}/invitations"


def asked(client, method, path, *body):
    """Everything by which a caller could distinguish two names: status, headers, body and number of queries."""
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path, *body)
    statements = [query["sql"].partition(" ")[0] for query in queries.captured_queries]
    body = answer.json() if answer.content else {}
    headers = {name: value for name, value in answer.headers.items() if name not in ("X-Request-Id", "ETag")}
    return answer.status_code, statements, headers, body


def plain(answer, name):
    """The answer without what always differs: the name itself, ids and instants."""
    status, statements, headers, body = answer
    rows = body.get("results", [body])
    rows = [{key: value for key, value in row.items() if key not in CHANGING} for row in rows]
    assert all(row.pop("username", name) == name for row in rows)
    headers = {key: value for key, value in headers.items() if key not in ("Location", "Content-Length")}
    return status, statements, headers, rows


@pytest.mark.usefixtures("people")
def test_nothing_tells_a_name_that_a_user_has_from_one_that_nobody_has(alice, invitations):
    seen = {}
    for name in ("first", *NAMES):  # the first request fills caches
        invited = asked(alice, "post", invitations, {"username": name, "role": "editor"})
        path = f"{API}/invitations/{invited[3]['id']}"
        seen[name] = [
            plain(answer, name)
            for answer in (
                invited,
                asked(alice, "post", invitations, {"username": name, "role": "editor"}),
                asked(alice, "get", invitations),
                asked(alice, "get", path),
                asked(alice, "delete", path),
                asked(alice, "get", path),
                asked(alice, "get", invitations),
            )
        ]
        assert [answer[0] for answer in seen[name]] == [201, 409, 200, 200, 204, 404, 200]
    for name in NAMES:
        assert seen[name] == seen["nobody"], name


def test_an_invitation_says_what_it_is_and_of_what(alice, invitations, household):
    invited = alice.post(invitations, {"username": " Nobody ", "role": "viewer"})
    invitation = invited.json()
    assert {key: invitation[key] for key in invitation if key not in CHANGING} == {
        "household_id": str(household.pk),
        "household_name": household.name,
        "username": "Nobody",
        "role": "viewer",
        "invited_by": "alice",
    }
    assert alice.get(invited["Location"]).json() == invitation
    assert alice.get(invited["Location"])["ETag"] == invited["ETag"]


@pytest.mark.parametrize("name", ["bob", "BOB", " bob "])
def test_who_is_seen_as_a_member_is_refused_by_name(alice, bob, invitations, name):
    answer = alice.post(invitations, {"username": name, "role": "viewer"})
    assert_conflict(answer, "ALREADY_A_MEMBER")
    assert answer.json()["errors"][0]["field"] == "username"


def test_a_name_is_invited_once_however_it_is_spelt(alice, invitations):
    assert alice.post(invitations, {"username": "Straße", "role": "viewer"}).status_code == 201
    again = alice.post(invitations, {"username": "STRASSE", "role": "owner"})
    assert_conflict(again, "ALREADY_INVITED")


@pytest.mark.parametrize(
    "name", ["", "   ", "two words", "a" * 151, "x\u0000", "a;b", "\u3164", 5, None, ["dora"]]
)
def test_what_no_user_may_be_called_is_refused(alice, invitations, name):
    answer = alice.post(invitations, {"username": name, "role": "viewer"})
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["field"] == "username"


def test_only_owners_invite_see_and_withdraw(alice, bob, vera, charlie, invitations, household):
    invited = alice.post(invitations, {"username": "dora", "role": "viewer"}).json()
    for client, status in ((bob, 403), (vera, 403), (charlie, 404)):
        assert client.get(invitations).status_code == status
        assert client.post(invitations, {"username": "eve", "role": "viewer"}).status_code == status
        assert client.delete(f"{API}/invitations/{invited['id']}").status_code == 404
        assert client.post(f"{API}/invitations/{invited['id']}/accept").status_code == 404
    assert alice.post(f"{API}/invitations/{invited['id']}/accept").status_code == 404
    members = vera.get(f"{API}/households/{household.pk}/members").json()["results"]
    assert {member["username"] for member in members} == {"alice", "bob", "vera"}


def test_whoever_is_invited_accepts_once_or_twice(alice, dora, invitations, portfolio):
    invited = alice.post(invitations, {"username": "DORA", "role": "editor"}).json()
    client, path = client_of(dora), f"{API}/invitations/{invited['id']}"
    assert client.get(path).json() == invited
    first, again = (client.post(f"{path}/accept") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert {key: first.json()[key] for key in ("id", "username", "role")} == {
        "id": invited["id"],
        "username": "dora",
        "role": "editor",
    }
    assert client.get(path).status_code == alice.get(path).status_code == 404
    assert alice.get(invitations).json()["count"] == client.get(f"{API}/invitations").json()["count"] == 0
    assert client.patch(f"{API}/portfolios/{portfolio.pk}", {"name": "Ours"}).status_code == 200


def test_accepting_again_gives_no_role_back(alice, dora, invitations, household):
    invited = alice.post(invitations, {"username": "dora", "role": "owner"}).json()
    client = client_of(dora)
    client.post(f"{API}/invitations/{invited['id']}/accept")
    member = f"{API}/households/{household.pk}/members/{invited['id']}"
    assert alice.patch(member, {"role": "viewer"}).status_code == 200
    assert client.post(f"{API}/invitations/{invited['id']}/accept").json()["role"] == "viewer"
    assert alice.delete(member).status_code == 204
    assert client.post(f"{API}/invitations/{invited['id']}/accept").status_code == 404


def test_the_name_counts_at_the_moment_of_accepting(alice, dora, invitations):
    invited = alice.post(invitations, {"username": "nora", "role": "viewer"}).json()
    path = f"{API}/invitations/{invited['id']}"
    assert client_of(dora).get(path).status_code == 404
    dora.username = "Nora"
    dora.save()
    assert client_of(dora).post(f"{path}/accept").status_code == 200


def test_an_invitation_for_a_name_that_is_not_yet_a_users_waits_for_one(alice, invitations):
    invited = alice.post(invitations, {"username": "newcomer", "role": "viewer"}).json()
    newcomer = User.objects.create(username="Newcomer")
    assert client_of(newcomer).post(f"{API}/invitations/{invited['id']}/accept").status_code == 200


def test_a_member_who_is_invited_by_a_newer_name_keeps_the_role(alice, bob, bob_user, invitations, household):
    invited = alice.post(invitations, {"username": "robert", "role": "viewer"}).json()
    bob_user.username = "robert"
    bob_user.save()
    accepted = bob.post(f"{API}/invitations/{invited['id']}/accept")
    assert (accepted.status_code, accepted.json()["role"]) == (200, "editor")
    assert household.memberships.filter(user=bob_user).count() == 1
    assert not Invitation.objects.exists()


def test_whoever_is_invited_may_decline(alice, dora, invitations):
    invited = alice.post(invitations, {"username": "dora", "role": "viewer"}).json()
    client, path = client_of(dora), f"{API}/invitations/{invited['id']}"
    assert client.delete(path).status_code == 204
    assert client.post(f"{path}/accept").status_code == 404
    assert alice.get(invitations).json()["count"] == 0


def test_invitations_go_with_their_household(alice, dora, invitations, household):
    alice.post(invitations, {"username": "dora", "role": "viewer"})
    assert alice.delete(f"{API}/households/{household.pk}").status_code == 204
    assert client_of(dora).get(f"{API}/invitations").json()["count"] == 0
    assert JournalEntry.objects.filter(model="portfolios.Invitation", action="delete").exists()


# --- who is invited sees it at login ---


def test_logging_in_says_how_many_invitations_wait(alice, invitations):
    User.objects.create_user("dora", password=PASSWORD)
    alice.post(invitations, {"username": "dora", "role": "viewer"})
    login = APIClient().post(f"{API}/auth/token", {"username": "dora", "password": PASSWORD})
    assert login.json()["pending_invitations"] == 1
    me = APIClient(HTTP_AUTHORIZATION=f"Bearer {login.json()['token']}").get(f"{API}/me")
    assert me.json()["pending_invitations"] == 1


@pytest.fixture
def doras(dora) -> Client:
    return staff(dora)


def test_the_admins_first_page_shows_who_invites(alice, doras, invitations, household):
    household.name = "<b>Ours</b>"
    household.save()
    alice.post(invitations, {"username": "dora", "role": "viewer"})
    shown = " ".join(doras.get("/admin/").content.decode().split())
    assert "alice invites you to the household &lt;b&gt;Ours&lt;/b&gt; as viewer" in shown


@pytest.mark.parametrize(("answer", "joins"), [("accept", True), ("decline", False)])
def test_the_first_page_takes_the_answer(alice, doras, dora, invitations, household, answer, joins):
    invited = alice.post(invitations, {"username": "dora", "role": "viewer"}).json()
    path = f"/admin/portfolios/household/invitations/{invited['id']}"
    assert doras.get(path).status_code == 405
    answered = doras.post(path, {"answer": answer}, follow=True)
    (message,) = answered.context["messages"]
    assert (household.name in str(message)) is joins
    assert household.memberships.filter(user=dora).exists() is joins
    assert not Invitation.objects.exists()
    assert "You are invited" not in doras.get("/admin/").content.decode()


def test_nobody_answers_for_another_on_the_first_page(alice, charlie_user, invitations, household):
    invited = alice.post(invitations, {"username": "dora", "role": "viewer"}).json()
    for answer in ("accept", "decline"):
        page = staff(charlie_user).post(
            f"/admin/portfolios/household/invitations/{invited['id']}", {"answer": answer}, follow=True
        )
        assert "Invitation not found." in page.content.decode()
    assert Invitation.objects.count() == 1
    assert not household.memberships.filter(user=charlie_user).exists()
