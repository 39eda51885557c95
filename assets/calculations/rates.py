"""Exchange rates: units per euro, other pairs through the euro, and never one that nobody recorded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

EURO = "EUR"
PRECEDENCE = {"manual": 3, "ecb": 2, "demo": 1}


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of `currency` for one euro on a day; `sequence` grows with the time of recording."""

    currency: str
    on: date
    units_per_euro: Decimal
    source: str = "ecb"
    sequence: int = 0


class MissingRate(Exception):
    """No rate of `currency` is recorded on `on` or in the days before that may stand for it."""

    def __init__(self, currency: str, on: date):
        super().__init__(f"no rate for {currency} on {on}")
        self.currency, self.on = currency, on


def winners(rates: Iterable[Rate]) -> list[Rate]:
    """One rate a currency and day: manual beats ecb beats demo, then the one recorded last."""
    best: dict[tuple[str, date], Rate] = {}
    for rate in rates:
        key = (rate.currency, rate.on)
        if key not in best or _rank(rate) >= _rank(best[key]):
            best[key] = rate
    return list(best.values())


def _rank(rate: Rate) -> tuple[int, int]:
    return PRECEDENCE.get(rate.source, 0), rate.sequence


class RateBook:
    """The rates known for some currencies, looked up by day.

    A rate serves its own day and `max_age_days` days after. Rates come out as fractions, so that an amount
    converted and added up is exact until it is rounded to be shown.
    """

    def __init__(self, rates: Iterable[Rate], *, max_age_days: int = 10):
        self.max_age_days = max_age_days
        self._days: dict[str, list[date]] = {}
        self._values: dict[str, list[Fraction]] = {}
        for rate in sorted(winners(rates), key=lambda r: r.on):
            self._days.setdefault(rate.currency, []).append(rate.on)
            self._values.setdefault(rate.currency, []).append(Fraction(rate.units_per_euro))

    def per_euro(self, currency: str, *, on: date) -> Fraction:
        """Units of `currency` for one euro. Raises MissingRate."""
        if currency == EURO:
            return Fraction(1)
        days = self._days.get(currency, [])
        place = bisect_right(days, on) - 1
        if place < 0 or (on - days[place]).days > self.max_age_days:
            raise MissingRate(currency, on)
        return self._values[currency][place]

    def pair(self, source: str, target: str, *, on: date) -> Fraction:
        """Units of `target` for one unit of `source`, each leg at its own last day. Raises MissingRate."""
        if source == target:
            return Fraction(1)
        return self.per_euro(target, on=on) / self.per_euro(source, on=on)
