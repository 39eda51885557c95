"""Refuses writes that allocation targets forbid: an asset that leaves the household, a category that moves."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from assets.models import Asset, Category
from reports.models import AllocationTarget
from strata.exceptions import Conflict


def targets_of_leaving_asset(asset: Asset) -> None:
    """Refuses to move an asset to another household while a target names it: the target would show the asset's name."""
    if AllocationTarget.objects.filter(asset=asset).exists():
        message = "The household that it leaves has an allocation target for it: delete the target first."
        raise Conflict("TARGET_OF_ANOTHER_HOUSEHOLD", message, "portfolio_id")


def targets_beside_moving_category(category: Category, parent_id: UUID | None) -> None:
    """Refuses a move after which the targets of the categories with the same parent would exceed 1."""
    targets = AllocationTarget.objects.filter(household=category.household_id)
    beside = targets.filter(category__parent=parent_id).exclude(category=category)
    for portfolio_id, share in targets.filter(category=category).values_list("portfolio", "share"):
        total = sum(beside.filter(portfolio=portfolio_id).values_list("share", flat=True), Decimal(share))
        if total > 1:
            message = (
                f"With the targets of the categories there, its own makes {total.normalize():f}: "
                "together they are 1 at most. Lower or delete one first."
            )
            raise Conflict("TARGETS_MORE_THAN_ALL", message, "parent_id")
