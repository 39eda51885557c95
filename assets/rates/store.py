"""Loads the recorded rates that a report needs into a RateBook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from assets.models import ExchangeRate
from assets.models.exchange_rate import RateQuerySet
from assets.rates import sql
from assets.rates.book import Rate, RateBook
from assets.rules.exchange_rates import EURO


def daily_rates() -> RateQuerySet:
    """The rates that are not lasting: their age shows whether rates are still loaded regularly."""
    return ExchangeRate.objects.filter(lasting=False)


def rate_book(currencies: Iterable[str], *, start: date, end: date) -> RateBook:
    """The rates of the currencies for every day from `start` to `end`."""
    return _book(currencies, [(_oldest(start), end)])


def rate_book_on(currencies: Iterable[str], days: Sequence[date]) -> RateBook:
    """The rates for these days only (ascending): a monthly series needs few of the days between."""
    spans: list[tuple[date, date]] = []
    for on in days:
        if spans and _oldest(on) <= spans[-1][1] + timedelta(days=1):
            spans[-1] = (spans[-1][0], on)
        else:
            spans.append((_oldest(on), on))
    return _book(currencies, spans)


def _oldest(on: date) -> date:
    """The first day whose rate may still be valid on this day."""
    return on - timedelta(days=settings.RATE_MAX_AGE_DAYS)


def _book(currencies: Iterable[str], spans: list[tuple[date, date]]) -> RateBook:
    wanted = sorted(set(currencies) - {EURO})
    rows = sql.rates_in(wanted, spans) if wanted else ()
    rates = [
        Rate(currency, on, Decimal(units), source, number, lasting)
        for number, (currency, on, units, source, lasting) in enumerate(rows)
    ]
    return RateBook(rates, max_age_days=settings.RATE_MAX_AGE_DAYS)
