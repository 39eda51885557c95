"""Invites, accepts and removes members of a household, and changes roles: one owner always remains.

Each function locks the household before it reads, so that what it checked still holds when it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction

from portfolios.models import Invitation, Membership
from portfolios.services.locks import lock_household
from strata.accounts.models import User
from strata.exceptions import Conflict, Invalid, NotFound
from strata.fields.names import NAME_LENGTH, name_key, validate_name
from strata.tenancy.roles import OWNER

Precondition = Callable[[Any], None]


# --- invitations ---


def invite(household_id: UUID, username: str, role: str) -> Invitation:
    """Invite whoever has the name, or gets it later. No user is looked up: the answer is the same for every name.

    Only the name of a present member is refused; the inviting owner sees the members anyway.
    """
    username = username.strip()
    require_possible(username)
    with transaction.atomic():
        lock_household(household_id)
        require_new(household_id, username)
        return Invitation.objects.create(household_id=household_id, username=username, role=role)


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
        raise Conflict("ALREADY_A_MEMBER", "The user is a member already.", "username")
    if Invitation.objects.filter(household=household_id, username_key=key).exists():
        raise Conflict("ALREADY_INVITED", "The name is invited already.", "username")


def invitations_for(user: User) -> models.QuerySet[Invitation]:
    """The invitations that wait for the user's answer: those to the name that the user has now."""
    if not user.is_authenticated or not user.is_active:
        return Invitation.objects.none()
    return Invitation.objects.filter(username_key=name_key(user.username))


def accept_invitation(
    invitation_id: UUID, user: User, *, precondition: Precondition = lambda invitation: None
) -> Membership:
    """The user becomes a member, by the invitation's id; accepting again changes nothing."""
    with transaction.atomic():
        invitation = locked_invitation(invitation_id, user)
        if invitation is None:
            accepted = Membership.objects.filter(pk=invitation_id, user=user).first()
            if accepted is None:
                raise NotFound("invitation")
            return accepted
        precondition(invitation)
        member = Membership.objects.filter(household=invitation.household_id, user=user).first()
        invitation.delete()
        return member or Membership.objects.create(
            pk=invitation_id, household_id=invitation.household_id, user=user, role=invitation.role
        )


def locked_invitation(invitation_id: UUID, user: User) -> Invitation | None:
    """The user's invitation, read after its household is locked: it may have been withdrawn before."""
    if _lock_household_of(invitations_for(user), invitation_id, "invitation"):
        return invitations_for(User.objects.get(pk=user.pk)).filter(pk=invitation_id).first()
    return None


def withdraw_invitation(invitation_id: UUID, *, precondition: Precondition = lambda invitation: None) -> None:
    """Delete an invitation: an owner withdraws it, or the invited user declines."""
    with transaction.atomic():
        invitation = None
        if _lock_household_of(Invitation.objects.all(), invitation_id, "invitation"):
            invitation = Invitation.objects.filter(pk=invitation_id).first()
        if invitation is None:
            raise NotFound("invitation")
        precondition(invitation)
        invitation.delete()


# --- members ---


def change_role(
    member_id: UUID, role: str, *, precondition: Precondition = lambda member: None
) -> Membership:
    """409 if the household would have no owner left."""
    with transaction.atomic():
        member = locked_member(member_id)
        precondition(member)
        if member.role != role:
            require_owner_left(member.household_id, {member.pk: role})
            member.role = role
            member.save(update_fields=["role"])
    return member


def remove_member(member_id: UUID, *, precondition: Precondition = lambda member: None) -> None:
    """An owner removes a member, or a member leaves. 409 if the household would have no owner left."""
    with transaction.atomic():
        member = locked_member(member_id)
        precondition(member)
        require_owner_left(member.household_id, {member.pk: None})
        member.delete()


def replace_members(household_id: UUID, roles: Mapping[UUID, str | None]) -> None:
    """Give members these roles and remove those with None, as one change: an owner must be left at the end."""
    with transaction.atomic():
        lock_household(household_id)
        require_owner_left(household_id, roles)
        members = Membership.objects.filter(household=household_id, pk__in=roles)
        members.filter(pk__in=[pk for pk, role in roles.items() if role is None]).delete()
        for member in members:
            role = roles[member.pk]
            if role is not None and member.role != role:
                member.role = role
                member.save(update_fields=["role"])


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
        raise Conflict("LAST_OWNER", "A household keeps at least one owner.", "role")


def locked_member(member_id: UUID) -> Membership:
    """The member, read after the household is locked."""
    member = None
    if _lock_household_of(Membership.objects.all(), member_id, "member"):
        member = Membership.objects.select_related("user").filter(pk=member_id).first()
    if member is None:
        raise NotFound("member")
    return member


def _lock_household_of(
    rows: models.QuerySet[Invitation] | models.QuerySet[Membership], pk: UUID, resource: str
) -> UUID | None:
    """Lock the row's household and return its id; None if the row is gone. These rows never change their household."""
    household_id = rows.filter(pk=pk).values_list("household_id", flat=True).first()
    if household_id is None:
        return None
    try:
        lock_household(household_id)
    except NotFound:
        raise NotFound(resource) from None
    return household_id
