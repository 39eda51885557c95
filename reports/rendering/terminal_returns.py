"""Returns, holdings and income in a terminal: a line, and bars, of characters and of a given width."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import plotext

from reports.rendering.terminal import NARROWEST, begin, built, ticks
from strata.text import short

MOST_OF_NAME = 30

type Returns = Sequence[tuple[date, Decimal]]


class Bar(NamedTuple):
    """A line of a bar chart: the text behind its bar says the amount, of which a bar below zero shows nothing."""

    name: str
    amount: Decimal
    text: str


def returns_chart(
    lines: Sequence[tuple[str, Returns]], start: date, *, width: int, height: int, colour: bool, unicode: bool
) -> str:
    """The return of each line since `start`, in per cent. The first is drawn above the others."""
    width, height = begin(width, height)
    shown = [
        (name, [(start, Decimal(0)), *((on, rate.scaleb(2)) for on, rate in returns)])
        for name, returns in lines
    ]
    styles = (("braille" if unicode else "*", "blue"), ("•", "green"))
    for (name, points), (marker, line_colour) in reversed([*zip(shown, styles, strict=False)]):
        days = [on.toordinal() for on, _ in points]
        rates = [float(rate) for _, rate in points]  # nosemgrep: no-float - characters
        plotext.plot(days, rates, label=f"{name} (%)", marker=marker, color=line_colour)
    plotext.horizontal_line(0)
    days_of_all = sorted({on.toordinal() for _, points in shown for on, _ in points})
    ticks([rate for _, points in shown for _, rate in points], days_of_all, width, height)
    return built(colour=colour, unicode=unicode)


def bars(rows: Sequence[Bar], *, width: int, unicode: bool) -> str:
    """A line for each row; the longest bar takes the room that names and texts leave."""
    if not rows:
        return ""
    names = [short(row.name, MOST_OF_NAME) for row in rows]
    of_names, of_texts = max(map(len, names)), max(len(row.text) for row in rows)
    room = max(max(width, NARROWEST) - of_names - of_texts - 4, 4)
    largest = max((row.amount for row in rows), default=Decimal(0))
    block = "█" if unicode else "#"
    return "\n".join(
        f"{name:<{of_names}}  {block * _length(row.amount, largest, room):<{room}}  {row.text:>{of_texts}}"
        for name, row in zip(names, rows, strict=True)
    )


def _length(amount: Decimal, largest: Decimal, room: int) -> int:
    """In characters; what is above zero has at least one."""
    return max(round(amount / largest * room), 1) if amount > 0 else 0
