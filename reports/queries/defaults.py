"""The default days, currency and portfolios of a report."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from django.db.models import F, QuerySet

from assets.models import Asset
from assets.rules.instruments.exchange_rates import EURO
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


def end_and_currency(
    portfolios: Collection[Portfolio], end: date | None, currency: str | None
) -> tuple[date, str]:
    """The last day of a report, and the currency that it is in, where they are not given."""
    return end or latest_today(portfolios), currency or common_currency(portfolios)


def with_demo_mark(portfolios: QuerySet[Portfolio]) -> QuerySet[Portfolio]:
    """Adds `in_demo`, for without_demo."""
    return portfolios.annotate(in_demo=F("household__is_demo"))


def without_demo(marked: Iterable[Any]) -> list[Portfolio]:
    """The portfolios of a report that names none: without demo households as soon as another one has an asset.

    Until then those of the demo alone: an empty portfolio beside them adds nothing, and would take their rates away.
    Given all that the user may see, with the mark of with_demo_mark.
    """
    portfolios = list(marked)
    demos = [portfolio for portfolio in portfolios if portfolio.in_demo]
    others = [portfolio for portfolio in portfolios if not portfolio.in_demo]
    if demos and others:
        return others if Asset.objects.filter(portfolio__in=others).exists() else demos
    return portfolios
