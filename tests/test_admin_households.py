"""Households and members in the admin: creating, inviting, joining, and that the last owner stays."""

from __future__ import annotations

import pytest

from portfolios.models import Household, Invitation, Membership
from strata.accounts.models import User
from strata.admin import forms as editing
from strata.tenancy.roles import OWNER
from tests.admin_forms import change_form_data, errors_of, save, staff, url


def test_creator_of_a_household_owns_it_and_it_has_starter_categories(charlie_user):
    charlie = staff(charlie_user)
    assert charlie.post(url(Household, "add"), {"name": "Mine", "version": ""}).status_code == 302
    created = Household.objects.get(name="Mine")
    assert created.memberships.get().user == charlie_user
    assert created.memberships.get().role == OWNER
    assert created.categories.exists()


def row_of(data: dict, user) -> str:
    """The prefix of the user's row in the form's inline of members."""
    pk = str(Membership.objects.get(user=user).pk)
    return next(
        name.removesuffix("-id") for name, value in data.items() if name.endswith("-id") and str(value) == pk
    )


@pytest.mark.parametrize("change", [{"DELETE": "on"}, {"role": "viewer"}])
def test_the_last_owner_stays(alices, alice_user, bob_user, household, change):
    data = change_form_data(alices, household)
    alices_row, bobs_row = row_of(data, alice_user), row_of(data, bob_user)
    leaves = {f"{alices_row}-{name}": value for name, value in change.items()}
    assert "at least one owner" in errors_of(save(alices, household, data | leaves))
    assert save(alices, household, data | leaves | {f"{bobs_row}-role": "owner"}).status_code == 302
    assert [row.user for row in household.memberships.filter(role="owner")] == [bob_user]


def test_two_owners_do_not_leave_in_one_form(alices, alice_user, bob_user, household):
    Membership.objects.filter(user=bob_user).update(role=OWNER)
    data = change_form_data(alices, household)
    rows = (row_of(data, alice_user), row_of(data, bob_user))
    assert save(alices, household, data | {f"{row}-DELETE": "on" for row in rows}).status_code == 200
    assert household.memberships.filter(role=OWNER).count() == 2


def with_invitations(data: dict, *rows: tuple[str, str]) -> dict:
    """The form's data with added invitations of these names and roles."""
    total = int(data["invitations-TOTAL_FORMS"])
    added = {"invitations-TOTAL_FORMS": str(total + len(rows))}
    for number, (name, role) in enumerate(rows, start=total):
        added |= {f"invitations-{number}-username": name, f"invitations-{number}-role": role}
    return data | added


@pytest.mark.parametrize("name", ["charlie", "nobody", "disabled"])
def test_invitation_looks_the_same_for_every_name(alices, household, charlie_user, name):
    User.objects.create(username="disabled", is_active=False)
    data = change_form_data(alices, household)
    assert save(alices, household, with_invitations(data, (name, "editor"))).status_code == 302
    created = household.invitations.get()
    assert (created.username, created.role, created.created_by.username) == (name, "editor", "alice")
    assert not household.memberships.filter(user=charlie_user).exists()


def test_form_refuses_the_invitations_that_the_api_refuses(alices, household, bob_user):
    data = change_form_data(alices, household)
    for name, message in (
        ("Bob", "is a member already"),
        ("two words", "Enter a valid username"),
        ("", "This field is required"),
    ):
        assert message in errors_of(save(alices, household, with_invitations(data, (name, "editor")))), name
    twice = with_invitations(data, ("Straße", "viewer"), ("STRASSE", "viewer"))
    assert str(editing.TAKEN) in errors_of(save(alices, household, twice))
    assert save(alices, household, with_invitations(data, ("dora", "viewer"))).status_code == 302
    again = with_invitations(change_form_data(alices, household), ("DORA", "owner"))
    assert "is invited already" in errors_of(save(alices, household, again))


def test_owners_can_withdraw_an_invitation_but_not_change_it(alices, household):
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


def test_only_a_superuser_adds_members_directly(alices, rita, household, charlie_user):
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


def test_superuser_can_replace_the_last_owner_in_one_form(rita, alice_user, charlie_user, household):
    data = change_form_data(rita, household)
    row = row_of(data, alice_user)
    new = {"memberships-TOTAL_FORMS": "2", "memberships-1-username": "charlie", "memberships-1-role": "owner"}
    assert save(rita, household, data | new | {f"{row}-DELETE": "on"}).status_code == 302
    assert [row.user for row in household.memberships.all()] == [charlie_user]
