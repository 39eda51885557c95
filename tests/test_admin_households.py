"""Households and their members in the admin: who makes one, who is invited, and that the last owner stays."""

from __future__ import annotations

import pytest

from portfolios.models import Household, Invitation, Membership
from strata.accounts.models import User
from strata.admin import forms as editing
from strata.tenancy.roles import OWNER
from tests.admin_forms import change_form_data, errors_of, save, staff, url


def test_who_makes_a_household_owns_it_with_its_first_categories(charlie_user):
    charlie = staff(charlie_user)
    assert charlie.post(url(Household, "add"), {"name": "Mine", "version": ""}).status_code == 302
    created = Household.objects.get(name="Mine")
    assert created.memberships.get().user == charlie_user
    assert created.memberships.get().role == OWNER
    assert created.categories.exists()


def row_of(data: dict, user) -> str:
    pk = str(Membership.objects.get(user=user).pk)
    return next(
        name.removesuffix("-id") for name, given in data.items() if name.endswith("-id") and str(given) == pk
    )


@pytest.mark.parametrize("change", [{"DELETE": "on"}, {"role": "viewer"}])
def test_the_last_owner_stays(alices, alice_user, bob_user, household, change):
    data = change_form_data(alices, household)
    mine, theirs = row_of(data, alice_user), row_of(data, bob_user)
    leaves = {f"{mine}-{name}": given for name, given in change.items()}
    assert "at least one owner" in errors_of(save(alices, household, data | leaves))
    assert save(alices, household, data | leaves | {f"{theirs}-role": "owner"}).status_code == 302
    assert [row.user for row in household.memberships.filter(role="owner")] == [bob_user]


def test_two_owners_do_not_leave_in_one_form(alices, alice_user, bob_user, household):
    Membership.objects.filter(user=bob_user).update(role=OWNER)
    data = change_form_data(alices, household)
    rows = (row_of(data, alice_user), row_of(data, bob_user))
    assert save(alices, household, data | {f"{row}-DELETE": "on" for row in rows}).status_code == 200
    assert household.memberships.filter(role=OWNER).count() == 2


def invited(data: dict, *rows: tuple[str, str]) -> dict:
    """The form with these names and roles added to its invitations."""
    total = int(data["invitations-TOTAL_FORMS"])
    more = {"invitations-TOTAL_FORMS": str(total + len(rows))}
    for number, (name, role) in enumerate(rows, start=total):
        more |= {f"invitations-{number}-username": name, f"invitations-{number}-role": role}
    return data | more


@pytest.mark.parametrize("name", ["charlie", "nobody", "disabled"])
def test_staff_invite_every_name_alike(alices, household, charlie_user, name):
    User.objects.create(username="disabled", is_active=False)
    data = change_form_data(alices, household)
    assert save(alices, household, invited(data, (name, "editor"))).status_code == 302
    created = household.invitations.get()
    assert (created.username, created.role, created.created_by.username) == (name, "editor", "alice")
    assert not household.memberships.filter(user=charlie_user).exists()


def test_what_the_api_refuses_to_invite_the_form_refuses(alices, household, bob_user):
    data = change_form_data(alices, household)
    for name, said in (
        ("Bob", "is a member already"),
        ("two words", "Enter a valid username"),
        ("", "This field is required"),
    ):
        assert said in errors_of(save(alices, household, invited(data, (name, "editor")))), name
    twice = invited(data, ("Straße", "viewer"), ("STRASSE", "viewer"))
    assert editing.TAKEN in errors_of(save(alices, household, twice))
    assert save(alices, household, invited(data, ("dora", "viewer"))).status_code == 302
    again = invited(change_form_data(alices, household), ("DORA", "owner"))
    assert "is invited already" in errors_of(save(alices, household, again))


def test_owners_withdraw_an_invitation_and_change_none(alices, household):
    Invitation.objects.create(household=household, username="dora", role="viewer")
    data = change_form_data(alices, household)
    save(alices, household, data | {"invitations-0-role": "owner", "invitations-0-username": "eve"})
    created = household.invitations.get()
    assert (created.username, created.role) == ("dora", "viewer")
    assert save(alices, household, data | {"invitations-0-DELETE": "on"}).status_code == 302
    assert not household.invitations.exists()


def test_the_form_says_that_joining_shows_the_past(alices, household):
    shown = " ".join(alices.get(url(Household, "change", household.pk)).content.decode().split())
    assert "Joining shows the household's whole past" in shown


def test_only_owners_see_who_is_invited(bobs, household):
    Invitation.objects.create(household=household, username="dora", role="viewer")
    assert "dora" not in bobs.get(url(Household, "change", household.pk)).content.decode()


def test_members_join_by_accepting_alone_unless_a_superuser_adds_them(alices, rita, household, charlie_user):
    for client, status in ((alices, 302), (rita, 302)):
        data = change_form_data(client, household)
        total = int(data["memberships-TOTAL_FORMS"])
        row = f"memberships-{total}"
        new = {
            "memberships-TOTAL_FORMS": str(total + 1),
            f"{row}-username": "CHARLIE",
            f"{row}-role": "owner",
        }
        assert save(client, household, data | new).status_code == status
        assert household.memberships.filter(user=charlie_user).exists() is (client is rita)


def test_a_superuser_replaces_the_last_owner_at_once(rita, alice_user, charlie_user, household):
    data = change_form_data(rita, household)
    row = row_of(data, alice_user)
    new = {"memberships-TOTAL_FORMS": "2", "memberships-1-username": "charlie", "memberships-1-role": "owner"}
    assert save(rita, household, data | new | {f"{row}-DELETE": "on"}).status_code == 302
    assert [row.user for row in household.memberships.all()] == [charlie_user]
