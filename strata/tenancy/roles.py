"""The role of a user in a household: owner, editor, viewer, or none. The app portfolios defines `user.memberships`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import models

from strata.db.prepared import Prepared
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
    return ROLE.first(user.pk, household_id)


def user_with_id_only(user_id: UUID) -> Any:
    """The user of a prepared query, whose SQL is made before anybody asks: only the id counts."""
    return get_user_model()(pk=user_id)


def _roles(user_id: UUID, household_id: UUID) -> models.QuerySet[Any, str]:
    memberships = user_with_id_only(user_id).memberships.filter(household_id=household_id)
    roles: models.QuerySet[Any, str] = memberships.order_by().values_list("role", flat=True)[:1]
    return roles


ROLE = Prepared(_roles, UUID, UUID)


def roles_of(user: Any) -> dict[UUID, str]:
    """The user's role in each household that the user belongs to."""
    return dict(user.memberships.values_list("household_id", "role"))


def may_edit_all(user: Any, household_ids: Collection[UUID]) -> bool:
    """Whether the user may edit in each of the households."""
    editable = households_of(user, EDITORS).filter(household_id__in=household_ids)
    return editable.count() == len(household_ids)


def require_role(user: Any, household_id: Any, roles: tuple[str, ...] = EDITORS) -> None:
    """Raise Forbidden where the user's role is not one of `roles`. Shared rows are for superusers to change."""
    allowed = user.is_superuser if household_id is None else role_in(user, household_id) in roles
    if not allowed:
        raise Forbidden
