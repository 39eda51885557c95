"""Making, renaming and deleting households, and finding the one that a user means without saying."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from portfolios.models import Household, Membership, Portfolio
from portfolios.services.locks import lock_household, lock_portfolios
from portfolios.signals import household_created
from strata.accounts.models import User
from strata.db.locks import lock_rows
from strata.exceptions import NotFound
from strata.tenancy.roles import OWNER

Precondition = Callable[[Household], None]


def create_household(user: User, name: str | None = None) -> Household:
    """A new household that the user owns, with the starter categories."""
    with transaction.atomic():
        household = Household.objects.create(name=name or f"{user.get_username()}'s household"[:200])
        add_first_owner(household, user)
    return household


def add_first_owner(household: Household, user: User) -> None:
    """Of a household that is new; what else it starts with comes by the signal."""
    Membership.objects.create(household=household, user=user, role=OWNER)
    household_created.send(Household, household=household)


def first_household(user: User) -> Household:
    """The oldest household that the user owns; made on first need, once however many ask at a time."""
    with transaction.atomic():
        lock_rows(User.objects.filter(pk=user.pk))
        owned = Household.objects.for_user(user, (OWNER,)).order_by("created_at", "id").first()
        return owned or create_household(user)


def household_at_login(user: User) -> None:
    """Makes one for a user who belongs to none. A member of somebody else's gets one when they first need it."""
    if not user.memberships.exists():
        first_household(user)


def update_household(
    household_id: UUID, *, name: str, precondition: Precondition = lambda household: None
) -> Household:
    with transaction.atomic():
        household = _locked(household_id)
        precondition(household)
        if household.name != name:
            household.name = name
            household.save(update_fields=["name"])
    return household


def delete_household(household_id: UUID, *, precondition: Precondition = lambda household: None) -> None:
    """With all that is in it. Its journal stays, for superusers: nobody is left who belongs to it."""
    with transaction.atomic():
        household = _locked(household_id)
        lock_portfolios(Portfolio.objects.filter(household=household_id).values_list("pk", flat=True))
        precondition(household)
        household.delete()


def _locked(household_id: UUID) -> Household:
    lock_household(household_id)
    household = Household.objects.filter(pk=household_id).first()
    if household is None:
        raise NotFound("household")
    return household
