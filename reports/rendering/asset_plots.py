"""The picture of an asset's values: see reports.rendering.plots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from reports.rendering.drawing import (
    ChartOptions,
    Theme,
    date_axis,
    draw_in_thread,
    money_axis,
)
from strata.fields.active_formats import day_text

DEFAULTS = ChartOptions()


def asset_value_plot(
    steps: Sequence[tuple[date, Decimal]],
    *,
    start: date,
    end: date,
    currency: str,
    title: str,
    options: ChartOptions = DEFAULTS,
) -> bytes:
    """An asset's values as a line with steps: each holds until the next one, the last up to `end`.

    Without values the picture says so in its middle.
    """
    shown = _last_of_places(steps, start, end, options.width)
    days, values = [on for on, _ in shown], [float(value) for _, value in shown]

    def draw(axes: Any, theme: Theme) -> None:
        date_axis(axes, [start, end] if start < end else [start])
        if start < end:
            axes.set_xlim(start, end)
        if shown:
            marker = "o" if len(days) == 1 and days[0] == end else ""
            line = {"color": theme.net, "linewidth": 2, "marker": marker}
            axes.step([*days, end], [*values, values[-1]], where="post", **line)
        else:
            axes.set_yticks([])
            axes.text(0.5, 0.5, gettext("No value in this time"), transform=axes.transAxes, ha="center")
        money_axis(axes.yaxis, values, currency)

    return draw_in_thread(draw, title, f"{day_text(start)} \N{EN DASH} {day_text(end)}", options)


def _last_of_places(
    steps: Sequence[tuple[date, Decimal]], start: date, end: date, most: int
) -> list[tuple[date, Decimal]]:
    """At most one value for each pixel: the last one."""
    days = (end - start).days + 1
    return list({(on - start).days * most // days: (on, value) for on, value in steps}.values())
