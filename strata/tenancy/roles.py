"""The role of a user in a household: owner, editor, viewer, or none. The app portfolios defines `user.memberships`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models

from strata.exceptions import Forbidden

OWNER, EDITOR, VIEWER = "owner", "editor", "viewer"
READERS = (OWNER, EDITOR, VIEWER)
EDITORS = (OWNER, EDITOR)
OWNERS = (OWNER,)


def households_of(user: Any, roles: tuple[str, ...] = READERS) -> models.QuerySet[Any]:
    """Ids of the households where the user has one of `roles`."""
    ids: models.QuerySet[Any] = user.memberships.filter(role__in=roles).values("household_id")
    return ids


def role_in(user: Any, household_id: UUID) -> str | None:
    """The user's role in a household; None where the user is not a member."""
    roles = user.memberships.filter(household_id=household_id).values_list("role", flat=True)
    role: str | None = roles.first()
    return role


def may_edit(user: Any, household_id: UUID) -> bool:
    return role_in(user, household_id) in EDITORS


def require_role(user: Any, household_id: Any, roles: tuple[str, ...] = EDITORS) -> None:
    """Raise Forbidden where the user's role is not one of `roles`. Shared rows are for superusers to change."""
    allowed = user.is_superuser if household_id is None else role_in(user, household_id) in roles
    if not allowed:
        raise Forbidden
