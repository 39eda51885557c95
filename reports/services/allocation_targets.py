"""Writes allocation targets. Refuses what they forbid elsewhere: an asset that leaves, a category that moves."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.models import Asset, Category
from portfolios.models import Household
from reports.models import AllocationTarget
from reports.models.allocation_target import GROUPS
from strata.exceptions import Conflict, Invalid, NotFound
from strata.tenancy.guards import rows_referred_to
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    conflict_if_duplicate,
    delete_row,
    locked_parent,
    locked_row,
    save_changes,
)

GROUP_HAS_ONE = Conflict("DUPLICATE_TARGET", _("There is a target for this group."))
GROUP_COLUMNS = tuple(AllocationTarget.column(field) for field in GROUPS.values())
COLUMNS = ("portfolio_id", *GROUP_COLUMNS, "share")


@atomic_write
def create_target(
    household_id: UUID, *, precondition: Precondition = always, **values: Any
) -> AllocationTarget:
    """A target with a `share` and one of GROUP_COLUMNS, of one portfolio where there is a `portfolio_id`.

    400 if it names no group or several, or if the targets of its grouping would exceed 1. 404 for rows of other
    households. 409 DUPLICATE_TARGET.
    """
    household = locked_parent(AllocationTarget, Household.objects.all(), household_id, "household")
    precondition(household)
    target = AllocationTarget(household=household, **values)
    refuse_bad_target(target, values)
    with conflict_if_duplicate(AllocationTarget, GROUP_HAS_ONE):
        target.save()
    return target


@atomic_write
def update_target(
    target_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> AllocationTarget:
    """Change the share, the portfolio or the group. Refused as by `create_target`."""
    target = locked_row(AllocationTarget.objects.all(), target_id, "allocation_target", changes=changes)
    precondition(target)
    changed = {name: value for name, value in changes.items() if getattr(target, name) != value}
    if changed:
        refuse_bad_target(target, changed)
    with conflict_if_duplicate(AllocationTarget, GROUP_HAS_ONE):
        save_changes(target, changed)
    return target


def delete_target(target_id: UUID, *, precondition: Precondition = always) -> None:
    delete_row(AllocationTarget.objects.all(), target_id, "allocation_target", precondition)


TARGETS = Service(create=create_target, update=update_target, delete=delete_target)


# --- what is refused ---


def refuse_bad_target(target: AllocationTarget, changes: Mapping[str, Any]) -> None:
    """Raise what `create_target` says for the target with these changes. The household is locked."""
    values = {name: getattr(target, name) for name in COLUMNS} | dict(changes)
    for field, rows in rows_referred_to(AllocationTarget, changes).items():
        path = rows.model.household_lookup
        if not rows.filter(Q(**{path: target.household_id}) | Q(**{f"{path}__isnull": True})).exists():
            raise NotFound(field)
    groups = [name for name in GROUP_COLUMNS if values[name] is not None]
    if len(groups) != 1:
        message = gettext("Name exactly one group: %(groups)s.") % {"groups": ", ".join(GROUPS.values())}
        raise Invalid(None, message, "one_group")
    refuse_more_than_all(target, groups[0], values)


def refuse_more_than_all(target: AllocationTarget, column: str, values: Mapping[str, Any]) -> None:
    """The targets of one grouping add up to at most 1; for categories, those with the same parent."""
    others = AllocationTarget.objects.filter(
        household=target.household_id, portfolio=values["portfolio_id"], **{f"{column}__isnull": False}
    ).exclude(pk=target.pk)
    if column == "category_id":
        parents = Category.objects.filter(pk=values["category_id"]).values_list("parent_id", flat=True)
        others = others.filter(category__parent=parents.first())
    total = sum(others.values_list("share", flat=True), Decimal(values["share"]))
    if total > 1:
        message = gettext("With the others of its kind that makes %(total)s: together they are 1 at most.")
        raise Invalid("share", message % {"total": total}, "more_than_all")


# --- what targets refuse elsewhere ---


def targets_of_leaving_asset(asset: Asset) -> None:
    """Refuses to move an asset to another household while a target names it: the target would show the asset's name."""
    if AllocationTarget.objects.filter(asset=asset).exists():
        message = gettext(
            "The household that it leaves has an allocation target for it: delete the target first."
        )
        raise Conflict("TARGET_OF_ANOTHER_HOUSEHOLD", message, "portfolio_id")


def targets_beside_moving_category(category: Category, parent_id: UUID | None) -> None:
    """Refuses a move after which the targets of the categories with the same parent would exceed 1."""
    targets = AllocationTarget.objects.filter(household=category.household_id)
    beside = targets.filter(category__parent=parent_id).exclude(category=category)
    for portfolio_id, share in targets.filter(category=category).values_list("portfolio", "share"):
        total = sum(beside.filter(portfolio=portfolio_id).values_list("share", flat=True), Decimal(share))
        if total > 1:
            message = gettext(
                "With the targets of the categories there, its own makes %(total)s: "
                "together they are 1 at most. Lower or delete one first."
            )
            words = {"total": f"{total.normalize():f}"}
            raise Conflict("TARGETS_MORE_THAN_ALL", message % words, "parent_id")
