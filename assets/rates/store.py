"""Loads the recorded rates that a report needs into a RateBook.

Rates of source demo are invented: a report reads them only where every portfolio in it is in a household of the demo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from assets.models import ExchangeRate
from assets.models.exchange_rate import RateQuerySet
from assets.rates import sql
from assets.rates.book import DEMO, Rate, RateBook
from assets.rates.kept import KEPT, MOST_CURRENCIES, kept_currencies
from assets.rules.instruments.exchange_rates import EURO
from portfolios.models import Household, Portfolio
from strata.audit import clock


def daily_rates() -> RateQuerySet:
    """The rates that are not lasting: their age shows whether rates are still loaded regularly."""
    return ExchangeRate.objects.filter(lasting=False)


def rate_book(
    currencies: Iterable[str], *, start: date, end: date, portfolios: Iterable[Portfolio] = ()
) -> RateBook:
    """The rates of the currencies for every day from `start` to `end`, for a report about the portfolios."""
    return _one_book(_rates(currencies, [(start, end)]), portfolios)


def rate_book_of_span(
    currencies: Iterable[str], *, start: date, end: date, portfolios: Iterable[Portfolio] = ()
) -> RateBook:
    """The same, with no rates of other days: to compare each rate with the one before it."""
    return _one_book(_read(_codes(currencies), [(start, end)]), portfolios)


def rate_books(
    currencies: Iterable[str], *, start: date, end: date, portfolios: Iterable[Portfolio]
) -> dict[UUID, RateBook]:
    """The same as `rate_book` for a report about each of the portfolios alone, by portfolio."""
    portfolios = list(portfolios)
    rates = _rates(currencies, [(start, end)])
    recorded = rates.book(with_invented=False)
    if not rates.has_invented:
        return {portfolio.pk: recorded for portfolio in portfolios}
    with_invented = rates.book(with_invented=True)
    demos = _demo_households(portfolios)
    return {
        portfolio.pk: with_invented if portfolio.household_id in demos else recorded
        for portfolio in portfolios
    }


def rate_book_on(
    currencies: Iterable[str], days: Sequence[date], *, portfolios: Iterable[Portfolio] = ()
) -> RateBook:
    """The rates for these days only (ascending): a monthly series needs few of the days between."""
    return _one_book(_rates(currencies, [(on, on) for on in days]), portfolios)


class _Rates(NamedTuple):
    """The rates that a report needs: whether any was invented, and the book of them."""

    has_invented: bool
    make_book: Callable[[bool], RateBook]

    def book(self, *, with_invented: bool) -> RateBook:
        return self.make_book(with_invented)


def _one_book(rates: _Rates, portfolios: Iterable[Portfolio]) -> RateBook:
    """Asks for the households only where there are invented rates: most installations have none."""
    with_invented = rates.has_invented
    if with_invented:
        household_ids = {portfolio.household_id for portfolio in portfolios}
        with_invented = bool(household_ids) and _demo_households(portfolios) == household_ids
    return rates.book(with_invented=with_invented)


def _rates(currencies: Iterable[str], spans: Sequence[tuple[date, date]]) -> _Rates:
    """The rates for the days of the spans (ascending). A book may have those of other days too."""
    codes = _codes(currencies)
    return _kept(codes, spans) or _read(codes, spans)


def _codes(currencies: Iterable[str]) -> list[str]:
    return sorted(set(currencies) - {EURO})


def _oldest(on: date) -> date:
    """The first day whose rate may still be valid on this day."""
    return on - timedelta(days=settings.RATE_MAX_AGE_DAYS)


# --- kept by this process ---


def _kept(codes: Sequence[str], spans: Sequence[tuple[date, date]]) -> _Rates | None:
    """Rates that this process keeps, with one query if it has them all. None where they have to be read.

    Under known_at they have to: what is kept are the rates of the present.
    """
    if not codes or not spans or len(codes) > MOST_CURRENCIES or clock.known_at() is not None:
        return None
    version = sql.rates_version()
    if version is None:
        return None
    asked = partial(
        KEPT.books,
        version,
        codes,
        _oldest(spans[0][0]),
        spans[-1][1],
        max_age_days=settings.RATE_MAX_AGE_DAYS,
    )
    kept = asked()
    if kept.missing:
        fresh = kept_currencies(kept.missing, _read_rates(kept.missing, [(date.min, date.max)]))
        if sql.rates_version() != version:  # another process wrote rates meanwhile
            return None
        KEPT.add(version, fresh)
        kept = asked()
    recorded, with_invented = kept.recorded, kept.with_invented
    if recorded is None:  # other threads used other currencies meanwhile
        return None
    return _Rates(with_invented is not None, lambda invented: (invented and with_invented) or recorded)


# --- read from the database ---


def _read(codes: Sequence[str], spans: Sequence[tuple[date, date]]) -> _Rates:
    rates = _read_rates(codes, _joined(spans))

    def book(with_invented: bool) -> RateBook:
        return RateBook(rates if with_invented else _recorded(rates), max_age_days=settings.RATE_MAX_AGE_DAYS)

    return _Rates(_has_invented(rates), book)


def _joined(spans: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """Spans of the days whose rates may be valid in the given spans; those that touch are one."""
    joined: list[tuple[date, date]] = []
    for start, end in spans:
        if joined and _oldest(start) <= joined[-1][1] + timedelta(days=1):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((_oldest(start), end))
    return joined


def _read_rates(codes: Sequence[str], spans: Sequence[tuple[date, date]]) -> list[Rate]:
    rows = sql.rates_in(codes, spans) if codes else ()
    return [
        Rate(currency, on, Decimal(units), source, number, lasting)
        for number, (currency, on, units, source, lasting) in enumerate(rows)
    ]


def _has_invented(rates: Iterable[Rate]) -> bool:
    return any(rate.source == DEMO for rate in rates)


def _recorded(rates: Iterable[Rate]) -> list[Rate]:
    return [rate for rate in rates if rate.source != DEMO]


def _demo_households(portfolios: Iterable[Portfolio]) -> set[UUID]:
    """The ids of those of the portfolios' households that the demo made."""
    # nosemgrep: rows-through-for-user - of the caller's own portfolios
    demos = Household.objects.filter(
        is_demo=True, pk__in={portfolio.household_id for portfolio in portfolios}
    )
    return set(demos.order_by().values_list("pk", flat=True))
