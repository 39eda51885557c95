"""The values of a computed asset from its first to its last change, or ten years ahead: a chart, and the year ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from assets import valuation
from assets.admin.asset.charts import drawn
from assets.admin.debts import is_debt
from assets.models import Asset
from assets.models.asset import Valuation
from assets.rendering.step_chart import Curve, step_chart
from assets.valuation import ref_of
from assets.valuation.series import ValueSeries, money
from strata.audit import clock
from strata.fields.active_formats import amount_text, day_text
from strata.fields.dates import LAST_YEAR, local_day

YEARS_AHEAD, MOST_POINTS = 10, 200
# Recorded values, the schedule, and prices, of which there are none ahead: the chart of the past year shows them.
OTHERWISE_SHOWN = (Valuation.MANUAL, Valuation.LOAN, Valuation.MARKET)


class Span(NamedTuple):
    """From the first day with a value to the last that is shown; `today` lies between them or before."""

    start: date
    end: date
    today: date


def course_of_asset(asset: Asset) -> dict[str, Any] | None:
    """The context of the template; None for an asset without computed values."""
    if asset.valuation in OTHERWISE_SHOWN:
        return None
    days = valuation.value_days({asset.pk: asset.valuation}).get(asset.pk)
    if days is None:
        return None
    today = local_day(clock.now(), asset.portfolio.time_zone)
    span = Span(days.first, end_of(days, today), today)
    if span.end <= span.start:
        return None
    ((_ref, series),) = valuation.value_series([ref_of(asset)], start=span.start, end=span.end)
    chart = chart_of(asset, series, span)
    return chart and {"chart": chart, "currency": asset.currency, "rows": year_rows(asset, series, span)}


def end_of(days: valuation.ValueDays, today: date) -> date:
    """The last change; of what never ends, or ends later, ten years ahead."""
    ahead = date(min(today.year + YEARS_AHEAD, LAST_YEAR), 12, 31)
    return max(today, min(days.last, ahead) if days.last > today else today)


def chart_of(asset: Asset, series: ValueSeries, span: Span) -> dict[str, Any] | None:
    sign = -1 if is_debt(asset) else 1
    points = [(on, series.value_on(on)) for on in evenly(span.start, span.end)]
    known = [(on, money(sign * value)) for on, value in points if value is not None]
    if not known:
        return None
    days: list[date] = [on for on, _value in known]
    values: list[Decimal] = [value for _on, value in known]
    picture = step_chart(days, [Curve("", "", values)], incomplete=[False] * len(days))
    return {
        "name": _("Value of %(name)s over time") % {"name": asset.name},
        "start": day_text(days[0]),
        "end": day_text(days[-1]),
        **drawn(picture, asset.currency),
    }


def evenly(start: date, end: date) -> Sequence[date]:
    """At most MOST_POINTS days, the first and the last of them included."""
    whole = (end - start).days
    step = max(1, -(-whole // (MOST_POINTS - 1)))
    return [*(start + timedelta(days=number) for number in range(0, whole, step)), end]


def year_rows(asset: Asset, series: ValueSeries, span: Span) -> list[dict[str, Any]]:
    """The value at the end of each year, and on the last day."""
    sign = -1 if is_debt(asset) else 1
    ends = [date(year, 12, 31) for year in range(span.start.year, span.end.year + 1)]
    days = [*(on for on in ends if on < span.end), span.end]
    return [
        {
            "day": day_text(on),
            "is_past": on < span.today,
            "value": amount_text(money(sign * value), asset.currency),
        }
        for on in days
        if (value := series.value_on(on)) is not None
    ]
