"""Exchange rates: units per euro; other pairs are calculated through the euro. No rate is ever assumed.

"Units per euro" of USD is what one euro costs in dollars. `rate("USD", "EUR")` has the opposite direction: the
euros that one dollar is worth, so that an amount times the rate is the converted amount.

Rates are returned as fractions, or as whole numbers over one denominator: 1 / 1.2 has no finite decimal, and a sum
of converted amounts must round as an exact sum does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from assets.rules.instruments.exchange_rates import EURO

DEMO = "demo"
JUMP = (
    5  # a misplaced decimal point is a factor of 10; the market may have moved as well, so the limit is lower
)
PRECEDENCE = {"manual": 3, "ecb": 2, DEMO: 1}
# A book may be kept for a long time (assets.rates.kept). This limits what it remembers of what it calculated.
MOST_PAIRS = 20_000
MOST_TABLES = 2
MOST_DAYS = 8_000


class Rate(NamedTuple):
    """Units of `currency` for one euro on a day; `sequence` grows with the time of recording.

    A `lasting` rate holds until the next rate of its currency.
    """

    currency: str
    on: date
    units_per_euro: Decimal
    source: str = "ecb"
    sequence: int = 0
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency. A converted amount is an exact fraction: round it where it is shown."""

    value: Decimal | Fraction
    currency: str


class DayRates(NamedTuple):
    """One day's rates into one currency: `numerators[c] / denominator` is what one unit of `c` is worth in it.

    The target itself is always in `numerators`, at 1. Currencies without a rate that day are in `lacking` instead. If
    the target has no rate, it is in both, and `numerators` holds nothing else.
    """

    on: date
    denominator: int
    numerators: Mapping[str, int]
    lacking: frozenset[str] = frozenset()


class RateHistory(NamedTuple):
    """The rates of one currency that count, oldest day first. `units` and `lasting` have one for each of `days`."""

    days: Sequence[date]
    units: Sequence[Decimal]
    lasting: Sequence[bool]


NO_HISTORY = RateHistory((), (), ())


class Jump(NamedTuple):
    """A rate at least JUMP times the one before it, or at most 1/JUMP of it: more likely a typing error."""

    currency: str
    on: date
    before: Decimal
    units: Decimal


class MissingRate(Exception):
    """No rate of `currency` is recorded on `on`, or on a day before from which it is still valid."""

    def __init__(self, currency: str, on: date):
        super().__init__(f"no rate for {currency} on {on}")
        self.currency, self.on = currency, on


def winning_rates(rates: Iterable[Rate]) -> list[Rate]:
    """One rate for each currency and day: manual before ecb before demo, then the one recorded last."""
    best: dict[tuple[str, date], Rate] = {}
    for rate in rates:
        key = (rate.currency, rate.on)
        if key not in best or _rank(rate) >= _rank(best[key]):
            best[key] = rate
    return list(best.values())


def histories_of(rates: Iterable[Rate]) -> dict[str, RateHistory]:
    """The history of each currency. A demo rate, which is invented, never ends a lasting one.

    If several rates are given for a currency and day, `winning_rates` decides. Raises ValueError for a rate that is not
    positive.
    """
    rows: dict[str, list[Rate]] = {}
    for rate in sorted(winning_rates(rates), key=lambda rate: rate.on):
        if rate.units_per_euro <= 0:
            raise ValueError(f"a rate is greater than zero: {rate}")
        of_currency = rows.setdefault(rate.currency, [])
        if not (rate.source == DEMO and of_currency and of_currency[-1].lasting):
            of_currency.append(rate)
    return {
        currency: RateHistory(
            tuple(rate.on for rate in of_currency),
            tuple(rate.units_per_euro for rate in of_currency),
            tuple(rate.lasting for rate in of_currency),
        )
        for currency, of_currency in rows.items()
    }


def _is_near(units: Decimal, other: Decimal) -> bool:
    return units < JUMP * other and other < JUMP * units


def _rank(rate: Rate) -> tuple[int, int]:
    return PRECEDENCE.get(rate.source, 0), rate.sequence


