"""Creates, renames and deletes households, and chooses the default household of a user."""

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
    """Add the first owner of a new household, and send household_created, so that other apps add their start data."""
    Membership.objects.create(household=household, user=user, role=OWNER)
    household_created.send(Household, household=household)


def first_household(user: User) -> Household:
    """The oldest household that the user owns. It is created if there is none, once even for concurrent requests."""
    with transaction.atomic():
        lock_rows(User.objects.filter(pk=user.pk))
        owned = Household.objects.for_user(user, (OWNER,)).order_by("created_at", "id").first()
        return owned or create_household(user)


def household_at_login(user: User) -> None:
    """Create a household for a user who is in none. A member of another household gets one on first need."""
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
    """Delete a household with everything in it. Its journal stays; only superusers can see it then."""
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
