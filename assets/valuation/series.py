"""What assets are worth: one asset on one day, many assets on a series of days, and amounts added up in one currency.

An "amount" is money in its own currency, negative for what is owed. It is a Decimal with at most four places, or an
int in ten-thousandths: this is how the database stores money, and it is faster for a series of a million values. Never
mix the two in one list.

A value below zero counts as owed, for each asset and day, whatever the asset's type: an overdrawn account is owed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from itertools import accumulate, pairwise
from operator import add
from typing import NamedTuple, cast
from uuid import UUID

from assets.rates.book import MissingRate, RateBook
from assets.valuation.protocol import Gap

type Amount = Decimal | int
type Value = Amount | None  # None: from this day on there is no value
# The groups that an asset counts in: none, one, or (tags, categories) several.
type Keys = tuple[Hashable, ...]
type Step = tuple[date, Amount]  # a value, and the day from which it holds

MONEY_PLACES = 4  # the same as in strata.fields.numbers, which calculations do not import
# Enough digits for every sum and product in this module; raises instead of rounding.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


def ten_thousandths(amount: Amount) -> int:
    """An amount as the database stores it. Raises ValueError for more than four places."""
    if isinstance(amount, int):
        return amount
    scaled = amount.scaleb(MONEY_PLACES, EXACT)
    if scaled != (count := int(scaled)):
        raise ValueError(f"money has at most {MONEY_PLACES} places: {amount}")
    return count


def money(amount: Amount) -> Decimal:
    """An amount as a Decimal; an int counts ten-thousandths."""
    return Decimal(amount).scaleb(-MONEY_PLACES, EXACT) if isinstance(amount, int) else amount


# --- one asset ---


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the whole of an asset was worth at an instant; `sequence` grows with the time of writing."""

    on: date
    observed_at: datetime
    value: Decimal
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class ValueSeries:
    """An asset's values: the last value of each day that has any, oldest day first, in the asset's own currency.

    `days` ascend strictly; `values` has one value for each. None is a gap: from that day on the asset has no value, and
    counts nothing in totals, until the next day with one. From `disposed_on` on the asset counts nothing. Raises
    ValueError if the two lists differ in length.
    """

    currency: str
    days: Sequence[date] = ()
    values: Sequence[Value] = ()
    disposed_on: date | None = None

    def __post_init__(self) -> None:
        if len(self.days) != len(self.values):
            raise ValueError(f"{len(self.days)} days with {len(self.values)} values")

    @property
    def has_gaps(self) -> bool:
        return not isinstance(self.values, array) and None in self.values  # an array holds numbers alone

    @property
    def amounts(self) -> Sequence[Amount]:
        """The values, with 0 for a gap: what counts in totals."""
        if not self.has_gaps:
            return cast("Sequence[Amount]", self.values)
        return [value or 0 for value in self.values]

    def without_gaps(self) -> ValueSeries:
        """The days with a value alone."""
        if not self.has_gaps:
            return self
        days = [on for on, value in zip(self.days, self.values, strict=True) if value is not None]
        values = [value for value in self.values if value is not None]
        return ValueSeries(self.currency, days, values, self.disposed_on)

    @property
    def first_on(self) -> date | None:
        """The day from which it has a value; None if it has none before its disposal."""
        if not self.days or (self.disposed_on is not None and self.disposed_on <= self.days[0]):
            return None
        return self.days[0]

    def last_day(self, end: date) -> date:
        """`end`, or the day before the disposal if that is earlier."""
        if self.disposed_on is None or self.disposed_on > end:
            return end
        return self.disposed_on - timedelta(days=1)

    def value_on(self, on: date) -> Value:
        """The newest value on or before the day; None before the first and in a gap, zero from the disposal on.

        An asset that never had a value has none after its disposal either.
        """
        place = bisect_right(self.days, on)
        if place == 0:
            return None
        return 0 if self.disposed_on is not None and self.disposed_on <= on else self.values[place - 1]

    def is_debt_on(self, on: date) -> bool:
        """Whether the newest value on or before the day is below zero; also on the day of its disposal."""
        place = bisect_right(self.days, on)
        return place > 0 and (self.values[place - 1] or 0) < 0

    def steps(self, start: date, end: date) -> list[Step]:
        """What it is worth from `start` to `end`: on `start`, on each later day with a value, and zero on its disposal.

        Without a value on `start` it begins with the first one after that; empty if there is none up to `end`. Gaps
        are left out.
        """
        first, after = bisect_right(self.days, start), bisect_right(self.days, self.last_day(end))
        value = self.value_on(start)
        steps: list[Step] = [] if value is None else [(start, value)]
        later = zip(self.days[first:after], self.values[first:after], strict=True)
        steps += [(on, value) for on, value in later if value is not None]
        if steps and self.disposed_on is not None and start < self.disposed_on <= end:
            steps.append((self.disposed_on, 0))
        return steps


