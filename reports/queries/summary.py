"""Net worth in a few figures: what it is, by how much it rose in this month, and how many values need attention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db.models import Q

from assets import valuation
from assets.models import Asset
from portfolios.models import Portfolio
from reports.calculations.net_worth import Point
from reports.calculations.rounding import SHARE_PLACES, rounded
from reports.queries.defaults import common_currency, latest_today
from reports.queries.net_worth import net_worth_history
from reports.queries.quality import quality_issues
from reports.queries.stale_values import stale_values


@dataclass(frozen=True, slots=True)
class MonthSoFar:
    """The change after `start`; `ratio` is that to the absolute value on `start`, None where that is zero."""

    start: date
    change: Decimal
    ratio: Decimal | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a day, in `currency`. `month` is None before the first value; findings are those not dismissed."""

    on: date
    currency: str
    net_worth: Point
    month: MonthSoFar | None
    current_assets: int
    stale_values: int
    problems: int
    hints: int


def summary_on(
    portfolios: Iterable[Portfolio],
    *,
    on: date | None = None,
    currency: str | None = None,
    include_all: bool = False,
) -> Summary:
    """The summary of a day (default: today). Net worth is that of net_worth_history, rounded the same.

    `include_all` is for net worth and its change. Assets, old values and findings are counted of all in any case.
    """
    portfolios = list(portfolios)
    on, currency = on or latest_today(portfolios), currency or common_currency(portfolios)
    first_on = valuation.first_value_day([portfolio.pk for portfolio in portfolios], include_all=include_all)
    is_valued = first_on is not None and first_on <= on
    start = max(last_day_of_month_before(on), first_on) if first_on is not None and is_valued else on
    series = net_worth_history(
        portfolios, start=start, end=on, currency=currency, from_start=True, include_all=include_all
    )
    issues = [issue.finding for issue in quality_issues(portfolios, on=on, currency=currency)]
    severities = Counter(finding.severity for finding in issues)
    return Summary(
        on,
        currency,
        series.points[-1],
        month_so_far(series.points[0], series.points[-1]) if is_valued else None,
        current_assets(portfolios, on),
        stale_values(portfolios, on),
        severities["warning"],
        severities["note"],
    )


def last_day_of_month_before(on: date) -> date:
    return on.replace(day=1) - timedelta(days=1)


def month_so_far(start: Point, end: Point) -> MonthSoFar:
    change = end.net - start.net
    ratio = rounded(Fraction(change) / Fraction(abs(start.net)), SHARE_PLACES) if start.net else None
    return MonthSoFar(start.on, change, ratio)


def current_assets(portfolios: Iterable[Portfolio], on: date) -> int:
    """How many of the portfolios' assets are not disposed of on the day."""
    assets = Asset.objects.filter(portfolio__in=portfolios)
    return assets.filter(Q(disposed_on=None) | Q(disposed_on__gt=on)).count()
