"""Net worth on the last day, its change over the range, and its chart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from itertools import dropwhile
from typing import Any, NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.admin.asset.charts import longest
from assets.models import Instrument
from assets.rendering.step_chart import Curve, StepChart, percent_across, stacked, step_chart
from reports.dashboard.missing import without_price
from reports.dashboard.picker import GROUPS, NET, SIDES, Picker
from reports.queries import NetWorthSeries, ReportTooLarge, net_worth_history
from reports.rendering.completeness import currencies_without_rate
from reports.rendering.formats import (
    Amount,
    amount,
    day_and_month_text,
    day_text,
    month_and_year,
    number,
    percentage,
    places_of,
)
from reports.rendering.palette import OTHER_COLOUR, PALETTE

# The chart's interval by the number of days: the first limit that is not exceeded decides; beyond the last, years.
INTERVALS = ((400, "day"), (800, "week"), (4_000, "month"), (15_000, "quarter"))
MOST_DAYS_BY_GROUP = 100
COARSER = ("day", "week", "month", "quarter", "year")
DAY_LABELS: dict[str, Callable[[date], str]] = {
    "day": day_and_month_text,
    "month": month_and_year,
    "year": lambda on: str(on.year),
}


class Column(NamedTuple):
    """A column of the table beside the chart, and a curve of the chart."""

    name: Any
    colour: str
    values: Sequence[Decimal]


def interval_for(start: date, end: date) -> str:
    return next((name for most, name in INTERVALS if (end - start).days <= most), "year")


def series_for(picker: Picker) -> NetWorthSeries:
    """The series that is drawn, not adjusted for inflation where the index has no value on the last day."""
    series = grouped_series(picker, picker.index)
    return series if series.points else grouped_series(picker, None)


def grouped_series(picker: Picker, index: Instrument | None) -> NetWorthSeries:
    """By group with longer intervals where there are too many groups, else without groups."""
    interval = interval_for(picker.period.first, picker.period.end)
    if picker.chart_shown == GROUPS:
        for longer in intervals_by_group(picker, interval):
            try:
                return series_at(picker, longer, group_by=picker.group_by_shown, index=index)
            except ReportTooLarge:
                continue
    with suppress(ReportTooLarge):
        return series_at(picker, interval, index=index)
    return series_at(picker, COARSER[-1], index=index)


def intervals_by_group(picker: Picker, interval: str) -> Iterator[str]:
    """The intervals to try. Groups are slower than totals: so there are days for short ranges only."""
    long = (picker.period.end - picker.period.first).days > MOST_DAYS_BY_GROUP
    shortest = "week" if long and interval == "day" else interval
    return dropwhile(lambda name: name != shortest, COARSER)


def series_at(picker: Picker, interval: str, **asked: Any) -> NetWorthSeries:
    period = picker.period
    return net_worth_history(
        picker.shown, start=period.first, end=period.end, interval=interval, from_start=True, **asked
    )


def worth_over_time(series: NetWorthSeries, picker: Picker) -> dict[str, Any]:
    first, last = series.points[0], series.points[-1]
    incomplete = [point for point in series.points if not point.complete]
    columns = columns_of(series, picker.chart_shown)
    return {
        "on": last.on,
        "day": day_text(last.on),
        "net": amount(last.net, series.currency),
        "change": amount(last.net - first.net, series.currency, signed=True, whole=True),
        "ratio": change_ratio(first.net, last.net),
        "words": change_words(series, picker),
        "real_note": real_note(series, picker),
        "incomplete": len(incomplete),
        "missing": currencies_without_rate(gap for point in incomplete for gap in point.missing_rates),
        "without_price": without_price(gap for point in incomplete for gap in point.missing_prices),
        "chart": chart_of(series, columns),
        "columns": [column.name for column in columns],
        "rows": rows_of(series, columns),
        "ungrouped": picker.chart_shown == GROUPS and series.group_by is None,
    }


def change_words(series: NetWorthSeries, picker: Picker) -> str:
    """The range of the change; where the index begins later, from there on."""
    words, first = picker.period.words, series.points[0].on
    if series.real is None or not words:
        return words
    if first > picker.period.first:
        words = gettext("since %(day)s") % {"day": day_text(first)}
    return gettext("%(range)s, adjusted for inflation") % {"range": words}


def real_note(series: NetWorthSeries, picker: Picker) -> str:
    if picker.index is None:
        return ""
    if series.real is None:
        text = gettext("Not adjusted for inflation: %(index)s has no value on %(day)s.")
    else:
        text = gettext(
            "Adjusted for inflation by %(index)s: the amounts are in the money of %(day)s. The reasons below are not "
            "adjusted."
        )
    return text % {"index": picker.index.symbol, "day": day_text(series.points[-1].on)}


def change_ratio(before: Decimal, after: Decimal) -> str:
    """The change in per cent of the absolute value before it; "" if that is 0."""
    return percentage((after - before) / abs(before), signed=True) if before else ""


def columns_of(series: NetWorthSeries, chart: str) -> list[Column]:
    """What is drawn, net worth last."""
    points = series.points
    net = Column(_("Net worth"), "var(--net)", [point.net for point in points])
    if chart == NET or (chart == GROUPS and series.group_by is None):
        return [net]
    if chart == SIDES:
        owned = Column(_("Assets"), "var(--owned)", [point.assets for point in points])
        return [owned, Column(_("Debts"), "var(--owed)", [point.liabilities for point in points]), net]
    return [*group_columns(series), net]


def group_columns(series: NetWorthSeries) -> list[Column]:
    """The groups with the largest amounts on any day, the largest first; the others together."""
    points = series.points
    weights = {key: max(abs(point.groups[key]) for point in points) for key in points[0].groups}
    ranked: list[Hashable] = sorted(weights, key=lambda key: -weights[key])
    room = len(PALETTE) if len(ranked) <= len(PALETTE) else len(PALETTE) - 1
    columns = [
        Column(series.labels[key], colour, [point.groups[key] for point in points])
        for key, colour in zip(ranked[:room], PALETTE, strict=False)
    ]
    if rest := ranked[room:]:
        others = [sum((point.groups[key] for key in rest), Decimal(0)) for point in points]
        name = gettext("Other (%(count)s)") % {"count": len(rest)}
        columns.append(Column(name, OTHER_COLOUR, others))
    return columns


def chart_of(series: NetWorthSeries, columns: Sequence[Column]) -> dict[str, Any]:
    *others, net = columns
    below: list[Curve]
    if series.overlap:
        below = [Curve(str(column.name), column.colour, column.values) for column in others]
    else:
        below = stacked([(str(column.name), column.colour, column.values) for column in others])
    line = Curve(str(net.name), net.colour, net.values)
    points = series.points
    picture = step_chart(
        [point.on for point in points], [*below, line], incomplete=[not point.complete for point in points]
    )
    return {"picture": picture, "currency": series.currency} | axis_labels(picture)


def axis_labels(picture: StepChart) -> dict[str, Any]:
    places = max(places_of(tick.normalize()) for _place, tick in picture.amounts)
    amounts = [(place, number(tick, places)) for place, tick in picture.amounts]
    return {
        "amounts": amounts,
        "longest": longest(amounts),
        "days": [(place, DAY_LABELS[picture.unit](day)) for place, day in picture.days],
    }


class Row(NamedTuple):
    """A row of the table beside the chart. `place` is its day's place in the chart, in per cent from the left."""

    day: str
    place: str
    complete: bool
    figures: list[Amount]


def rows_of(series: NetWorthSeries, columns: Sequence[Column]) -> list[Row]:
    """A row for each point, the last one first."""
    days = [point.on for point in series.points]
    rows = [
        Row(
            day_text(point.on),
            percent_across(point.on, days),
            point.complete,
            [amount(column.values[number], series.currency) for column in columns],
        )
        for number, point in enumerate(series.points)
    ]
    return rows[::-1]