class RateBook:
    """The known rates of several currencies, looked up by day.

    A rate is valid on its own day and for `max_age_days` days after it, a lasting rate until the next rate. The euro
    needs none. Raises what `histories_of` does.
    """

    def __init__(self, rates: Iterable[Rate], *, max_age_days: int = 10):
        self._histories: Mapping[str, RateHistory] = histories_of(rates)
        self.max_age_days = max_age_days
        self._pairs: dict[tuple[str, str, int, int], Fraction] = {}
        self._tables: dict[tuple[str, tuple[str, ...]], _RatesInto] = {}

    @classmethod
    def of_histories(cls, histories: Mapping[str, RateHistory], *, max_age_days: int) -> RateBook:
        book = cls((), max_age_days=max_age_days)
        book._histories = histories
        return book

    def rate(self, source: str, target: str, *, on: date) -> Fraction:
        """Units of `target` for one unit of `source`, exact; each of the two currencies at its own latest rate.

        For the same currency it is 1 on any day. Raises MissingRate, which names the currency without a rate.
        """
        if source == target:
            return Fraction(1)
        key = (source, target, self._day_index(source, on), self._day_index(target, on))
        known = self._pairs.get(key)
        if known is None:
            if len(self._pairs) >= MOST_PAIRS:
                self._pairs.clear()
            known = self._pairs[key] = Fraction(*self.ratio(source, target, on=on))
        return known

    def rate_or_none(self, source: str, target: str, on: date) -> Fraction | None:
        """The same; None where a currency has no rate."""
        try:
            return self.rate(source, target, on=on)
        except MissingRate:
            return None

    def ratio(self, source: str, target: str, *, on: date) -> tuple[int, int]:
        """The rate as numerator and denominator, not in lowest terms: faster if many rates are needed."""
        above, parts = self._units_per_euro_at(target, self._day_index(target, on)).as_integer_ratio()
        units, below = self._units_per_euro_at(source, self._day_index(source, on)).as_integer_ratio()
        return above * below, parts * units

    def lacking(self, source: str, target: str, *, on: date) -> list[str]:
        """Which of the two currencies have no rate on the day. A MissingRate names only the first of them."""
        return [code for code in (source, target) if self._day_index_or_none(code, on) is None]

    def jumps(self, currency: str) -> Iterator[Jump]:
        """Each rate of the book at least JUMP times the one before it, or at most 1/JUMP of it.

        The rate that returns to the old level is not reported, and neither are rates that stay at the new level.
        """
        good = odd = None
        days, all_units, _ = self._histories.get(currency, NO_HISTORY)
        for on, units in zip(days, all_units, strict=True):
            if good is None or _is_near(units, good) or (odd is not None and _is_near(units, odd)):
                good, odd = units, None
            else:
                yield Jump(currency, on, good, units)
                odd = units

    def convert(self, money: Money, target: str, *, on: date) -> Money:
        """The same money in another currency at the day's rate, exact. Raises MissingRate."""
        rate = self.rate(money.currency, target, on=on)
        return Money(Fraction(money.value) * rate, target)

    def grid(self, target: str, currencies: Iterable[str], days: Iterable[date]) -> Iterator[DayRates]:
        """For each day the rates of the currencies into `target`, over one denominator, without missing ones."""
        key = (target, tuple(sorted(set(currencies))))
        table = self._tables.get(key)
        if table is None or len(table) > MOST_DAYS:
            for other in [key, *self._tables][
                : 1 + (len(self._tables) >= MOST_TABLES)
            ]:  # the oldest goes first
                self._tables.pop(other, None)
            table = self._tables[key] = _RatesInto(self, *key)
        return map(table.__getitem__, days)

    def _over_one_denominator(
        self, target: str, currencies: Iterable[str], indexes: tuple[int | None, ...]
    ) -> tuple[int, dict[str, int]]:
        target_index, *other_indexes = indexes
        rates = {target: (1, 1)}
        if target_index is not None:
            above, below = self._units_per_euro_at(target, target_index).as_integer_ratio()
            for currency, index in zip(currencies, other_indexes, strict=True):
                if index is not None and currency != target:
                    units, parts = self._units_per_euro_at(currency, index).as_integer_ratio()
                    rates[currency] = (above * parts, below * units)
        denominator = lcm(*(down for _, down in rates.values()))
        return denominator, {code: up * (denominator // down) for code, (up, down) in rates.items()}

    def _day_index_or_none(self, currency: str, on: date) -> int | None:
        try:
            return self._day_index(currency, on)
        except MissingRate:
            return None

    def _day_index(self, currency: str, on: date) -> int:
        """The index of the rate for that day in the currency's lists; -1 for the euro. Raises MissingRate."""
        if currency == EURO:
            return -1
        days, _, lasting = self._histories.get(currency, NO_HISTORY)
        index = bisect_right(days, on) - 1
        if index < 0 or not (lasting[index] or (on - days[index]).days <= self.max_age_days):
            raise MissingRate(currency, on)
        return index

    def _units_per_euro_at(self, currency: str, index: int) -> Decimal:
        return Decimal(1) if currency == EURO else self._histories[currency].units[index]


class _RatesInto(dict[date, DayRates]):
    """The rates of currencies into one, by day: each day is calculated when it is first asked for."""

    def __init__(self, book: RateBook, target: str, currencies: Sequence[str]) -> None:
        super().__init__()
        self._book, self._target, self._currencies = book, target, currencies
        # Days without new rates share what is calculated.
        self._by_indexes: dict[tuple[int | None, ...], tuple[int, dict[str, int], frozenset[str]]] = {}

    def __missing__(self, on: date) -> DayRates:
        codes = (self._target, *self._currencies)
        indexes = tuple(self._book._day_index_or_none(currency, on) for currency in codes)
        rates = self._by_indexes.get(indexes)
        if rates is None:
            lacking = frozenset(code for code, index in zip(codes, indexes, strict=True) if index is None)
            over_one = self._book._over_one_denominator(self._target, self._currencies, indexes)
            rates = self._by_indexes[indexes] = (*over_one, lacking)
        self[on] = day_rates = DayRates(on, *rates)
        return day_rates
