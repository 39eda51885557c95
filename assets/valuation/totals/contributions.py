"""What values contribute to the derived tables: sums of deltas, months and gaps. Pure calculations.

"Sums" are deltas added up, by day, for each portfolio, currency and type. The tables take the difference between two
contributions (see assets.valuation.upkeep), so the order of writes does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from assets.valuation.codecs.deltas import DayDelta
from assets.valuation.codecs.months import EncodedMonth, encode_months, places_of_none
from assets.valuation.protocol import Gap, Month, Window, source_name


class AssetFacts(NamedTuple):
    """What decides where an asset counts, until when, and whether it does; and which source values it."""

    portfolio_id: UUID
    asset_type_id: UUID
    currency: str
    disposed_on: date | None
    counts_in_net_worth: bool
    valuation: str
    shares: str

    @property
    def source(self) -> str:
        return source_name(self.valuation, self.shares)


def valuations_of(facts: Mapping[UUID, AssetFacts], ids: Iterable[UUID] | None = None) -> dict[UUID, str]:
    """The source of each of the assets, or of these."""
    return {pk: facts[pk].source for pk in (facts if ids is None else ids)}


type DeltaKey = tuple[UUID, str, UUID]  # a portfolio, a currency and an asset type (or ALL_TYPES)
type DeltaSums = dict[DeltaKey, dict[date, DayDelta]]
# The same while values are added up, as [owned, owed, begun]: a list is changed in place, and a DayDelta for each value
# would take a quarter longer. difference() returns DeltaSums.
type RunningSums = dict[DeltaKey, dict[date, list[int]]]
type AnySums = Mapping[DeltaKey, Mapping[date, Sequence[int]]]


class Neighbours(NamedTuple):
    """Stored values next to new ones of an asset, which are not between these: those of the same months, at least the
    last one before the new values and the first one after them. Oldest first, in ten-thousandths.
    """

    before: Mapping[date, int]
    after: Mapping[date, int]


class Contribution(NamedTuple):
    """Their part of the deltas, the months in which they are, their gaps. Assets are added one after the other, so that
    the values of one alone are in memory.
    """

    sums: RunningSums
    months: set[Month]  # to be read and encoded again
    valuations: dict[UUID, str]  # of the assets that were looked at
    gaps: set[Gap]
    encoded: dict[Month, EncodedMonth]  # months of which all values are known

    @classmethod
    def empty(cls) -> Contribution:
        return cls({}, set(), {}, set(), {})

    def add(self, asset_id: UUID, facts: AssetFacts, window: Window, *, sign: int = 1) -> None:
        """Add (or with `sign=-1` subtract) the values of a window."""
        add_values(self.sums, facts, window.amounts, window.amounts.values(), sign=sign)
        self.months.update(touched_months(asset_id, window.touched))

    def add_alone(self, asset_id: UUID, facts: AssetFacts, own: Mapping[date, int], near: Neighbours) -> None:
        """Add values of a stored source, in the order of their days, that have none of other days between them."""
        self.months.update(self._added_alone(asset_id, facts, own, near))

    def add_new(self, asset_id: UUID, facts: AssetFacts, own: Mapping[date, int], near: Neighbours) -> None:
        """The same of values that were just written: their months are known without being read."""
        months = self._added_alone(asset_id, facts, own, near)
        values = {**near.before, **own, **near.after}
        for month, encoded in encode_months([*values], [*values.values()]):
            if (asset_id, month) in months:
                self.encoded[asset_id, month] = encoded

    def _added_alone(
        self, asset_id: UUID, facts: AssetFacts, own: Mapping[date, int], near: Neighbours
    ) -> set[Month]:
        """Adds to the sums, and returns the months of the values."""
        before, after = dict([*near.before.items()][-1:]), dict([*near.after.items()][:1])
        for values, sign in (({**before, **own, **after}, 1), ({**before, **after}, -1)):
            add_values(self.sums, facts, values, values.values(), sign=sign)
        return touched_months(asset_id, own)


def touched_months(asset_id: UUID, days: Iterable[date]) -> set[Month]:
    return {(asset_id, on.replace(day=1)) for on in days}


# --- sums of deltas ---


def add_values(
    sums: RunningSums, facts: AssetFacts, days: Iterable[date], values: Iterable[int | None], *, sign: int = 1
) -> None:
    """Add the deltas of an asset with these values (the oldest day first) to the sums.

    Nothing for an asset that does not count in net worth: the table has only what counts.
    """
    if not facts.counts_in_net_worth:
        return
    by_day = sums.setdefault((facts.portfolio_id, facts.currency, facts.asset_type_id), {})
    before, end = 0, facts.disposed_on or date.max
    first = None
    for on, value in zip(
        days, values, strict=True
    ):  # as series.deltas_of, which is slower for a million values
        first = on if first is None else first
        if on >= end:
            break
        if (amount := value or 0) != before:
            _add_change(by_day, on, before, amount, sign)
            before = amount
    if before and facts.disposed_on is not None:
        _add_change(by_day, facts.disposed_on, before, 0, sign)
    # It begins with its first value, whether or not it is disposed of before. Of part of its values, the first counts
    # before and after a write, unless the write touches it.
    if first is not None:
        by_day.setdefault(first, [0, 0, 0])[2] += sign


def _add_change(by_day: dict[date, list[int]], on: date, before: int, after: int, sign: int) -> None:
    """Add to the day's [owned, owed, begun] that an asset's value has changed."""
    day_delta = by_day.get(on)
    if day_delta is None:
        day_delta = by_day[on] = [0, 0, 0]
    if before >= 0 and after >= 0:
        day_delta[0] += sign * (after - before)
    else:
        day_delta[0] += sign * (max(after, 0) - max(before, 0))
        day_delta[1] += sign * (min(after, 0) - min(before, 0))


def add_delta(by_day: dict[date, list[int]], on: date, delta: Sequence[int], *, sign: int = 1) -> None:
    day_delta = by_day.setdefault(on, [0, 0, 0])
    for place, amount in enumerate(delta):
        day_delta[place] += sign * amount


def drop_zeros[Amounts: Sequence[int]](
    sums: Mapping[DeltaKey, Mapping[date, Amounts]],
) -> dict[DeltaKey, dict[date, Amounts]]:
    """The sums without days on which all amounts are zero, and without keys that then have no days left."""
    nonzero = {
        key: {on: amounts for on, amounts in days.items() if any(amounts)} for key, days in sums.items()
    }
    return {key: days for key, days in nonzero.items() if days}


def difference(after: AnySums, before: AnySums) -> DeltaSums:
    sums = {key: {on: list(amounts) for on, amounts in days.items()} for key, days in after.items()}
    for key, days in before.items():
        by_day = sums.setdefault(key, {})
        for on, delta in days.items():
            add_delta(by_day, on, delta, sign=-1)
    return {
        key: {on: DayDelta(*amounts) for on, amounts in days.items()}
        for key, days in drop_zeros(sums).items()
    }


# --- gaps ---


def gaps_of_values(asset_id: UUID, days: Sequence[date], values: Sequence[int | None]) -> Iterator[Gap]:
    """The gaps of all of an asset's values, oldest first: each ends on the next day, the last one may have no end."""
    return gaps_at(asset_id, days, places_of_none(values))


def gaps_at(asset_id: UUID, days: Sequence[date], places: Iterable[int]) -> Iterator[Gap]:
    """The same, of values that are None at these places."""
    last = len(days) - 1
    for place in places:
        yield Gap(asset_id, days[place], days[place + 1] if place < last else None)


def gaps_of_window(asset_id: UUID, amounts: Mapping[date, int | None], until: date) -> Iterator[Gap]:
    """The gaps that a write of days up to `until` may change. Of a later day, which is the last, the end is not known:
    the write does not change it.
    """
    for gap in gaps_of_values(asset_id, [*amounts], [*amounts.values()]):
        if gap.start <= until or gap.end is not None:
            yield gap
