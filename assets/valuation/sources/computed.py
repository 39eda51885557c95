"""What the computed sources share: values that follow from an asset's terms and its recorded values.

Nothing of them is stored. Each is computed when it is read, so values up to today need no nightly work. What was
computed is kept in the process by terms and anchors, which are all that it depends on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from assets.valuation.protocol import (
    AssetDay,
    AssetValues,
    EditTarget,
    KnownFlow,
    MissingPrice,
    Origin,
    ValueDays,
)
from assets.valuation.sources.anchors import Anchors, anchors_of
from assets.valuation.sources.snapshots import RECORDED, recorded_rows_or_assets

type Point = tuple[date, int]  # a day, ten-thousandths
LAST_DAY = date(2200, 12, 31)  # of the calendar, as in strata.fields.dates
YEARS_KEPT = 2048  # of one asset each: about 5 KB


class ComputedSource[Terms: Hashable](ABC):
    """A source whose values follow from terms. A subclass says what they are, and how values follow."""

    name: str
    word: str  # of a value that is computed, in Origin
    first_days_sql: str | None = None
    is_stored = False

    @abstractmethod
    def terms_of(self, asset_ids: Sequence[UUID]) -> Mapping[UUID, Terms]:
        """The terms of each of the assets, in a fixed number of queries. Those without any are left out."""

    @abstractmethod
    def newest(self, terms: Terms, anchors: Anchors, on: date) -> Point | None:
        """The last point on or before the day."""

    @abstractmethod
    def points(self, terms: Terms, anchors: Anchors, start: date, end: date) -> Iterator[Point]:
        """The points of these days, oldest first."""

    @abstractmethod
    def last_day(self, terms: Terms, anchors: Anchors) -> date:
        """The last day on which the value changes."""

    @abstractmethod
    def rate_on(self, terms: Terms, on: date) -> Decimal | None:
        """The yearly rate that counts on the day, for Origin."""

    # --- the protocol ---

    def values(self, asset_ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
        for pk, terms, anchors in self.with_terms(asset_ids):
            newest = self.newest_held(terms, anchors, start)
            later = self.points_held(terms, anchors, start + timedelta(1), end) if start < end else ()
            points = [*([] if newest is None else [newest]), *later]
            if points:
                yield AssetValues(pk, [on for on, _ in points], array("q", (amount for _, amount in points)))

    def with_terms(self, asset_ids: Sequence[UUID]) -> Iterator[tuple[UUID, Terms, Anchors]]:
        terms, anchors = self.terms_of(asset_ids), anchors_of(asset_ids)
        for pk in asset_ids:
            if pk in terms:
                yield pk, terms[pk], anchors.get(pk, ())

    def value_days(self, asset_ids: Collection[UUID]) -> Mapping[UUID, ValueDays]:
        days: dict[UUID, ValueDays] = {}
        for pk, terms, anchors in self.with_terms([*asset_ids]):
            first = self.first_day(terms, anchors)
            if first is not None:
                first = max(first, self.held_from(terms) or first)
                days[pk] = ValueDays(first, max(first, self.last_day(terms, anchors)))
        return days

    def first_day(self, terms: Terms, anchors: Anchors) -> date | None:
        return anchors[0][0] if anchors else None

    def held_from(self, terms: Terms) -> date | None:
        """The day on which the asset came with these terms from another portfolio; there are no values before it."""
        return None

    def newest_held(self, terms: Terms, anchors: Anchors, on: date) -> Point | None:
        """The last point on or before the day, of those that count."""
        since = self.held_from(terms)
        newest = None if since is not None and on < since else self.newest(terms, anchors, on)
        if newest is None or since is None:
            return newest
        return max(newest[0], since), newest[1]

    def points_held(self, terms: Terms, anchors: Anchors, start: date, end: date) -> Iterator[Point]:
        """The points of these days that count, oldest first."""
        since = self.held_from(terms)
        if since is not None and start <= since <= end:
            first = self.newest_held(terms, anchors, since)
            yield from () if first is None else (first,)
            start = since + timedelta(1)
        if start <= end and (since is None or since < start):
            yield from self.points(terms, anchors, start, end)

    def edit_targets(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, EditTarget]:
        return recorded_rows_or_assets(asset_days)

    def known_flows(
        self, asset_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, Sequence[KnownFlow]]:
        return {}

    def origins(self, asset_ids: Sequence[UUID], days: Sequence[date]) -> Mapping[AssetDay, Origin]:
        """A value that was recorded is that on its day, and an anchor while it is carried on; others are computed."""
        return {
            (pk, on): RECORDED
            if on == point_on and on in recorded
            else Origin("anchor" if point_on in recorded else self.word, self.rate_on(terms, on))
            for pk, terms, anchors in self.with_terms(asset_ids)
            for recorded in ({on for on, _ in anchors},)
            for on, point_on in self.days_of_points(terms, anchors, days)
        }

    def missing_prices(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, MissingPrice]:
        return {}

    def days_of_points(
        self, terms: Terms, anchors: Anchors, days: Sequence[date]
    ) -> Iterator[tuple[date, date]]:
        """Each of the ascending days that has a value, with the day from which that value holds."""
        if not days:
            return
        newest = self.newest_held(terms, anchors, days[0])
        first, last = days[0] + timedelta(1), days[-1]
        changes = [on for on, _ in self.points_held(terms, anchors, first, last)] if first <= last else []
        changes = changes if newest is None else [newest[0], *changes]
        for on in days:
            if place := bisect_right(changes, on):
                yield on, changes[place - 1]


class Kept:
    """Points in little memory: days as numbers, and amounts."""

    __slots__ = ("amounts", "ordinals")

    def __init__(self, points: Iterator[Point]) -> None:
        self.ordinals, self.amounts = array("i"), array("q")
        for on, amount in points:
            self.ordinals.append(on.toordinal())
            self.amounts.append(amount)

    def newest(self, on: date) -> Point | None:
        place = bisect_right(self.ordinals, on.toordinal())
        return (date.fromordinal(self.ordinals[place - 1]), self.amounts[place - 1]) if place else None

    def between(self, start: date, end: date) -> Iterator[Point]:
        first, last = (
            bisect_right(self.ordinals, start.toordinal() - 1),
            bisect_right(self.ordinals, end.toordinal()),
        )
        days = map(date.fromordinal, self.ordinals[first:last])
        return zip(days, self.amounts[first:last], strict=True)


def years_between(start: date, end: date) -> range:
    return range(max(start.year, 1), min(end, LAST_DAY).year + 1)
