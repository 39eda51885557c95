"""Who is in a restored household: its new owner, and the names of the archive as invitations or members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from archives.rows.values import parsed_instant
from archives.services.checking import Plan
from archives.services.people import Person
from portfolios.models import Household, Invitation, Membership, Role
from strata.db.bulk import insert_rows, stored_instant
from strata.exceptions import Invalid
from strata.fields.names import name_key

INVITED, MEMBER = "invited", "member"
MEMBERSHIP = ("id", "household", "user", "role", "accepted_at", "created_at", "updated_at")
INVITATION = ("id", "household", "username", "username_key", "role", "created_at", "updated_at")


def invite_people(plan: Plan, owner: Any) -> list[dict[str, str]]:
    """Over HTTP every name becomes an invitation, whether a user has it or not, and no user is looked for."""
    household = Household.objects.get(pk=plan.household_id)
    Membership.objects.create(household=household, user=owner, role=Role.OWNER)
    own_key = name_key(owner.get_username())
    others = [person for person in plan.people if name_key(person.username) != own_key]
    Invitation.objects.bulk_create(
        Invitation(household=household, username=person.username, role=person.role) for person in others
    )
    return [shown(person, INVITED) for person in others]


def restore_people(plan: Plan, owner: Any) -> list[dict[str, str]]:
    """As they were where a user has the name, else invited. `owner`, if given, owns the household in any case."""
    names = [person.username for person in plan.people if person.is_member]
    users: Any = get_user_model()._default_manager.filter(username__in=names)
    ids: dict[str, UUID] = dict(users.values_list("username", "pk"))
    members = [person for person in plan.people if person.is_member and person.username in ids]
    invited = [person for person in plan.people if person not in members]
    add_members(plan, members, ids)
    add_invitations(plan, invited)
    make_owner(plan, owner)
    return [shown(person, MEMBER if person in members else INVITED) for person in plan.people]


def make_owner(plan: Plan, owner: Any) -> None:
    rows = Membership.objects.filter(household=plan.household_id)
    if owner is not None and not rows.filter(user=owner).update(role=Role.OWNER):
        invitations = Invitation.objects.filter(household=plan.household_id)
        invitations.filter(username_key=name_key(owner.get_username())).delete()
        household = Household.objects.get(pk=plan.household_id)
        Membership.objects.create(household=household, user=owner, role=Role.OWNER)
    if not rows.filter(role=Role.OWNER).exists():
        raise Invalid("owner", _("No owner in the archive is a user here: name one with --owner."))


def add_members(plan: Plan, people: Sequence[Person], ids: dict[str, UUID]) -> None:
    rows = (
        (
            *identity(plan, person),
            ids[person.username].hex,
            person.role,
            *instants(person, "accepted_at", "created_at", "updated_at"),
        )
        for person in people
    )
    insert_rows(Membership, MEMBERSHIP, rows)


def add_invitations(plan: Plan, people: Sequence[Person]) -> None:
    rows = (
        (
            *identity(plan, person),
            person.username,
            name_key(person.username),
            person.role,
            *instants(person, "created_at", "updated_at"),
        )
        for person in people
    )
    insert_rows(Invitation, INVITATION, rows)


def identity(plan: Plan, person: Person) -> tuple[str, str]:
    return plan.ids.of_row(person.row["id"]), plan.household_id.hex


def instants(person: Person, *names: str) -> list[str]:
    return [stored_instant(parsed_instant(person.row[name])) for name in names]


def shown(person: Person, state: str) -> dict[str, str]:
    return {"username": person.username, "role": person.role, "state": state}
