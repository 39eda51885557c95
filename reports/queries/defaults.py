"""The default days and currency of a report."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from uuid import UUID

from django.db.models import Min

from assets import valuation
from assets.models import Asset
from assets.rules.exchange_rates import EURO
from portfolios.models import Portfolio
from strata.audit import clock
from strata.fields.dates import local_day


def today_of(portfolio: Portfolio) -> date:
    return local_day(clock.now(), portfolio.time_zone)


def latest_today(portfolios: Iterable[Portfolio]) -> date:
    """The latest of the portfolios' todays in their time zones."""
    return max(map(today_of, portfolios), default=clock.now().date())


def first_value_day(portfolio_ids: Collection[UUID]) -> date | None:
    """The day of the first value of any of the portfolios' assets; None if there is none."""
    assets = valuation.with_first_value(Asset.objects.filter(portfolio__in=portfolio_ids).order_by())
    first: date | None = assets.aggregate(first=Min("first_value_on"))["first"]
    return first


def common_currency(portfolios: Iterable[Portfolio]) -> str:
    """The base currency of all the portfolios, or the euro if they have several."""
    currencies = {portfolio.base_currency for portfolio in portfolios}
    return currencies.pop() if len(currencies) == 1 else EURO
