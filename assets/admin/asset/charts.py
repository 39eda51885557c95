"""What the admin shows of an asset's values of the past year: a sparkline in each row of the list, a chart on its page.

Both are part of the page, so that a list makes no further requests. What is owed is drawn as a positive amount.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.html import format_html
from django.utils.translation import gettext as _

from assets import valuation
from assets.admin.debts import is_debt
from assets.models import Asset
from assets.rendering.sparkline import HEIGHT, WIDTH, sparkline
from assets.rendering.step_chart import Curve, StepChart, step_chart
from assets.valuation import ref_of
from assets.valuation.series import Step, money
from strata.audit import clock
from strata.fields.active_formats import active_formats, day_text
from strata.fields.dates import local_day
from strata.fields.number_formats import decimals, number_text


class PastYear(NamedTuple):
    """An asset's values from `start` to `end`; of a debt what is owed. Empty if it was sold before."""

    start: date
    end: date
    steps: Sequence[Step]


def past_years(assets: Collection[Asset]) -> dict[UUID, PastYear]:
    """Of each asset the year up to today in its portfolio's time zone. In one query."""
    if not assets:
        return {}
    now = clock.now()
    by_id = {asset.pk: (asset, local_day(now, asset.portfolio.time_zone)) for asset in assets}
    days = [on for _, on in by_id.values()]
    refs = [ref_of(asset) for asset in assets]
    read = valuation.value_series(refs, start=a_year_before(min(days)), end=max(days))
    return {ref.id: past_year(*by_id[ref.id], series) for ref, series in read}


def past_year(asset: Asset, today: date, series: valuation.ValueSeries) -> PastYear:
    start, sign = a_year_before(today), -1 if is_debt(asset) else 1
    is_gone = asset.disposed_on is not None and asset.disposed_on <= start
    steps = [] if is_gone else series.steps(start, today)
    return PastYear(start, today, [(on, sign * value) for on, value in steps])


def a_year_before(on: date) -> date:
    """The same day a year earlier; 28 February for the 29th."""
    day = 28 if (on.month, on.day) == (2, 29) else on.day
    return on.replace(year=on.year - 1, day=day)


def name_of_chart(asset: Asset) -> str:
    return _("Value of %(name)s, past year") % {"name": asset.name}


def sparkline_of(asset: Asset, year: PastYear) -> str:
    """An SVG for the list; nothing for an asset without values."""
    path = sparkline(year.steps, start=year.start, end=year.end)
    if not path:
        return ""
    return format_html(
        '<svg class="strata-sparkline" role="img" aria-label="{}" viewBox="0 0 {} {}"><path d="{}"/></svg>',
        name_of_chart(asset),
        WIDTH,
        HEIGHT,
        path,
    )


def chart_of(asset: Asset) -> dict[str, Any]:
    """The context of the chart on the asset's page. Without values it has no `picture`."""
    year = past_years([asset])[asset.pk]
    context = {"name": name_of_chart(asset), "start": day_text(year.start), "end": day_text(year.end)}
    if not year.steps:
        return context
    return context | drawn(picture_of(year), asset.currency) | {"start": day_text(year.steps[0][0])}


def drawn(picture: StepChart, unit: str) -> dict[str, Any]:
    """What the template of a chart needs of a picture, beside its name and its first and last day."""
    amounts = tick_texts(picture.amounts)
    return {"picture": picture, "amounts": amounts, "longest": longest(amounts), "unit": unit}


def longest(labels: Sequence[tuple[str, Any]]) -> int:
    """The length of the longest text at an axis, which is as wide as that one."""
    return max((len(str(text)) for _place, text in labels), default=0)


def tick_texts(ticks: Sequence[tuple[str, Decimal]]) -> list[tuple[str, str]]:
    """The ticks in the user's format, all with the decimals that one of them needs."""
    places = max(decimals(tick) for _, tick in ticks)
    return [(place, number_text(tick, active_formats().number, places)) for place, tick in ticks]


def picture_of(year: PastYear) -> StepChart:
    """From the first value, or the first day, to the last day."""
    days: list[date] = [on for on, _ in year.steps]
    values: list[Decimal] = [money(value) for _, value in year.steps]
    if days[-1] < year.end:
        days, values = [*days, year.end], [*values, values[-1]]
    return step_chart(days, [Curve("", "", values)], incomplete=[False] * len(days))
