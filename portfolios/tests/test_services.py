"""The services of households, members, invitations and portfolios: each rule, whoever calls."""

import pytest

from portfolios.models import Household, Invitation, Membership, Portfolio
from portfolios.services import households, members, portfolios
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from strata.exceptions import Conflict, Forbidden, Invalid, NotFound
from strata.tenancy.guards import held_guards


def forbid(row):
    raise Forbidden


def entries():
    return JournalEntry.objects.count()


@pytest.fixture
def rows(household, portfolio, alice_user, bob_user):
    return {
        "household": household,
        "portfolio": portfolio,
        "bob": bob_user.memberships.get(),
        "invitation": members.invite(household.pk, "dora", "viewer"),
        "dora": User.objects.create(username="Dora"),
    }


# --- portfolios ---


def test_two_portfolios_of_a_household_have_two_names(household, portfolio):
    name = portfolio.name.upper()
    with pytest.raises(Conflict) as refused:
        portfolios.create_portfolio(household.pk, name=name)
    assert (refused.value.code, refused.value.field) == ("DUPLICATE_NAME", "name")
    second = portfolios.create_portfolio(household.pk, name="Second", base_currency="USD")
    with pytest.raises(Conflict):
        portfolios.update_portfolio(second.pk, {"name": name})
    assert Portfolio.objects.get(pk=second.pk).name == "Second"
    other = Household.objects.create(name="Other")
    assert portfolios.create_portfolio(other.pk, name=name).household == other


def test_portfolio_of_no_household_is_not_found(portfolio):
    with pytest.raises(NotFound) as refused:
        portfolios.create_portfolio(portfolio.pk, name="x")
    assert refused.value.code == "HOUSEHOLD_NOT_FOUND"


def test_unchanged_portfolio_household_and_role_are_not_written(rows):
    portfolio = Portfolio.objects.get(pk=rows["portfolio"].pk)
    before = entries()
    portfolios.update_portfolio(portfolio.pk, {"name": portfolio.name, "time_zone": portfolio.time_zone})
    households.update_household(rows["household"].pk, {"name": rows["household"].name})
    members.update_member(rows["bob"].pk, {"role": rows["bob"].role})
    members.replace_members(rows["household"].pk, {rows["bob"].pk: rows["bob"].role})
    assert entries() == before
    assert Portfolio.objects.get(pk=portfolio.pk).revision == portfolio.revision


# --- members ---


def test_last_owner_stays(rows, alice_user):
    alice = alice_user.memberships.get()
    for refused in (
        lambda: members.update_member(alice.pk, {"role": "viewer"}),
        lambda: members.remove_member(alice.pk),
        lambda: members.replace_members(rows["household"].pk, {alice.pk: None}),
    ):
        with pytest.raises(Conflict) as conflict:
            refused()
        assert conflict.value.code == "LAST_OWNER"
    assert Membership.objects.get(pk=alice.pk).role == "owner"


def test_member_is_neither_invited_nor_added_again(rows, bob_user):
    for refused in (
        lambda: members.invite(rows["household"].pk, " BOB ", "viewer"),
        lambda: members.add_member(rows["household"].pk, user_id=bob_user.pk, role="viewer"),
    ):
        with pytest.raises(Conflict) as conflict:
            refused()
        assert (conflict.value.code, conflict.value.field) == ("ALREADY_A_MEMBER", "username")


def test_name_that_no_user_may_have_is_not_invited(rows):
    with pytest.raises(Invalid) as refused:
        members.invite(rows["household"].pk, "two words", "viewer")
    assert refused.value.field == "username"


# --- preconditions ---


WRITES = {
    "rename a household": lambda w, check: households.update_household(
        w["household"].pk, {"name": "x"}, precondition=check
    ),
    "delete a household": lambda w, check: households.delete_household(w["household"].pk, precondition=check),
    "invite": lambda w, check: members.invite(w["household"].pk, "eve", "viewer", precondition=check),
    "accept": lambda w, check: members.accept_invitation(w["invitation"].pk, w["dora"], precondition=check),
    "withdraw": lambda w, check: members.withdraw_invitation(w["invitation"].pk, precondition=check),
    "add a member": lambda w, check: members.add_member(
        w["household"].pk, user_id=w["dora"].pk, role="viewer", precondition=check
    ),
    "change a role": lambda w, check: members.update_member(
        w["bob"].pk, {"role": "viewer"}, precondition=check
    ),
    "remove a member": lambda w, check: members.remove_member(w["bob"].pk, precondition=check),
    "create a portfolio": lambda w, check: portfolios.create_portfolio(
        w["household"].pk, name="x", precondition=check
    ),
    "rename a portfolio": lambda w, check: portfolios.update_portfolio(
        w["portfolio"].pk, {"name": "x"}, precondition=check
    ),
    "delete a portfolio": lambda w, check: portfolios.delete_portfolio(w["portfolio"].pk, precondition=check),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_precondition_gets_the_locked_row_before_anything_is_written(rows, write):
    before = entries()
    with pytest.raises(Forbidden):
        write(rows, forbid)
    assert entries() == before
    held = []
    write(rows, lambda row: held.append(held_guards(row) is not None))
    assert held == [True]
    assert entries() > before


def test_refused_invitation_is_looked_up_for_nobody(rows):
    """The precondition comes first: who may not invite learns nothing about the name."""
    for name in ("bob", "dora", "two words"):
        with pytest.raises(Forbidden):
            members.invite(rows["household"].pk, name, "viewer", precondition=forbid)
    assert Invitation.objects.count() == 1
