"""Lines and areas with steps, as the paths of an SVG that is 1,000 wide and 1,000 high and is stretched to its place.

A value holds until the next one, so lines between values are steps. Amounts stay Decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import add

from assets.rendering.axes import AmountAxis, amount_axis, day_ticks

SIZE = 1000


@dataclass(frozen=True, slots=True)
class Curve:
    """A named series, with the colour as CSS. `filled` is an area, from `base` (default: zero) to the values.

    A line with fewer values than the chart has days begins later: its last value is that of the last day.
    """

    name: str
    colour: str
    values: Sequence[Decimal]
    filled: bool = False
    base: Sequence[Decimal] | None = None


@dataclass(frozen=True, slots=True)
class StepChart:
    """Places are per cent of the width from the left, or of the height from the top, as text for CSS.

    `last` is the place of the last value of the last curve.
    """

    amounts: list[tuple[str, Decimal]]
    unit: str
    days: list[tuple[str, date]]
    areas: list[tuple[str, str]]
    lines: list[tuple[str, str]]
    gaps: str
    zero: str
    last: tuple[str, str]
    legend: list[tuple[str, str]] = field(default_factory=list)


def step_chart(days: Sequence[date], curves: Sequence[Curve], *, incomplete: Sequence[bool]) -> StepChart:
    """`incomplete` says of each day whether an amount is missing; the last curve is marked there."""
    shown = [value for curve in curves for value in (*curve.values, *(curve.base or ()))]
    if any(curve.filled for curve in curves):
        shown.append(Decimal(0))
    axis, across = amount_axis(shown), _across(days)
    unit, labelled = day_ticks(days[0], days[-1])
    return StepChart(
        amounts=[(f"{100 * axis.place(tick):.2f}", tick) for tick in axis.ticks],
        unit=unit,
        days=[(percent_across(day, days), day) for day in labelled],
        areas=[(area_path(curve, axis, across), curve.colour) for curve in curves if curve.filled],
        lines=[(line_path(curve.values, axis, across), curve.colour) for curve in curves if not curve.filled],
        gaps=gaps_path(curves[-1].values, axis, across, incomplete),
        zero=f"{SIZE * axis.place(Decimal(0)):.1f}" if axis.low <= 0 <= axis.high else "",
        last=(percent_across(days[-1], days), f"{100 * axis.place(curves[-1].values[-1]):.2f}"),
        legend=[(curve.name, curve.colour) for curve in curves],
    )


def stacked(
    curves: Sequence[tuple[str, str, Sequence[Decimal]]],
) -> list[Curve]:
    """(name, colour, values) as areas on top of each other: above zero upwards, below zero downwards."""
    length = len(curves[0][2]) if curves else 0
    tops, bottoms = [Decimal(0)] * length, [Decimal(0)] * length
    areas = []
    for name, colour, values in curves:
        base = [
            top if value >= 0 else bottom for value, top, bottom in zip(values, tops, bottoms, strict=True)
        ]
        edge = list(map(add, base, values))
        areas.append(Curve(name, colour, edge, filled=True, base=base))
        tops = list(map(max, tops, edge))
        bottoms = list(map(min, bottoms, edge))
    return areas


def line_path(values: Sequence[Decimal], axis: AmountAxis, across: Sequence[str]) -> str:
    heights, places = _heights(values, axis), across[len(across) - len(values) :]
    steps = [f"H{x}V{y}" for x, y in zip(places[1:], heights[1:], strict=True)]
    return f"M{places[0]} {heights[0]}{''.join(steps)}H{SIZE}"


def area_path(curve: Curve, axis: AmountAxis, across: Sequence[str]) -> str:
    """Along the values to the right, and along the base back to the left."""
    base = _heights(curve.base or [Decimal(0)] * len(curve.values), axis)
    back = [f"V{y}H{x}" for x, y in zip(reversed(across), reversed(base), strict=True)]
    return f"{line_path(curve.values, axis, across)}{''.join(back)}Z"


def gaps_path(
    values: Sequence[Decimal], axis: AmountAxis, across: Sequence[str], incomplete: Sequence[bool]
) -> str:
    """The parts of the line that begin on an incomplete day. Days that follow each other are one part.

    Dashes begin again with each part: those of a day would be longer than the day, and the line without a gap.
    """
    heights, ends = _heights(values, axis), [*across[1:], str(SIZE)]
    rows = zip(across, heights, ends, incomplete, strict=True)
    path, goes_on = [], False
    for x, y, end, lacks in rows:
        if lacks:
            path.append(f"V{y}H{end}" if goes_on else f"M{x} {y}H{end}")
        goes_on = lacks
    return "".join(path)


def _heights(values: Sequence[Decimal], axis: AmountAxis) -> list[str]:
    return [f"{SIZE * axis.place(value):.1f}" for value in values]


def _across(days: Sequence[date]) -> list[str]:
    return [f"{SIZE * _place(day, days):.1f}" for day in days]


def percent_across(day: date, days: Sequence[date]) -> str:
    return f"{100 * _place(day, days):.2f}"


def _place(day: date, days: Sequence[date]) -> Decimal:
    """Where the day begins: 0 on the left, 1 on the right, where the last day ends."""
    return Decimal((day - days[0]).days) / ((days[-1] - days[0]).days + 1)
