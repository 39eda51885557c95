"""Who joins a household and who leaves it: the last owner stays."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from portfolios.models import Household, Membership
from strata.db.locks import lock_rows
from strata.exceptions import Conflict, NotFound
from strata.models import User
from strata.ownership import OWNER


def invite(household: Household, username: str, role: str) -> Membership:
    """An invitation, which gives no rights until it is accepted. 404 for an unknown user, 409 for a member."""
    try:
        user = User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        raise NotFound("user") from None
    if not user.is_active:
        raise NotFound("user")
    if Membership.objects.filter(household=household, user=user).exists():
        raise Conflict("ALREADY_A_MEMBER", "The user is a member or invited already.", "username")
    return Membership.objects.create(household=household, user=user, role=role)


def accept(invitation: Membership) -> None:
    """Become a member; again changes nothing."""
    if invitation.accepted_at is None:
        invitation.accepted_at = timezone.now()
        invitation.save()


def require_another_owner(member: Membership) -> None:
    """409 when the household would be left without an owner. Two who leave at once take turns."""
    with transaction.atomic():
        lock_rows(Household.objects.filter(pk=member.household_id))
        owners = Membership.objects.filter(
            household=member.household_id, role=OWNER, accepted_at__isnull=False, user__is_active=True
        )
        if member.role == OWNER and member.accepted_at and not owners.exclude(pk=member.pk).exists():
            raise Conflict("LAST_OWNER", "A household keeps at least one owner.", "role")
