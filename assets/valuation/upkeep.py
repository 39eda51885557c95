"""Keeps daily deltas and monthly values up to date with every write of values, and rebuilds them.

Both are derived from the values. AssetsConfig registers the classes below, which run with the writes of each model. An
asset's months are deleted with it by cascade; its contribution to the deltas must be subtracted before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F

from assets.models import Asset
from assets.valuation import deltas, months, protocol
from assets.valuation.deltas import forget_assets, forget_portfolios
from assets.valuation.sources.snapshots import AssetFacts, all_values, facts_of, values_around
from portfolios.models import Portfolio
from strata.audit.tracking import DerivedData, TrackedQuerySet
from strata.db.locks import lock_rows

__all__ = [
    "assets_written",
    "contribution_of_snapshots",
    "facts_of",
    "forget_assets",
    "forget_portfolios",
    "is_outdated",
    "portfolios",
    "rebuild",
    "rebuild_was_needed",
    "values_written",
]


class Contribution(NamedTuple):
    """What snapshots contribute to derived data: their part of the deltas, and the months in which they are."""

    sums: deltas.RunningSums
    months: set[protocol.Month]


def contribution_of_snapshots(ids: Collection[UUID]) -> Contribution:
    contribution = Contribution({}, set())
    for pk, around in values_around(ids):
        deltas.add_values_around(contribution.sums, around)
        contribution.months.update(months.touched(pk, around.touched))
    return contribution


def values_written(before: Contribution | None, after: Contribution) -> None:
    """Update derived data after a write of snapshots. `before` is their former contribution, None if they are new."""
    before = before or Contribution({}, set())
    deltas.apply_deltas(deltas.difference(after.sums, before.sums))
    months.refresh(before.months | after.months)


def assets_written(before: Mapping[UUID, AssetFacts], after: Mapping[UUID, AssetFacts]) -> None:
    """Update the deltas after a write of assets. Their values, and so their months, have not changed."""
    deltas.apply_deltas(deltas.deltas_of_changed_assets(before, after))


def rebuild(portfolio_id: UUID) -> None:
    """Delete the data derived from a portfolio's values and derive it again, with the portfolio locked.

    A write without Strata has not raised the revision. So this raises it: otherwise stored totals and ETags would stay.
    """
    with transaction.atomic():
        lock(portfolio_id)
        forget_portfolios([portfolio_id])
        months.forget_portfolio(portfolio_id)
        sums: deltas.RunningSums = {}
        facts = facts_of(Asset.objects.filter(portfolio=portfolio_id))
        for pk, days, values in all_values(facts):
            deltas.add_values(sums, facts[pk], days, values)
            months.write(pk, days, values)
        deltas.apply_deltas(sums)
        portfolios().filter(pk=portfolio_id).update_unrecorded(revision=F("revision") + 1)


def rebuild_was_needed(portfolio_id: UUID) -> bool:
    """Rebuild, and say whether anything was wrong. The portfolio is locked from the comparison to the end."""
    with transaction.atomic():
        lock(portfolio_id)
        outdated = is_outdated(portfolio_id)
        rebuild(portfolio_id)
    return outdated


def is_outdated(portfolio_id: UUID) -> bool:
    """Whether the portfolio's derived data differs from its values. It takes several queries: call it in one snapshot
    of the database, or with the portfolio locked.
    """
    return bool(deltas.differences(portfolio_id) or months.differences(portfolio_id))


def lock(portfolio_id: UUID) -> None:
    lock_rows(portfolios().filter(pk=portfolio_id))


def portfolios() -> TrackedQuerySet[Portfolio]:
    return Portfolio.objects.order_by("pk")


# --- what runs with the writes of each model ---


class OfSnapshots(DerivedData):
    def capture(self, ids: list[UUID]) -> Contribution:
        return contribution_of_snapshots(ids)

    def update(self, ids: list[UUID], before: Contribution | None) -> None:
        values_written(before, contribution_of_snapshots(ids))


class OfAssets(DerivedData):
    """A new asset has no values yet, so nothing is derived."""

    def capture(self, ids: list[UUID]) -> dict[UUID, AssetFacts]:
        return facts_of(Asset.objects.filter(pk__among=ids))

    def update(self, ids: list[UUID], before: dict[UUID, AssetFacts] | None) -> None:
        if before is not None:
            assets_written(before, self.capture(ids))

    def forget(self, ids: list[UUID]) -> bool:
        forget_assets(ids)
        return True


class OfPortfolios(DerivedData):
    def forget(self, ids: list[UUID]) -> bool:
        forget_portfolios(ids)
        return True
