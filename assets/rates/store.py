"""Loads the recorded rates that a report needs into a RateBook.

Rates of source demo are invented: a report reads them only where every portfolio in it is in a household of the demo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from assets.models import ExchangeRate
from assets.models.exchange_rate import RateQuerySet
from assets.rates import sql
from assets.rates.book import DEMO, Rate, RateBook
from assets.rules.exchange_rates import EURO
from portfolios.models import Household, Portfolio


def daily_rates() -> RateQuerySet:
    """The rates that are not lasting: their age shows whether rates are still loaded regularly."""
    return ExchangeRate.objects.filter(lasting=False)


def rate_book(
    currencies: Iterable[str], *, start: date, end: date, portfolios: Iterable[Portfolio] = ()
) -> RateBook:
    """The rates of the currencies for every day from `start` to `end`, for a report about the portfolios."""
    return _book(_rates(currencies, [(_oldest(start), end)]), portfolios)


def rate_books(
    currencies: Iterable[str], *, start: date, end: date, portfolios: Iterable[Portfolio]
) -> dict[UUID, RateBook]:
    """The same for a report about each of the portfolios alone, by portfolio."""
    rates = _rates(currencies, [(_oldest(start), end)])
    recorded = RateBook(_recorded(rates), max_age_days=settings.RATE_MAX_AGE_DAYS)
    portfolios = list(portfolios)
    if not _has_invented(rates):
        return {portfolio.pk: recorded for portfolio in portfolios}
    with_invented = RateBook(rates, max_age_days=settings.RATE_MAX_AGE_DAYS)
    demos = _demo_households(portfolios)
    return {
        portfolio.pk: with_invented if portfolio.household_id in demos else recorded
        for portfolio in portfolios
    }


def rate_book_on(
    currencies: Iterable[str], days: Sequence[date], *, portfolios: Iterable[Portfolio] = ()
) -> RateBook:
    """The rates for these days only (ascending): a monthly series needs few of the days between."""
    spans: list[tuple[date, date]] = []
    for on in days:
        if spans and _oldest(on) <= spans[-1][1] + timedelta(days=1):
            spans[-1] = (spans[-1][0], on)
        else:
            spans.append((_oldest(on), on))
    return _book(_rates(currencies, spans), portfolios)


def _oldest(on: date) -> date:
    """The first day whose rate may still be valid on this day."""
    return on - timedelta(days=settings.RATE_MAX_AGE_DAYS)


def _book(rates: list[Rate], portfolios: Iterable[Portfolio]) -> RateBook:
    """Asks for the households only where there are invented rates: most installations have none."""
    if _has_invented(rates):
        household_ids = {portfolio.household_id for portfolio in portfolios}
        if not household_ids or _demo_households(portfolios) != household_ids:
            rates = _recorded(rates)
    return RateBook(rates, max_age_days=settings.RATE_MAX_AGE_DAYS)


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


def _rates(currencies: Iterable[str], spans: list[tuple[date, date]]) -> list[Rate]:
    wanted = sorted(set(currencies) - {EURO})
    rows = sql.rates_in(wanted, spans) if wanted else ()
    return [
        Rate(currency, on, Decimal(units), source, number, lasting)
        for number, (currency, on, units, source, lasting) in enumerate(rows)
    ]
