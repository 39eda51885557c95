"""Making households, and finding the one a user means without saying."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from portfolios.models import Household, Membership
from portfolios.signals import household_created
from strata.db.locks import lock_rows
from strata.ownership import OWNER


def make_household(user, name: str | None = None) -> Household:
    """A new household that the user owns, with the starter categories."""
    with transaction.atomic():
        household = Household.objects.create(name=name or f"{user.get_username()}'s household"[:200])
        move_in(household, user)
    return household


def move_in(household: Household, user) -> None:
    """The first owner of a new household, and the categories that it starts with."""
    Membership.objects.create(household=household, user=user, role=OWNER, accepted_at=timezone.now())
    household_created.send(Household, household=household)


def first_household(user) -> Household:
    """The oldest household that the user owns; made on first need, once however many ask at a time."""
    with transaction.atomic():
        lock_rows(type(user).objects.filter(pk=user.pk))
        owned = Household.objects.for_user(user, (OWNER,)).order_by("created_at", "id").first()
        return owned or make_household(user)