def series_from_snapshots(
    snapshots: Iterable[Snapshot], *, currency: str, disposed_on: date | None = None
) -> ValueSeries:
    """The series of snapshots given in any order: of a day the last instant counts, then the last written."""
    ordered = sorted(snapshots, key=lambda snapshot: (snapshot.on, snapshot.observed_at, snapshot.sequence))
    last = {snapshot.on: snapshot.value for snapshot in ordered}
    return ValueSeries(currency, tuple(last), tuple(last.values()), disposed_on)


def value_on(snapshots: Iterable[Snapshot], on: date, *, disposed_on: date | None = None) -> Decimal | None:
    """An asset's value on a day, in its own currency; see ValueSeries.value_on."""
    value = series_from_snapshots(snapshots, currency="", disposed_on=disposed_on).value_on(on)
    return None if value is None else money(value)


def gaps_on(gaps: Iterable[Gap], days: Sequence[date]) -> tuple[Gap, ...]:
    """Those of the gaps that have one of the ascending days, in order; without an end that is after the last day."""
    of_days = []
    for gap in gaps:
        place = bisect_left(days, gap.start)
        if place < len(days) and gap.has(days[place]):
            of_days.append(gap if gap.end is not None and gap.end <= days[-1] else gap._replace(end=None))
    return tuple(sorted(of_days))


def gaps_of(asset_id: UUID, series: ValueSeries) -> Iterator[Gap]:
    """The gaps of an asset with these values, oldest first. There are none from its disposal on."""
    if not series.has_gaps:
        return
    disposed = series.disposed_on
    for place, (start, value) in enumerate(zip(series.days, series.values, strict=True), start=1):
        if value is None and (disposed is None or start < disposed):
            later = (series.days[place] if place < len(series.days) else None, disposed)
            yield Gap(asset_id, start, min((on for on in later if on is not None), default=None))


# --- many assets on a series of days ---


@dataclass(frozen=True, slots=True)
class Column:
    """Running totals, one for each day of the series, in ten-thousandths: `owned` >= 0 and `owed` <= 0."""

    owned: Sequence[int]
    owed: Sequence[int]

    def plus(self, other: Column) -> Column:
        return Column(tuple(map(add, self.owned, other.owned)), tuple(map(add, self.owed, other.owed)))


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of assets on each of `days`, for each set of groups and each currency that occurs.

    Each asset is in exactly one column, that of the set of all its groups, so that it counts once in a total. `gaps`
    are those of its assets that have one of the days: on these the asset counts nothing.
    """

    days: Sequence[date]
    columns: Mapping[tuple[Keys, str], Column]
    gaps: tuple[Gap, ...] = ()

    @property
    def overlap(self) -> bool:
        """Whether an asset counts in more than one group, so that groups add up to more than the total."""
        return any(len(set(keys)) > 1 for keys, _ in self.columns)


class Delta(NamedTuple):
    """By how much what is owned and owed in a set of groups and a currency rose on a day (negative: fell).

    A tuple, so that the rows of a query can be used unchanged.
    """

    on: date
    keys: Keys
    currency: str
    owned: Amount
    owed: Amount


type _Sums = defaultdict[tuple[Keys, str], tuple[list[Amount], list[Amount]]]


def fold(assets: Iterable[tuple[Keys, ValueSeries]], days: Sequence[date]) -> Totals:
    """Running totals on `days` (each once, ascending) from every asset's values: for daily series.

    A series may begin long before the first day; values after the last day are ignored.
    """
    place = {day: number for number, day in enumerate(days)}
    sums = _no_sums(days)
    with localcontext(EXACT):
        for keys, series in assets:
            column = sums[keys, series.currency]
            if days and not (series.disposed_on and series.disposed_on <= days[0]):
                _add_series(series, days, place, *column)
    return _accumulated(days, sums)


def _add_series(
    series: ValueSeries,
    days: Sequence[date],
    place: Mapping[date, int],
    owned: list[Amount],
    owed: list[Amount],
) -> None:
    """Add an asset's changes in value to the columns, each on the first of `days` that includes it."""
    first = max(bisect_right(series.days, days[0]) - 1, 0)  # the opening value includes all earlier changes
    last = bisect_right(series.days, series.last_day(days[-1]))
    before: Amount = 0
    for number in range(first, last):
        on, value = series.days[number], series.values[number] or 0
        at = place.get(on)
        _add_delta(before, value, bisect_left(days, on) if at is None else at, owned, owed)
        before = value
    if series.disposed_on is not None and series.disposed_on <= days[-1]:
        _add_delta(before, 0, bisect_left(days, series.disposed_on), owned, owed)


