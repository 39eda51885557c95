"""What is derived from the values, daily steps and packed months: kept in step with every write, and made anew.

Neither is ever a truth. AssetsConfig registers what follows a write of each model. An asset's
months go with it by cascade; what it added to the steps must be taken away first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from assets.models import Asset
from assets.valuation import deltas, months, protocol
from assets.valuation.deltas import forget_assets, forget_portfolios
from assets.valuation.sources.snapshots import AssetFacts, all_values, facts_of, values_around
from portfolios.models import Portfolio
from strata.audit.tracking import DerivedData
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
    """What some snapshots make: their part in the steps, and the months in which they are."""

    sums: deltas.DeltaSums
    months: set[protocol.Month]


def contribution_of_snapshots(ids: Collection[UUID]) -> Contribution:
    made = Contribution({}, set())
    for pk, around in values_around(ids):
        deltas.add_values_around(made.sums, around)
        made.months.update(months.touched(pk, around.touched))
    return made


def values_written(before: Contribution | None, after: Contribution) -> None:
    """Some snapshots were written, which made something else before, or are new."""
    before = before or Contribution({}, set())
    deltas.apply_deltas(deltas.difference(after.sums, before.sums))
    months.refresh(before.months | after.months)


def assets_written(before: Mapping[UUID, AssetFacts], after: Mapping[UUID, AssetFacts]) -> None:
    """Some assets are no longer what they were; their values are, and so are their months."""
    deltas.apply_deltas(deltas.deltas_of_changed_assets(before, after))


def rebuild(portfolio_id: UUID) -> None:
    """Forget what is derived from a portfolio's values and make it anew, while none is written.

    Whoever wrote past Strata raised no revision either: it is raised, or stored totals and ETags would say as before.
    """
    with transaction.atomic():
        lock(portfolio_id)
        forget_portfolios([portfolio_id])
        months.forget_portfolio(portfolio_id)
        sums: deltas.DeltaSums = {}
        facts = facts_of(Asset.objects.filter(portfolio=portfolio_id))
        for pk, days, values in all_values(facts):
            deltas.add_values(sums, facts[pk], days, values)
            months.write(pk, days, values)
        deltas.apply_deltas(sums)
        portfolios().filter(pk=portfolio_id).update_unrecorded(revision=F("revision") + 1)


def rebuild_was_needed(portfolio_id: UUID) -> bool:
    """Rebuild, and say whether anything was wrong. Nothing of the portfolio is written from the look to the end."""
    with transaction.atomic():
        lock(portfolio_id)
        wrong = is_outdated(portfolio_id)
        rebuild(portfolio_id)
    return wrong


def is_outdated(portfolio_id: UUID) -> bool:
    """Whether anything of it is not what the values make. By several queries: of one moment, or under the lock."""
    return bool(deltas.differences(portfolio_id) or months.differences(portfolio_id))


def lock(portfolio_id: UUID) -> None:
    lock_rows(portfolios().filter(pk=portfolio_id))


def portfolios() -> QuerySet:
    return Portfolio.objects.order_by("pk")


# --- what follows the writes of each model ---


class OfSnapshots(DerivedData):
    def capture(self, ids):
        return contribution_of_snapshots(ids)

    def update(self, ids, before):
        values_written(before, contribution_of_snapshots(ids))


class OfAssets(DerivedData):
    """A new asset has no values yet, and one that is deleted has none any more."""

    def capture(self, ids):
        return facts_of(Asset.objects.filter(pk__among=ids))

    def update(self, ids, before):
        if before is not None:
            assets_written(before, self.capture(ids))

    def forget(self, ids):
        forget_assets(ids)
        return True


class OfPortfolios(DerivedData):
    def forget(self, ids):
        forget_portfolios(ids)
        return True
