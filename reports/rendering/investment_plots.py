"""Pictures of returns and of income: see reports.rendering.plots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from reports.rendering.drawing import (
    PATCH,
    ChartOptions,
    Theme,
    date_axis,
    draw_in_thread,
    legend,
    money_axis,
    percentage,
)
from strata.fields.active_formats import day_text
from strata.text import short

type Returns = Sequence[tuple[date, Decimal]]

EVERY_LABEL = 24  # more bars than this have a label now and then


def performance_plot(
    returns: Returns,
    *,
    start: date,
    end: date,
    title: str,
    compared: tuple[str, Returns] | None = None,
    options: ChartOptions,
) -> bytes:
    """The return since the beginning, day by day, as a line; `compared` is a second line, with its name.

    Days are thinned to the width of the picture. Without a return the picture says so in its middle.
    """
    name, benchmark = compared or ("", ())

    def draw(axes: Any, theme: Theme) -> None:
        date_axis(axes, [start, end] if start < end else [start])
        if start < end:
            axes.set_xlim(start, end)
        if returns:
            entries = [(gettext("Time-weighted return"), theme.net, "-")]
            if benchmark:
                _line(axes, benchmark, theme.owned, options)
                entries.append((name, theme.owned, "-"))
            _line(axes, returns, theme.net, options)
            axes.axhline(0, color=theme.ink, linewidth=0.8)
            axes.yaxis.set_major_formatter(lambda value, place: percentage(value))
            legend(axes, entries, options)
        else:
            axes.set_yticks([])
            axes.text(0.5, 0.5, gettext("No return in this time"), transform=axes.transAxes, ha="center")

    return draw_in_thread(draw, title, f"{day_text(start)} \N{EN DASH} {day_text(end)}", options)


def _line(axes: Any, returns: Returns, colour: str, options: ChartOptions) -> None:
    step = max(1, len(returns) // options.width)
    shown = [*returns[:-1:step], *returns[-1:]]
    values = [float(value) for _, value in shown]  # nosemgrep: no-float - pixels
    axes.plot(
        [on for on, _ in shown], values, color=colour, linewidth=2, marker="o" if len(shown) == 1 else ""
    )


def income_plot(
    rows: Sequence[tuple[str, Decimal]],
    *,
    currency: str,
    title: str,
    complete: bool,
    options: ChartOptions,
) -> bytes:
    """A bar for each group, in the order of the rows."""
    values = [float(value) for _, value in rows]  # nosemgrep: no-float - pixels

    def draw(axes: Any, theme: Theme) -> None:
        places = range(len(rows))
        axes.bar(places, values, color=theme.owned, width=0.7)
        every = max(1, -(-len(rows) // EVERY_LABEL))
        labels = [short(name, options.label_length) for name, _ in rows]
        axes.set_xticks(list(places)[::every], labels[::every], rotation=45 if len(rows) > 6 else 0)
        axes.axhline(0, color=theme.ink, linewidth=0.8)
        if not rows:
            axes.set_yticks([])
            axes.text(0.5, 0.5, gettext("No income in this time"), transform=axes.transAxes, ha="center")
        money_axis(axes.yaxis, values, currency)
        legend(axes, [(gettext("Income"), theme.owned, PATCH)], options)

    return draw_in_thread(draw, title, "" if complete else gettext("Incomplete"), options)
