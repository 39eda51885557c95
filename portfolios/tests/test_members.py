"""Joining and leaving a household: invitations give no rights until accepted, and the last owner stays."""

import pytest

from conftest import client_of
from portfolios.models import Household, Membership
from strata.accounts.models import User

API = "/api/v1"


@pytest.fixture
def dora(db):
    return User.objects.create(username="Dora")


def invite(client, household, status=201, **body):
    answer = client.post(
        f"{API}/households/{household.pk}/invitations", {"username": "dora", "role": "editor"} | body
    )
    assert answer.status_code == status, answer.content
    return answer.json()


def test_invitation_gives_no_rights_until_it_is_accepted(alice, household, portfolio, dora):
    created = invite(alice, household)
    client = client_of(dora)
    assert client.get(f"{API}/portfolios/{portfolio.pk}").status_code == 404
    assert [row["id"] for row in client.get(f"{API}/invitations").json()["results"]] == [created["id"]]
    assert client.post(f"{API}/invitations/{created['id']}/accept").status_code == 200
    assert client.patch(f"{API}/portfolios/{portfolio.pk}", {"name": "Ours"}).status_code == 200
    assert client.get(f"{API}/invitations").json()["count"] == 0


def test_history_tells_roles_to_every_member_and_to_no_one_else(
    alice, vera, charlie, bob_user, household, portfolio, dora
):
    bobs = Membership.objects.get(user=bob_user)
    member = f"{API}/households/{household.pk}/members/{bobs.pk}"
    assert alice.patch(member, {"role": "viewer"}).status_code == 200
    created = invite(alice, household)
    assert client_of(dora).post(f"{API}/invitations/{created['id']}/accept").status_code == 200
    assert alice.delete(member).status_code == 204
    path = f"{API}/households/{household.pk}/history"
    lines = vera.get(f"{path}?include=members").json()["results"]
    events = [(line["model"], line["action"], line["actor"]) for line in lines]
    assert events[:3] == [
        ("Membership", "delete", "alice"),
        ("Membership", "create", "Dora"),
        ("Membership", "update", "alice"),
    ]
    assert lines[2]["fields_changed"] == [{"field": "role", "before": "editor", "after": "viewer"}]
    user = next(change for change in lines[1]["fields_changed"] if change["field"] == "user_id")
    assert user["after_name"] == "Dora"
    assert {line["model"] for line in lines} == {"Membership", "Household"}
    assert {row["model"] for row in vera.get(path).json()["results"]} == {"Household"}
    assert charlie.get(f"{path}?include=members").status_code == 404


def test_history_tells_invitations_to_owners_and_superusers_alone(
    alice, bob, vera, vera_user, charlie_user, household, dora
):
    """The same readers as for the invitations themselves; an owner of another household is not one of them."""
    created = [invite(alice, household, username=name) for name in ("dora", "Somebody")]
    assert client_of(dora).post(f"{API}/invitations/{created[0]['id']}/accept").status_code == 200
    assert alice.delete(f"{API}/invitations/{created[1]['id']}").status_code == 204
    elsewhere = Household.objects.create(name="Elsewhere")
    Membership.objects.create(household=elsewhere, user=vera_user, role="owner")
    path = f"{API}/households/{household.pk}/history?include=members"
    lines = [row for row in alice.get(path).json()["results"] if row["model"] == "Invitation"]
    assert [line["action"] for line in lines] == ["delete", "delete", "create", "create"]
    names = [
        change["after"]
        for line in lines
        for change in line["fields_changed"]
        if change["field"] == "username"
    ]
    assert "Somebody" in names
    for client in (bob, vera, client_of(dora)):
        answer = client.get(path)
        assert "Invitation" not in {row["model"] for row in answer.json()["results"]}
        assert b"Somebody" not in answer.content
    charlie_user.is_superuser = True
    charlie_user.save()
    Membership.objects.create(household=household, user=charlie_user, role="viewer")
    assert b"Somebody" in client_of(charlie_user).get(path).content


def test_owner_changes_roles_and_removes(alice, bob, bob_user, household, portfolio):
    path = f"{API}/households/{household.pk}/members/{bob_user.memberships.get().pk}"
    assert alice.patch(path, {"role": "viewer"}).json()["role"] == "viewer"
    assert bob.patch(f"{API}/portfolios/{portfolio.pk}", {"name": "x"}).status_code == 403
    assert alice.delete(path).status_code == 204
    assert bob.get(f"{API}/portfolios/{portfolio.pk}").status_code == 404


def test_last_owner_stays(alice, alice_user, bob, household):
    path = f"{API}/households/{household.pk}/members/{alice_user.memberships.get().pk}"
    for answer in (alice.delete(path), alice.patch(path, {"role": "viewer"})):
        assert (answer.status_code, answer.json()["code"]) == (409, "LAST_OWNER")
    Membership.objects.filter(user__username="bob").update(role="owner")
    assert alice.delete(path).status_code == 204


def test_anyone_may_leave_but_only_owners_remove_others(bob, bob_user, vera, vera_user, household):
    members = f"{API}/households/{household.pk}/members"
    assert bob.delete(f"{members}/{vera_user.memberships.get().pk}").status_code == 403
    assert vera.delete(f"{members}/{vera_user.memberships.get().pk}").status_code == 204


def test_first_household_is_made_by_a_write_and_never_by_a_get(db, dora):
    client = client_of(dora)
    for path in ("me", "households", "portfolios", "categories"):
        assert client.get(f"{API}/{path}").status_code == 200
    assert not Household.objects.exists()
    assert client.post(f"{API}/portfolios", {"name": "Mine"}).status_code == 201
    assert client.post(f"{API}/tags", {"name": "Mine"}).status_code == 201
    assert Household.objects.count() == 1
    assert (
        client.get(f"{API}/categories?page_size=200").json()["count"] == 17
    )  # five at the top, twelve below them


def test_author_of_a_row_is_who_is_logged_in(alice, alice_user):
    body = {"name": "x", "created_by": "eve", "updated_by": "eve"}
    created = alice.post(f"{API}/households", body).json()
    assert Household.objects.get(pk=created["id"]).created_by == alice_user
