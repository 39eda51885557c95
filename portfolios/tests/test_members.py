"""Joining and leaving a household: invitations give no rights until accepted, and the last owner stays."""

import pytest

from conftest import client_of
from portfolios.models import Household, Membership
from strata.accounts.models import User
from tests.refusals import assert_conflict

API = "/api/v1"


@pytest.fixture
def dora(db):
    return User.objects.create(username="Dora")


def invite(client, household, username="dora"):
    path = f"{API}/households/{household.pk}/invitations"
    answer = client.post(path, {"username": username, "role": "editor"})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_invitation_gives_no_rights_until_it_is_accepted(alice, household, portfolio, dora):
    created = invite(alice, household)
    client = client_of(dora)
    assert client.get(f"{API}/portfolios/{portfolio.pk}").status_code == 404
    assert [row["id"] for row in client.get(f"{API}/invitations").json()["results"]] == [created["id"]]
    assert client.post(f"{API}/invitations/{created['id']}/accept").status_code == 200
    assert client.patch(f"{API}/portfolios/{portfolio.pk}", {"name": "Ours"}).status_code == 200
    assert client.get(f"{API}/invitations").json()["count"] == 0


@pytest.fixture
def changed_members(alice, bob_user, household, dora):
    """Alice makes Bob a viewer, Dora joins as an editor, and Alice removes Bob."""
    bob_path = f"{API}/households/{household.pk}/members/{bob_user.memberships.get().pk}"
    assert alice.patch(bob_path, {"role": "viewer"}).status_code == 200
    created = invite(alice, household)
    assert client_of(dora).post(f"{API}/invitations/{created['id']}/accept").status_code == 200
    assert alice.delete(bob_path).status_code == 204
    return household


def history_with_members(client, household):
    answer = client.get(f"{API}/households/{household.pk}/history?include=members")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_history_with_members_shows_a_viewer_who_joined_left_and_changed_role(vera, changed_members):
    lines = history_with_members(vera, changed_members)
    removed, joined, changed = lines[:3]
    assert (removed["model"], removed["action"], removed["actor"]) == ("Membership", "delete", "alice")
    assert (joined["model"], joined["action"], joined["actor"]) == ("Membership", "create", "Dora")
    assert (changed["model"], changed["action"], changed["actor"]) == ("Membership", "update", "alice")
    assert changed["fields_changed"] == [{"field": "role", "before": "editor", "after": "viewer"}]
    assert {line["model"] for line in lines} == {"Membership", "Household"}


def test_history_with_members_names_the_user_who_joined(vera, changed_members):
    joined = history_with_members(vera, changed_members)[1]
    user = next(change for change in joined["fields_changed"] if change["field"] == "user_id")
    assert user["after_name"] == "Dora"


def test_history_of_a_household_is_without_members_unless_asked_for(vera, changed_members):
    lines = vera.get(f"{API}/households/{changed_members.pk}/history").json()["results"]
    assert {line["model"] for line in lines} == {"Household"}


def test_stranger_reads_no_history_of_members(charlie, changed_members):
    path = f"{API}/households/{changed_members.pk}/history?include=members"
    assert charlie.get(path).status_code == 404


def test_history_tells_invitations_to_owners_and_superusers_alone(
    alice, bob, vera, vera_user, charlie_user, household, dora
):
    """The same readers as for the invitations themselves; an owner of another household is not one of them."""
    created = [invite(alice, household, name) for name in ("dora", "Somebody")]
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
        assert_conflict(answer, "LAST_OWNER")
    Membership.objects.filter(user__username="bob").update(role="owner")
    assert alice.delete(path).status_code == 204


def test_anyone_may_leave_but_only_owners_remove_others(bob, vera, vera_user, household):
    members = f"{API}/households/{household.pk}/members"
    assert bob.delete(f"{members}/{vera_user.memberships.get().pk}").status_code == 403
    assert vera.delete(f"{members}/{vera_user.memberships.get().pk}").status_code == 204
