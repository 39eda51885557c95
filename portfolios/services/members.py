"""Invites, accepts and removes members of a household, and changes roles: one owner always remains.

Each function locks the household before it reads, so that what it checked still holds when it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext

from portfolios.models import Household, Invitation, Membership
from strata.accounts.models import User
from strata.exceptions import Conflict, Invalid, NotFound
from strata.fields.names import NAME_LENGTH, name_key, validate_name
from strata.tenancy.roles import OWNER
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    conflict_if_duplicate,
    locked_parent,
    locked_row,
    save_changes,
)

# --- invitations ---


@atomic_write
def invite(
    household_id: UUID, username: str, role: str, *, precondition: Precondition = always
) -> Invitation:
    """Invite whoever has the name, or gets it later. No user is looked up: the answer is the same for every name.

    Only the name of a present member is refused; the inviting owner sees the members anyway.
    """
    household = locked_parent(Invitation, Household.objects.all(), household_id, "household")
    precondition(household)
    username = username.strip()
    require_possible(username)
    require_new(household_id, username)
    return Invitation.objects.create(household=household, username=username, role=role)


def require_possible(username: str) -> None:
    """400 for a name that no user may have."""
    field = User._meta.get_field("username")
    try:
        validate_name(username, max_length=field.max_length or NAME_LENGTH)
        field.run_validators(User.normalize_username(username))
    except ValidationError as error:
        raise Invalid("username", " ".join(error.messages)) from None


def require_new(household_id: UUID, username: str) -> None:
    """409 for a name that a member has, or that is invited already."""
    key = name_key(username)
    if Membership.objects.filter(household=household_id, user__username_key=key).exists():
        raise Conflict("ALREADY_A_MEMBER", gettext("The user is a member already."), "username")
    if Invitation.objects.filter(household=household_id, username_key=key).exists():
        raise Conflict("ALREADY_INVITED", gettext("The name is invited already."), "username")


def invitations_for(user: User) -> models.QuerySet[Invitation]:
    """The invitations that wait for the user's answer: those to the name that the user has when they are read."""
    if not user.is_authenticated:
        return Invitation.objects.none()
    names = User.objects.filter(pk=user.pk, is_active=True).values("username_key")
    return Invitation.objects.filter(username_key__in=names)


@atomic_write
def accept_invitation(invitation_id: UUID, user: User, *, precondition: Precondition = always) -> Membership:
    """The user becomes a member, by the invitation's id; accepting again changes nothing."""
    try:
        invitation = locked_row(invitations_for(user), invitation_id, "invitation", for_delete=True)
    except NotFound:
        accepted = Membership.objects.filter(pk=invitation_id, user=user).first()
        if accepted is None:
            raise
        return accepted
    precondition(invitation)
    member = Membership.objects.filter(household=invitation.household_id, user=user).first()
    invitation.delete()
    return member or Membership.objects.create(
        pk=invitation_id, household_id=invitation.household_id, user=user, role=invitation.role
    )


@atomic_write
def withdraw_invitation(invitation_id: UUID, *, precondition: Precondition = always) -> None:
    """Delete an invitation: an owner withdraws it, or the invited user declines."""
    invitation = locked_row(Invitation.objects.all(), invitation_id, "invitation", for_delete=True)
    precondition(invitation)
    invitation.delete()


INVITATIONS = Service(create=invite, delete=withdraw_invitation)


# --- members ---


@atomic_write
def add_member(
    household_id: UUID, *, user_id: UUID, role: str, precondition: Precondition = always
) -> Membership:
    """Add a user without an invitation: for superusers, where no owner is left. 409 ALREADY_A_MEMBER."""
    household = locked_parent(Membership, Household.objects.all(), household_id, "household")
    precondition(household)
    with conflict_if_duplicate(
        Membership, Conflict("ALREADY_A_MEMBER", gettext("The user is a member already."), "username")
    ):
        return Membership.objects.create(household=household, user_id=user_id, role=role)


@atomic_write
def update_member(
    member_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> Membership:
    """Change the role. 409 LAST_OWNER if the household would have no owner left."""
    member = locked_row(Membership.objects.select_related("user"), member_id, "member")
    precondition(member)
    if changes.get("role", member.role) != member.role:
        require_owner_left(member.household_id, {member.pk: changes["role"]})
    save_changes(member, changes)
    return member


@atomic_write
def remove_member(member_id: UUID, *, precondition: Precondition = always) -> None:
    """An owner removes a member, or a member leaves. 409 LAST_OWNER if the household would have no owner left."""
    member = locked_row(Membership.objects.all(), member_id, "member", for_delete=True)
    precondition(member)
    require_owner_left(member.household_id, {member.pk: None})
    member.delete()


@atomic_write
def replace_members(household_id: UUID, roles: Mapping[UUID, str | None]) -> None:
    """Give members these roles and remove those with None, as one change: an owner must be left at the end."""
    locked_row(Household.objects.all(), household_id, "household")
    require_owner_left(household_id, roles)
    members = Membership.objects.filter(household=household_id, pk__in=roles)
    members.filter(pk__in=[pk for pk, role in roles.items() if role is None]).delete()
    for member in members:
        save_changes(member, {"role": roles[member.pk]})


def require_owner_left(household_id: UUID, roles: Mapping[UUID, str | None]) -> None:
    """409 if no owner who can log in is left after these changes (None: removed).

    Call it with the household locked. If there was no such owner before, nothing is refused.
    """
    owners = set(
        Membership.objects.filter(household=household_id, role=OWNER, user__is_active=True).values_list(
            "pk", flat=True
        )
    )
    promoted = Membership.objects.filter(
        household=household_id,
        pk__in=[pk for pk, role in roles.items() if role == OWNER],
        user__is_active=True,
    )
    left = (owners - roles.keys()) | set(promoted.values_list("pk", flat=True))
    if owners and not left:
        raise Conflict("LAST_OWNER", gettext("A household keeps at least one owner."), "role")


MEMBERS = Service(create=add_member, update=update_member, delete=remove_member)
