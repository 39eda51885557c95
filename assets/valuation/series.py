"""What assets are worth on days: one asset on one day, many on a row of days, and amounts added up in one currency.

An "amount" is money in its own currency, negative for what is owed. It is a Decimal with at most four places, or
an int, which counts ten-thousandths: that is how the database stores money, and the faster way to read a series of a
million values. Never mix the two in one list.

What is below zero counts as owed, per asset and day, whatever its type says: an overdrawn account is owed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from assets.rates.book import MissingRate, RateBook

type Amount = Decimal | int
# The groups that an asset counts in: none, one, or (tags, categories) several.
type Keys = tuple[Hashable, ...]

MONEY_PLACES = 4  # as strata.fields.money has them, which calculations do not import
# Room for any sum and product here; it raises instead of rounding.
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
    """An amount as a Decimal, whichever of the two it was."""
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
    """An asset's values: the last of each day that has any, oldest day first, in its own currency.

    `days` ascend strictly and go with `values`. From `disposed_on` on it counts nothing. Raises ValueError
    where the two lists differ in length.
    """

    currency: str
    days: Sequence[date] = ()
    values: Sequence[Amount] = ()
    disposed_on: date | None = None

    def __post_init__(self) -> None:
        if len(self.days) != len(self.values):
            raise ValueError(f"{len(self.days)} days with {len(self.values)} values")

    @property
    def first_on(self) -> date | None:
        """The day from which it has a value; None when it never has one, or only from its disposal on."""
        if not self.days or (self.disposed_on is not None and self.disposed_on <= self.days[0]):
            return None
        return self.days[0]

    def last_day(self, end: date) -> date:
        """`end`, or the eve of the disposal where that comes first."""
        if self.disposed_on is None or self.disposed_on > end:
            return end
        return self.disposed_on - timedelta(days=1)

    def value_on(self, on: date) -> Amount | None:
        """The newest value on or before the day; None before the first, zero from the disposal on.

        An asset that never had a value has none on its disposal either.
        """
        place = bisect_right(self.days, on)
        if place == 0:
            return None
        return 0 if self.disposed_on is not None and self.disposed_on <= on else self.values[place - 1]


def series_from_snapshots(
    snapshots: Iterable[Snapshot], *, currency: str, disposed_on: date | None = None
) -> ValueSeries:
    """The series of snapshots in any order: on each day the later instant wins, then the later written."""
    ordered = sorted(snapshots, key=lambda snapshot: (snapshot.on, snapshot.observed_at, snapshot.sequence))
    last = {snapshot.on: snapshot.value for snapshot in ordered}
    return ValueSeries(currency, tuple(last), tuple(last.values()), disposed_on)


def value_on(snapshots: Iterable[Snapshot], on: date, *, disposed_on: date | None = None) -> Decimal | None:
    """An asset's value on a day, in its own currency; see ValueSeries.value_on."""
    value = series_from_snapshots(snapshots, currency="", disposed_on=disposed_on).value_on(on)
    return None if value is None else money(value)


# --- many assets on a row of days ---


@dataclass(frozen=True, slots=True)
class Column:
    """Running totals, one for each day of the row, in ten-thousandths: `owned` >= 0 and `owed` <= 0."""

    owned: Sequence[int]
    owed: Sequence[int]


@dataclass(frozen=True, slots=True)
class Totals:
    """What assets add up to on each of `days`, for each set of groups and currency that occurs.

    Each asset is in exactly one column, that of all its groups together, so that it counts once in a total.
    """

    days: Sequence[date]
    columns: Mapping[tuple[Keys, str], Column]

    @property
    def overlap(self) -> bool:
        """Whether an asset counts in more than one group, so that groups add up to more than the total."""
        return any(len(set(keys)) > 1 for keys, _ in self.columns)


class Delta(NamedTuple):
    """By how much what is owned and what is owed in some groups and a currency rose on a day (fell: negative).

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

    A series may begin long before the first day; what comes after the last is ignored.
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
    """Add an asset's changes of value to the columns, each at the first day of the row that sees it."""
    first = max(bisect_right(series.days, days[0]) - 1, 0)  # the opening value includes all before it
    last = bisect_right(series.days, series.last_day(days[-1]))
    before: Amount = 0
    for number in range(first, last):
        on, value = series.days[number], series.values[number]
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
    """One asset's rises and falls, day by day: what the table of daily deltas adds up."""
    if series.first_on is None:
        return []
    counted = bisect_right(series.days, series.last_day(series.days[-1]))
    points = [(date.min, 0), *zip(series.days[:counted], series.values[:counted], strict=True)]
    if series.disposed_on is not None:
        points.append((series.disposed_on, 0))
    return [
        Delta(on, keys, series.currency, max(value, 0) - max(before, 0), min(value, 0) - min(before, 0))
        for (_, before), (on, value) in pairwise(points)
        if value != before
    ]


def running_totals(deltas: Iterable[tuple[date, Keys, str, Amount, Amount]], days: Sequence[date]) -> Totals:
    """Running totals on `days` (each once, ascending) from deltas in any order, which may already be sums.

    Gives what `fold` gives for the assets behind them. What comes before the first day is its opening.
    """
    place = {day: number for number, day in enumerate(days)}
    sums = _no_sums(days)
    with localcontext(EXACT):
        for on, keys, currency, owned, owed in deltas:
            column = sums[keys, currency]
            at = place.get(on)
            if at is None:
                at = bisect_left(days, on)
            if at < len(days):
                column[0][at] += owned
                column[1][at] += owed
    return _accumulated(days, sums)


def grid_totals(rows: Iterable[tuple[date, Keys, str, Amount]], days: Sequence[date]) -> Totals:
    """Totals on `days` from rows (day, groups, currency, an asset's value on that day): for coarse series.

    Gives what `fold` gives for the series behind them. Raises KeyError for a row of another day.
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
    """An amount that was left out, and the currency whose rate is not known on that day.

    The amount is in that currency, unless another is given: then it is the currency of the report that has no rate.
    """

    currency: str
    on: date
    amount: Decimal
    amount_currency: str = ""

    @property
    def amount_in(self) -> str:
        return self.amount_currency or self.currency


def missing(source: str, target: str, on: date, amount: Decimal, rates: RateBook) -> list[Missing]:
    """What an amount that cannot be converted lacks: a rate of its own currency, of the other one, or both."""
    return [
        Missing(code, on, amount, "" if code == source else source)
        for code in rates.lacking(source, target, on=on)
    ]


@dataclass(frozen=True, slots=True)
class ConvertedTotal:
    """An exact total, before rounding, of all that could be converted."""

    value: Fraction
    missing: tuple[Missing, ...]

    @property
    def complete(self) -> bool:
        return not self.missing


def convert_total(
    amounts: Mapping[str, Decimal], currency: str, *, on: date, rates: RateBook
) -> ConvertedTotal:
    """The amounts (per currency) in `currency` at the rates of the day. Zero needs no rate."""
    total, left_out = Fraction(0), []
    for source, amount in sorted(amounts.items()):
        if amount == 0:
            continue
        try:
            total += Fraction(amount) * rates.rate(source, currency, on=on)
        except MissingRate:
            left_out += missing(source, currency, on, amount, rates)
    return ConvertedTotal(total, tuple(left_out))
