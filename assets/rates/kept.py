"""The exchange rates that this process used last, kept until a new rate is written anywhere.

Which rates are meant is said by a version (assets.models.RatesVersion): the same version means the same rates, in
whichever process and from whichever copy of the database it was read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from threading import Lock
from typing import NamedTuple
from uuid import UUID

from assets.rates.book import DEMO, NO_HISTORY, Rate, RateBook, RateHistory, histories_of

MOST_CURRENCIES = 12  # about a megabyte each, since 1999
MOST_BOOKS = 4  # each remembers what it calculated


class KeptCurrency(NamedTuple):
    """All rates of a currency, without and with those of source demo, whose days are `invented_on`."""

    recorded: RateHistory
    with_invented: RateHistory
    invented_on: Sequence[date]

    def has_invented(self, start: date, end: date) -> bool:
        return bisect_left(self.invented_on, start) < bisect_right(self.invented_on, end)


def kept_currencies(codes: Iterable[str], rates: Iterable[Rate]) -> dict[str, KeptCurrency]:
    """The currencies, made of all their rates in the order of days. A currency without rates has empty histories."""
    by_currency: dict[str, list[Rate]] = {code: [] for code in codes}
    for rate in rates:
        by_currency[rate.currency].append(rate)
    return {code: _kept_currency(code, of_currency) for code, of_currency in by_currency.items()}


def _kept_currency(code: str, rates: Sequence[Rate]) -> KeptCurrency:
    invented_on = tuple(rate.on for rate in rates if rate.source == DEMO)
    recorded = histories_of(rate for rate in rates if rate.source != DEMO).get(code, NO_HISTORY)
    with_invented = histories_of(rates).get(code, NO_HISTORY) if invented_on else recorded
    return KeptCurrency(recorded, with_invented, invented_on)


class KeptBooks(NamedTuple):
    """The books of some currencies: none as long as some are `missing`, and one `with_invented` rates only where a rate
    of the span that was asked for is invented.
    """

    missing: Sequence[str]
    recorded: RateBook | None = None
    with_invented: RateBook | None = None


class KeptRates:
    """The currencies of one version, at most MOST_CURRENCIES, and the books made of them. What was not used for the
    longest time goes first.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        self._version: UUID | None = None
        self._currencies: OrderedDict[str, KeptCurrency] = OrderedDict()
        self._books: OrderedDict[tuple[frozenset[str], bool, int], RateBook] = OrderedDict()

    def currencies(self, version: UUID, codes: Collection[str]) -> dict[str, KeptCurrency]:
        """Those of the currencies that are kept. Another version than before: nothing is."""
        with self._lock:
            self._take(version)
            kept = {code: self._currencies[code] for code in codes if code in self._currencies}
            for code in kept:
                self._currencies.move_to_end(code)
            return kept

    def add(self, version: UUID, currencies: Mapping[str, KeptCurrency]) -> None:
        with self._lock:
            self._take(version)
            self._currencies |= currencies
            while len(self._currencies) > MOST_CURRENCIES:
                self._currencies.popitem(last=False)

    def books(
        self, version: UUID, codes: Collection[str], start: date, end: date, *, max_age_days: int
    ) -> KeptBooks:
        """The books of these currencies for reports of days from `start` to `end`."""
        currencies = self.currencies(version, codes)
        if missing := [code for code in codes if code not in currencies]:
            return KeptBooks(missing)
        recorded, with_invented = (
            self.book(version, currencies, with_invented=which, max_age_days=max_age_days)
            if not which or any(currency.has_invented(start, end) for currency in currencies.values())
            else None
            for which in (False, True)
        )
        return KeptBooks((), recorded, with_invented)

    def book(
        self,
        version: UUID,
        currencies: Mapping[str, KeptCurrency],
        *,
        with_invented: bool,
        max_age_days: int,
    ) -> RateBook:
        """The book of these currencies, which are of this version: kept, or made now."""
        key = (frozenset(currencies), with_invented, max_age_days)
        side = attrgetter("with_invented" if with_invented else "recorded")
        with self._lock:
            self._take(version)
            book = self._books.get(key)
            if book is None:
                histories = {code: side(currency) for code, currency in currencies.items()}
                book = self._books[key] = RateBook.of_histories(histories, max_age_days=max_age_days)
            self._books.move_to_end(key)
            while len(self._books) > MOST_BOOKS:
                self._books.popitem(last=False)
            return book

    def _take(self, version: UUID) -> None:
        if version != self._version:
            self.clear()
            self._version = version


KEPT = KeptRates()
