"""Net worth in a terminal: a chart of characters and a table, of a given width.

plotext has one global figure for the whole process: this is for commands, not for servers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import plotext

from assets.valuation.series import EXACT
from reports.calculations.net_worth import Point
from reports.rendering.completeness import assets_without_price, currencies_without_rate
from reports.rendering.ticks import tick_labels

UNICODE = "⣀•│"  # what a terminal must be able to show for charts that are not in ASCII
NARROWEST, LOWEST = 24, 8
DATE_WIDTH = 12
# For terminals without Unicode: the frame and the markers in ASCII.
PLAIN = str.maketrans("│─┌┐└┘├┤┬┴┼•", "|-+++++++++.")


def chart(points: Sequence[Point], *, width: int, height: int, colour: bool, unicode: bool) -> str:
    """Assets above zero, liabilities below it, and the net between them."""
    width, height = begin(width, height)
    days = [point.on.toordinal() for point in points]
    for label, marker, line_colour, values in (
        ("assets", "•", "green", [point.assets for point in points]),
        ("liabilities", "•", "red", [point.liabilities for point in points]),
        ("net worth", "braille" if unicode else "*", "blue", [point.net for point in points]),
    ):
        plotext.plot(days, list(map(float, values)), label=label, marker=marker, color=line_colour)
    plotext.horizontal_line(0)
    ticks(
        [value for point in points for value in (point.assets, point.liabilities, point.net)],
        days,
        width,
        height,
    )
    return built(colour=colour, unicode=unicode)


def begin(width: int, height: int) -> tuple[int, int]:
    """An empty figure of this size, or of the smallest."""
    width, height = max(width, NARROWEST), max(height, LOWEST)
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    return width, height


def built(*, colour: bool, unicode: bool) -> str:
    drawn = plotext.build() if colour else plotext.uncolorize(plotext.build())
    drawn = "\n".join(line.rstrip() for line in drawn.rstrip().splitlines())
    return drawn if unicode else drawn.translate(PLAIN)


def ticks(values: Sequence[Decimal], days: Sequence[int], width: int, height: int) -> None:
    """Round numbers beside the values, with zero; and as many days below them as have room."""
    amounts = list(map(float, values))
    marks = round_numbers(min(0.0, *amounts), max(0.0, *amounts), most=max(3, height // 2 - 1))
    labels = tick_labels(marks)
    plotext.yticks(marks, labels)
    plotext.ylim(marks[0], marks[-1])
    room = max(2, min(len(days), (width - max(map(len, labels))) // (2 * DATE_WIDTH)))
    chosen = sorted({days[round(part * (len(days) - 1) / (room - 1))] for part in range(room)})
    plotext.xticks(chosen, [date.fromordinal(day).isoformat() for day in chosen])


def round_numbers(lowest: float, highest: float, *, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten around a range: two or more, about `most`."""
    rough = (highest - lowest or 1.0) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.floor(lowest / step), math.ceil(highest / step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def table(points: Sequence[Point], *, width: int) -> str:
    """A line for each day, in columns; a narrow terminal shows only the date and the net. `*` means incomplete."""
    marks = {True: "" if all(point.complete for point in points) else "  ", False: " *"}
    columns = (
        ("assets", [f"{point.assets:,}" for point in points]),
        ("liabilities", [f"{point.liabilities:,}" for point in points]),
        ("net worth", [f"{point.net:,}" + marks[point.complete] for point in points]),
        ("change", [_signed(change) for change in _changes(points)]),
    )
    wide = [(name, texts, max(len(name), *map(len, texts)) + 2) for name, texts in columns]
    if DATE_WIDTH + sum(size for *_, size in wide) > width:
        wide = [column for column in wide if column[0] == "net worth"]
    head = f"{'date':<10}" + "".join(f"{name:>{size}}" for name, _, size in wide)
    rows = (
        f"{point.on:%Y-%m-%d}" + "".join(f"{texts[row]:>{size}}" for _, texts, size in wide)
        for row, point in enumerate(points)
    )
    return "\n".join([head, *rows])


def _changes(points: Sequence[Point]) -> Iterator[Decimal | None]:
    before: Decimal | None = None
    for point in points:
        yield None if before is None else EXACT.subtract(point.net, before)
        before = point.net


def _signed(change: Decimal | None) -> str:
    return "" if change is None else f"{change:+,}"


def gaps(points: Sequence[Point]) -> str:
    """A sentence for each thing that the points leave out; empty if they are complete."""
    currencies = currencies_without_rate(gap for point in points for gap in point.missing_rates)
    assets = assets_without_price(gap for point in points for gap in point.missing_prices)
    missing = (
        ("rate", currencies, sum(bool(point.missing_rates) for point in points)),
        ("price", assets, sum(bool(point.missing_prices) for point in points)),
    )
    return "\n".join(
        f"* incomplete: {days} of {len(points)} days lack a {what} of {', '.join(names)}."
        for what, names, days in missing
        if names
    )
