"""Creates, renames and deletes households, and chooses the default household of a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext

from portfolios.models import Household, Membership
from portfolios.signals import household_created
from strata.accounts.models import User
from strata.audit import deletions
from strata.db.locks import lock_rows
from strata.exceptions import NotFound
from strata.fields.names import NAME_LENGTH
from strata.tenancy.roles import OWNER, OWNERS, require_role
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    delete_row,
    locked_row,
    save_changes,
)


@atomic_write
def create_household(user: User, name: str | None = None, **values: Any) -> Household:
    """A new household that the user owns. household_created is sent: other apps add their start data.

    What it contains from the start is in the language that the user chose, else in the active one.
    """
    with in_language_of(user):
        household = Household.objects.create(name=name or name_of_first_household(user), **values)
        Membership.objects.create(household=household, user=user, role=OWNER)
        household_created.send(Household, household=household)
    return household


@atomic_write
def first_household(user: User) -> Household:
    """The oldest household that the user owns; one of the demo only where there is no other.

    It is created if there is none, once even for concurrent requests.
    """
    lock_rows(User.objects.filter(pk=user.pk))
    owned = Household.objects.for_user(user, (OWNER,)).order_by("is_demo", "created_at", "id").first()
    return owned or create_household(user)


def name_of_first_household(user: User) -> str:
    with in_language_of(user):
        return (gettext("%(user)s's household") % {"user": user.get_username()})[:NAME_LENGTH]


def in_language_of(user: User) -> translation.override:
    """The language that the user chose, else the active one."""
    return translation.override(user.language or translation.get_language())


@atomic_write
def update_household(
    household_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> Household:
    household = locked_row(Household.objects.all(), household_id, "household")
    precondition(household)
    save_changes(household, changes)
    return household


def delete_household(household_id: UUID, *, precondition: Precondition = always) -> None:
    """Delete a household with everything in it. Its journal stays; only superusers can see it then."""
    delete_row(Household.objects.all(), household_id, "household", precondition, delete=deletions.delete)


def demo_households_of(user: User) -> QuerySet[Household]:
    """The demo households that the user owns."""
    return Household.objects.for_user(user, OWNERS).filter(is_demo=True).order_by("created_at", "id")


@atomic_write
def remove_demos(user: User) -> int:
    """Delete the demo households that the user owns. Returns how many there were."""

    def require_own_demo(household: Household) -> None:
        if not household.is_demo:
            raise NotFound("household")
        require_role(user, household.pk, OWNERS)

    households = list(demo_households_of(user))
    for household in households:
        delete_household(household.pk, precondition=require_own_demo)
    return len(households)


# No `create`: create_household takes the user who will own it, and no parent.
HOUSEHOLDS = Service(update=update_household, delete=delete_household)
