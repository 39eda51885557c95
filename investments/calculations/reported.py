"""Amounts in the reporting currency, fine enough to be added up and rounded once. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal
from weakref import WeakKeyDictionary

from assets.rates.book import RateBook

RATE_PLACES = 40
RATE_UNIT: int = 10**RATE_PLACES
FINE_PLACES = 4 + RATE_PLACES  # of the results: ten-thousandths times rates
MOST_KNOWN = 12_000  # rates of a book into a currency; about a fifth of a kilobyte each
POOL_UNIT = RATE_UNIT // 10**14  # of a pool's cost (10^-18) in a fine unit
_WIDE = Context(prec=200)


class Rates:
    """Rates into the reporting currency `target`. `missing` names those that were asked for and are not there."""

    def __init__(self, target: str, book: RateBook) -> None:
        self.target, self.book = target, book
        self.known = known_rates(book, target)
        self.missing: set[tuple[str, date]] = set()
        self.by_currency: dict[str, RateOfDays] = {}

    def fine(self, amount: int, currency: str, on: date) -> int | None:
        """So many ten-thousandths of a currency in 10^-44 of the reporting currency; None without a rate."""
        if currency == self.target or not amount:
            return amount * RATE_UNIT
        rate = self.known.get((currency, on)) or self._look_up(currency, on)
        if rate is None:
            self.missing.update((code, on) for code in self.book.lacking(currency, self.target, on=on))
        return None if rate is None else amount * rate

    def into_target(self, currency: str) -> RateOfDays:
        """By day what `fine` multiplies an amount of the currency by; None without a rate.

        For many amounts of one currency. An amount of zero needs no rate, which may be missing: do not look it up.
        """
        if currency not in self.by_currency:
            self.by_currency[currency] = RateOfDays(self, currency)
        return self.by_currency[currency]

    def _look_up(self, currency: str, on: date) -> int | None:
        rate = self.book.rate_or_none(currency, self.target, on)
        if rate is None:
            return None
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known[currency, on] = fine = half_even(rate.numerator * RATE_UNIT, rate.denominator)
        return fine


type KnownRates = dict[tuple[str, date], int]  # by currency and day, in fine units

# A book is kept as long as there are no new rates (assets.rates.kept), and with it what was looked up in it.
_known_rates: WeakKeyDictionary[RateBook, dict[str, KnownRates]] = WeakKeyDictionary()


def known_rates(book: RateBook, target: str) -> KnownRates:
    """The rates into `target` that were looked up in this book before. None of them is missing."""
    return _known_rates.setdefault(book, {}).setdefault(target, {})


class RateOfDays(dict[date, int | None]):
    """The rates of one currency by day: each is looked up when it is first asked for."""

    def __init__(self, rates: Rates, currency: str) -> None:
        super().__init__()
        self._rates, self._currency = rates, currency

    def __missing__(self, on: date) -> int | None:
        self[on] = rate = self._rates.fine(1, self._currency, on)
        return rate


def rounded(fine: int, places: int) -> Decimal:
    """Fine units as a Decimal, rounded half to even."""
    return Decimal(half_even(fine, 10 ** (FINE_PLACES - places))).scaleb(-places, _WIDE)


def ten_thousandths(fine: int) -> int:
    """Fine units in whole ten-thousandths, rounded half to even."""
    return half_even(fine, RATE_UNIT)


def half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))
