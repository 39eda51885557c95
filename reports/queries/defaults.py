"""The default day and currency of a report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from assets.rules.exchange_rates import EURO
from portfolios.models import Portfolio
from strata.audit import clock
from strata.fields.dates import local_day


def today_of(portfolio: Portfolio) -> date:
    return local_day(clock.now(), portfolio.time_zone)


def latest_today(portfolios: Iterable[Portfolio]) -> date:
    """The latest of the portfolios' todays in their time zones."""
    return max(map(today_of, portfolios), default=clock.now().date())


def common_currency(portfolios: Iterable[Portfolio]) -> str:
    """The base currency of all the portfolios, or the euro if they have several."""
    currencies = {portfolio.base_currency for portfolio in portfolios}
    return currencies.pop() if len(currencies) == 1 else EURO
