"""What follows a write of prices: the values of all who hold the instruments, and the revisions of their portfolios."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from uuid import UUID

from assets import prices
from assets.holdings.upkeep import raise_revisions
from assets.models import Asset
from assets.models.querysets import AssetQuerySet
from assets.prices.hooks import ChangedDays
from assets.valuation import gaps, sql
from assets.valuation.deltas import facts_of
from assets.valuation.formulas.market import Points
from assets.valuation.protocol import AssetValues
from assets.valuation.sources.anchors import anchors_of
from assets.valuation.sources.computed import LAST_DAY
from assets.valuation.sources.market_change import (
    Valued,
    apply_change,
    apply_contributions,
    stored_before,
    valued,
)
from assets.valuation.sources.market_inputs import MarketInputs, held_by, holders_of, with_prices
from assets.valuation.sources.market_upkeep import MARKET, linked_to
from assets.valuation.sources.markets import before, last_of_month, window_from
from assets.valuation.upkeep import Contribution
from portfolios.models import Portfolio
from strata.db.locks import lock_rows


@contextmanager
def writing_prices(days: ChangedDays) -> Iterator[None]:
    """Around a write of prices of these days."""
    holders = Asset.objects.filter(instrument__pk__among=list(days)).order_by()
    portfolio_ids = locked_portfolios(holders)
    if not portfolio_ids:
        yield
        return
    raise_revisions(portfolio_ids)
    ids = list(holders.filter(valuation=MARKET).values_list("pk", flat=True))
    begun, others = PriceWrite.of(ids, days)
    yield
    if others:
        raise_revisions(apply_change(others, valued(others)) - portfolio_ids)
    if begun is not None:
        begun.update()


def locked_portfolios(holders: AssetQuerySet[Asset]) -> set[UUID]:
    """The portfolios of the assets, locked before anything is read. An asset may move while this waits."""
    locked: set[UUID] = set()
    while (found := set(holders.values_list("portfolio_id", flat=True))) - locked:
        lock_rows(Portfolio.objects.filter(pk__among=list(found)))
        locked |= found
    return found


class PriceWrite:
    """The values of assets around a write of prices, none of which is the first of its instrument.

    So what is held stays the same, and is read once. A price changes values from its day on, until it would be too old:
    only the months of these days are looked at.
    """

    @classmethod
    def of(
        cls, asset_ids: Collection[UUID], days: ChangedDays
    ) -> tuple[PriceWrite | None, dict[UUID, Valued]]:
        """The write; and apart from it the values of the assets of which all may change, because Asset.quantity may
        count from the first price on.
        """
        first_days = prices.first_days(days) if asset_ids else {}
        first = {pk for pk, changed in days.items() if pk not in first_days or min(changed) < first_days[pk]}
        newly = linked_to(Asset.objects.filter(instrument__in=first)) if asset_ids and first else set()
        ids = [pk for pk in asset_ids if pk not in newly]
        return cls(ids, days) if ids else None, stored_before(newly)

    def __init__(self, asset_ids: Collection[UUID], days: ChangedDays) -> None:
        self.facts = facts_of(Asset.objects.filter(pk__among=list(asset_ids)))
        self.holders = holders_of(asset_ids)
        self.held = held_by(self.holders)
        self.anchors = anchors_of([holder.asset_id for holder in self.holders])
        max_ages = {pk: terms.max_age_days for pk, terms in prices.terms_of(days).items()}
        self.spans = {
            holder.asset_id: span_of(days, max_ages, holder.instrument_id)
            for holder in self.holders
            if holder.instrument_id is not None
        }
        month = min(first for first, _ in self.spans.values()).replace(day=1)
        self.start = before(month)  # with the point before the month
        self.end = last_of_month(max(last for _, last in self.spans.values()))
        self.before = self.contribution(
            {pk: Points([*on], [*amounts]) for pk, on, amounts in self.stored_points()}
        )

    def stored_points(self) -> Iterator[AssetValues]:
        return sql.values_in_months(sorted(self.facts), self.start, self.end)

    def points(self) -> dict[UUID, Points]:
        """All points of these months, and the last ones before them, as they are now."""
        points = {}
        for holder, read in with_prices(self.holders, self.start, self.end):
            pk = holder.asset_id
            inputs = MarketInputs(self.held[pk], read.prices, self.anchors.get(pk, ()), read.splits)
            points[pk] = between(self.start, self.end, inputs.since(self.start).points())
        return points

    def contribution(self, points: Mapping[UUID, Points]) -> Contribution:
        """What the values of the touched days contribute."""
        contribution = Contribution.empty()
        for pk, of_asset in points.items():
            contribution.add(pk, self.facts[pk], window_from(of_asset, *self.spans[pk]))
            contribution.gaps.update(gaps.of_values(pk, *of_asset))
        return contribution

    def update(self) -> None:
        points = self.points()
        after = self.contribution(points)
        next_days = self.days_after(
            {gap.asset_id for gap in self.before.gaps | after.gaps if gap.end is None}
        )
        before = with_ends(self.before, next_days)
        apply_contributions(before, with_ends(after, next_days), points)

    def days_after(self, asset_ids: Collection[UUID]) -> dict[UUID, date]:
        """The next day with a point after these months, of those that have one. The write does not change it."""
        if not asset_ids:
            return {}
        next_days: dict[UUID, date] = {}
        for pk, days, _ in sql.values_in_months(sorted(asset_ids), self.end, LAST_DAY):
            place = bisect_right(days, self.end)
            if place < len(days):
                next_days[pk] = days[place]
        return next_days


def with_ends(contribution: Contribution, next_days: Mapping[UUID, date]) -> Contribution:
    """The gaps that go on after the months that were looked at end on the next day with a point."""
    closed = {
        gap if gap.end is not None else gap._replace(end=next_days.get(gap.asset_id))
        for gap in contribution.gaps
    }
    return contribution._replace(gaps=closed)


def between(start: date, end: date, points: Points) -> Points:
    """From the last point up to `start` to the last one up to `end`.

    Of earlier days not all is known, of later days quantities and recorded values alone.
    """
    begin, stop = max(bisect_right(points.days, start) - 1, 0), bisect_right(points.days, end)
    return Points(points.days[begin:stop], points.amounts[begin:stop])


def span_of(days: ChangedDays, max_ages: Mapping[UUID, int], instrument_id: UUID) -> tuple[date, date]:
    """The days on which these prices decide values, with the first on which the last of them is too old."""
    changed = days[instrument_id]
    last, more = max(changed), max_ages[instrument_id] + 1
    return min(changed), last + timedelta(min(more, (date.max - last).days))
