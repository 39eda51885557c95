"""Households and their members in the admin: who makes one, who is invited, and that the last owner stays."""

from __future__ import annotations

import pytest

from portfolios.models import Household, Membership
from strata import editing
from strata.ownership import OWNER
from tests.admin_forms import errors_of, form_of, save, staff, url


def test_who_makes_a_household_owns_it_with_its_first_categories(charlie_user):
    charlie = staff(charlie_user)
    assert charlie.post(url(Household, "add"), {"name": "Mine", "seen": ""}).status_code == 302
    made = Household.objects.get(name="Mine")
    assert made.memberships.get().user == charlie_user
    assert made.memberships.get().role == OWNER
    assert made.categories.exists()


def row_of(data: dict, user) -> str:
    pk = str(Membership.objects.get(user=user).pk)
    return next(
        name.removesuffix("-id") for name, given in data.items() if name.endswith("-id") and str(given) == pk
    )


@pytest.mark.parametrize("change", [{"DELETE": "on"}, {"role": "viewer"}])
def test_the_last_owner_stays(alices, alice_user, bob_user, household, change):
    data = form_of(alices, household)
    mine, theirs = row_of(data, alice_user), row_of(data, bob_user)
    leaves = {f"{mine}-{name}": given for name, given in change.items()}
    assert "at least one owner" in errors_of(save(alices, household, data | leaves))
    assert save(alices, household, data | leaves | {f"{theirs}-role": "owner"}).status_code == 302
    assert [one.user for one in household.memberships.filter(role="owner")] == [bob_user]


def test_two_owners_do_not_leave_in_one_form(alices, alice_user, bob_user, household):
    Membership.objects.filter(user=bob_user).update(role=OWNER)
    data = form_of(alices, household)
    rows = (row_of(data, alice_user), row_of(data, bob_user))
    assert save(alices, household, data | {f"{row}-DELETE": "on" for row in rows}).status_code == 200
    assert household.memberships.filter(role=OWNER).count() == 2


def test_staff_invite_by_name_and_cannot_accept_for_another(alices, household, charlie_user):
    data = form_of(alices, household)
    total = int(data["memberships-TOTAL_FORMS"])
    row = f"memberships-{total}"
    new = {"memberships-TOTAL_FORMS": str(total + 1), f"{row}-role": "editor"}
    new |= {f"{row}-accepted_at_0": "2026-01-01", f"{row}-accepted_at_1": "10:00:00"}
    assert "no such user" in errors_of(save(alices, household, data | new | {f"{row}-username": "nobody"}))
    assert editing.TAKEN in errors_of(save(alices, household, data | new | {f"{row}-username": "Alice"}))
    assert save(alices, household, data | new | {f"{row}-username": "CHARLIE"}).status_code == 302
    invited = household.memberships.get(user=charlie_user)
    assert (invited.role, invited.accepted_at) == ("editor", None)