def _add_delta(before: Amount, value: Amount, at: int, owned: list[Amount], owed: list[Amount]) -> None:
    if before >= 0 and value >= 0:
        owned[at] += value - before
    elif before <= 0 and value <= 0:
        owed[at] += value - before
    else:  # it changed sides
        gained, lost = (owned, owed) if value > 0 else (owed, owned)
        gained[at] += value
        lost[at] -= before


def deltas_of(keys: Keys, series: ValueSeries) -> list[Delta]:
    """One asset's changes in value, day by day: the table of deltas adds these up."""
    if series.first_on is None:
        return []
    counted = bisect_right(series.days, series.last_day(series.days[-1]))
    amounts = (value or 0 for value in series.values[:counted])
    points: list[tuple[date, Amount]] = [(date.min, 0), *zip(series.days[:counted], amounts, strict=True)]
    if series.disposed_on is not None:
        points.append((series.disposed_on, 0))
    return [
        Delta(on, keys, series.currency, max(value, 0) - max(before, 0), min(value, 0) - min(before, 0))
        for (_, before), (on, value) in pairwise(points)
        if value != before
    ]


def grid_totals(rows: Iterable[tuple[date, Keys, str, Amount]], days: Sequence[date]) -> Totals:
    """Totals on `days` from rows (day, groups, currency, an asset's value on that day): for coarse series.

    Gives the same as `fold` for the same assets. Raises KeyError for a row of another day.
    """
    place = {day: number for number, day in enumerate(days)}
    sums = _no_sums(days)
    with localcontext(EXACT):
        for on, keys, currency, value in rows:
            sums[keys, currency][value < 0][place[on]] += value
    columns = {
        key: Column(_in_ten_thousandths(owned), _in_ten_thousandths(owed))
        for key, (owned, owed) in sums.items()
    }
    return Totals(tuple(days), columns)


def mapped_keys(keys: Iterable[Hashable], key_map: Mapping[Hashable, Hashable]) -> Keys:
    """Sorted, because the database gives no order: assets in the same groups share one column. None is no group."""
    return tuple(sorted({key_map.get(key, key) for key in keys} - {None}, key=str))


def drop_zeros(totals: Totals) -> Totals:
    columns = {key: column for key, column in totals.columns.items() if any(column.owned) or any(column.owed)}
    return replace(totals, columns=columns)


def added_up(*totals: Totals) -> Totals:
    """Totals of different assets on the same days, as the totals of all of them."""
    columns: dict[tuple[Keys, str], Column] = {}
    for part in totals:
        for key, column in part.columns.items():
            other = columns.get(key)
            columns[key] = column if other is None else other.plus(column)
    return Totals(totals[0].days, columns, tuple(sorted(gap for part in totals for gap in part.gaps)))


def _no_sums(days: Sequence[date]) -> _Sums:
    return defaultdict(lambda: ([0] * len(days), [0] * len(days)))


def _accumulated(days: Sequence[date], sums: _Sums) -> Totals:
    with localcontext(EXACT):
        columns = {
            key: Column(_in_ten_thousandths(accumulate(owned)), _in_ten_thousandths(accumulate(owed)))
            for key, (owned, owed) in sums.items()
        }
    return Totals(tuple(days), columns)


def _in_ten_thousandths(amounts: Iterable[Amount]) -> tuple[int, ...]:
    return tuple(map(ten_thousandths, amounts))


# --- several currencies in one ---


@dataclass(frozen=True, slots=True)
class Missing:
    """An amount that was left out, and the currency without a rate on that day.

    The amount is in that currency, or in `amount_currency` if that is set: then the report's currency has no rate.
    """

    currency: str
    on: date
    amount: Decimal
    amount_currency: str = ""

    @property
    def amount_in(self) -> str:
        return self.amount_currency or self.currency


def missing(source: str, target: str, on: date, amount: Decimal, rates: RateBook) -> list[Missing]:
    """The missing rates of an amount that cannot be converted: of its own currency, of the target, or of both."""
    return [
        Missing(code, on, amount, "" if code == source else source)
        for code in rates.lacking(source, target, on=on)
    ]


@dataclass(frozen=True, slots=True)
class ConvertedTotal:
    """The exact total, not rounded, of the amounts that could be converted."""

    value: Fraction
    missing: tuple[Missing, ...]

    @property
    def complete(self) -> bool:
        return not self.missing


def convert_total(
    amounts: Mapping[str, Decimal], currency: str, *, on: date, rates: RateBook
) -> ConvertedTotal:
    """The amounts (by currency) added up in `currency` at the rates of the day. Zero needs no rate."""
    total, left_out = Fraction(0), []
    for source, amount in sorted(amounts.items()):
        if amount == 0:
            continue
        try:
            total += Fraction(amount) * rates.rate(source, currency, on=on)
        except MissingRate:
            left_out += missing(source, currency, on, amount, rates)
    return ConvertedTotal(total, tuple(left_out))
