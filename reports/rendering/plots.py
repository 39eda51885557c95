"""Pictures of net worth and of allocation: frozen values in, the bytes of an SVG or PNG out."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext, gettext_lazy, ngettext

from reports.calculations.allocation import Allocation
from reports.calculations.net_worth import Point
from reports.calculations.real_terms import RealTerms
from reports.rendering.completeness import completeness, completeness_of_days
from reports.rendering.drawing import (
    AREA,
    DEFAULT_OPTIONS,
    PATCH,
    Band,
    ChartOptions,
    Theme,
    date_axis,
    draw_in_thread,
    draw_lines,
    draw_stack,
    legend,
    money_axis,
    percentage,
)
from reports.rendering.palette import OTHER_COLOUR, PALETTE
from strata.fields.active_formats import day_text, in_active_format
from strata.text import short

type Labels = Mapping[Hashable, str]

UNGROUPED = gettext_lazy("not in any")


# --- the two pictures ---


def net_worth_plot(
    points: Sequence[Point],
    *,
    currency: str,
    title: str = "",
    labels: Labels | None = None,
    overlap: bool = False,
    real: RealTerms | None = None,
    options: ChartOptions = DEFAULT_OPTIONS,
) -> bytes:
    """Net worth as a line, over what is owned (above zero) and what is owed (below).

    `points` has at least one, or none because of `real`: the line has gaps where its index is unknown. With `labels`
    the points' groups are drawn instead of the two sides: stacked, or as lines if they `overlap`, because they would
    then add up to more than the total.
    """
    lines = overlap and labels is not None
    note = _net_worth_note(points, real, overlap=lines)
    points = _thinned(points, options.width)
    days = [point.on for point in points]
    net = [float(point.net) for point in points]
    runs = _runs(days, real)

    def draw(axes: Any, theme: Theme) -> None:
        bands = _sides(points, theme) if labels is None else _groups(points, labels, options)
        for run in runs:
            of_run = [(name, values[run], colour) for name, values, colour in bands]
            (draw_lines if lines else draw_stack)(axes, days[run], of_run)
            marker = "o" if len(days[run]) == 1 else ""
            axes.plot(days[run], net[run], color=theme.net, linewidth=2, marker=marker)
        doubtful = [(point.on, value) for point, value in zip(points, net, strict=True) if not point.complete]
        if doubtful:
            axes.plot(*zip(*doubtful, strict=True), "o", color=theme.net, mfc=theme.ground, markersize=4)
        entries = [(name, colour, "-" if lines else AREA) for name, _, colour in bands]
        legend(
            axes,
            [
                *entries,
                (gettext("Net worth"), theme.net, "-"),
                *[(gettext("Incomplete"), theme.net, "o")] * bool(doubtful),
            ],
            options,
        )
        date_axis(axes, days or (real.days if real else ()))
        axes.axhline(0, color=theme.ink, linewidth=0.8)
        money_axis(axes.yaxis, [*net, *(value for _, values, _ in bands for value in values)], currency)

    return draw_in_thread(draw, title or gettext("Net worth"), note, options)


def allocation_plot(
    allocation: Allocation,
    *,
    labels: Labels,
    title: str = "",
    options: ChartOptions = DEFAULT_OPTIONS,
) -> bytes:
    """A bar for each group, the largest first, with its share; what is owed is below zero. Ticks are targets."""
    rows = _bars(allocation, labels, options)

    def draw(axes: Any, theme: Theme) -> None:
        places = range(len(rows))
        colours = [theme.owed if value < 0 else theme.owned for _, value, _, _ in rows]
        # The edge has a fixed width: so the smallest debt is visible beside the largest house.
        values = [value for _, value, _, _ in rows]
        axes.barh(places, values, color=colours, edgecolor=colours, linewidth=1.5, height=0.7)
        for place, (_, value, share, goal) in enumerate(rows):
            text = _debt(value) if value < 0 else "" if share is None else percentage(share)
            axes.annotate(
                text, (max(value, 0), place), xytext=(4, 0), textcoords="offset points", va="center"
            )
            if goal is not None:
                axes.plot([goal, goal], [place - 0.42, place + 0.42], color=theme.ink, linewidth=2)
        axes.set_yticks(places, [short(name, options.label_length) for name, _, _, _ in rows])
        axes.invert_yaxis()
        axes.axvline(0, color=theme.ink, linewidth=0.8, zorder=0.9)
        axes.margins(x=0.12)
        sides = [(gettext("Owned"), theme.owned, PATCH), (gettext("Owed"), theme.owed, PATCH)]
        aimed = any(goal is not None for _, _, _, goal in rows)
        legend(axes, [*sides, *[(gettext("Target"), theme.ink, "|")] * aimed], options)
        money_axis(axes.xaxis, [value for _, value, _, _ in rows], allocation.currency)

    note = f"{day_text(allocation.on)}. {completeness(allocation.missing_rates, allocation.missing_prices)}"
    note += f" {gettext('Groups overlap.')}" if allocation.overlap else ""
    return draw_in_thread(draw, title or gettext("Allocation"), note, options)


# --- what is drawn ---


def _runs(days: Sequence[date], real: RealTerms | None) -> list[slice]:
    """The parts of the days between which the index is known throughout."""
    if real is None or not days:
        return [slice(None)] * bool(days)
    lacking = [on for number, on in enumerate(real.days) if real.lacking_on(number)]
    starts = [
        place
        for place in range(1, len(days))
        if bisect(lacking, days[place - 1]) < bisect(lacking, days[place])
    ]
    return [slice(*ends) for ends in pairwise([0, *starts, len(days)])]


def _net_worth_note(points: Sequence[Point], real: RealTerms | None, *, overlap: bool) -> str:
    notes = [] if real is None else [_real_note(real)]
    if points:
        notes.append(completeness_of_days(points))
    if overlap:
        notes.append(gettext("Groups overlap."))
    return " ".join(notes)


def _real_note(real: RealTerms) -> str:
    if real.last is None:
        text = gettext("%(index)s has no value on %(day)s.")
    else:
        text = gettext("Adjusted for inflation by %(index)s: in the money of %(day)s.")
    return text % {"index": real.symbol, "day": day_text(real.on)}


def _thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """At most one point for each pixel; the last point is always included."""
    if len(points) <= most:
        return points
    return [points[place * (len(points) - 1) // (most - 1)] for place in range(most)]


def _sides(points: Sequence[Point], theme: Theme) -> list[Band]:
    return [
        (gettext("Assets"), [float(point.assets) for point in points], theme.owned),
        (gettext("Debts"), [float(point.liabilities) for point in points], theme.owed),
    ]


def _groups(points: Sequence[Point], labels: Labels, options: ChartOptions) -> list[Band]:
    """The groups with the largest amounts on any day, the largest first; the others together."""
    weights: dict[Hashable, Decimal] = {}
    for point in points:
        for key, value in point.groups.items():
            weights[key] = max(weights.get(key, Decimal(0)), abs(value))
    ranked = sorted(weights, key=lambda key: -weights[key])
    shown, rest = ranked[: options.most_groups], ranked[options.most_groups :]
    bands = [
        (_label(key, labels), [float(point.groups.get(key, 0)) for point in points], colour)
        for key, colour in zip(shown, PALETTE, strict=False)
    ]
    if rest:
        others = [float(sum(point.groups.get(key, 0) for key in rest)) for point in points]
        bands.append((_others(len(rest)), others, OTHER_COLOUR))
    return bands


def _bars(
    allocation: Allocation, labels: Labels, options: ChartOptions
) -> list[tuple[str, float, float | None, float | None]]:
    """(name, value, share, target's value) from the top down; bars that do not fit become one for each side."""
    room = max(3, options.height // 40)
    owned, owed = allocation.asset_groups, allocation.liability_groups
    of_owned = max(1, min(len(owned), room - min(len(owed), room // 3)))
    rows = [
        (
            _label(part.key, labels),
            float(part.value),
            None if part.share is None else float(part.share),
            None if part.target is None else float(part.target * allocation.assets),
        )
        for part in (*owned[:of_owned], *owed[: room // 3])
    ]
    if rest := owned[of_owned:]:
        share = None if allocation.overlap else float(sum(part.share or 0 for part in rest))
        rows.insert(of_owned, (_others(len(rest)), float(sum(part.value for part in rest)), share, None))
    if rest := owed[room // 3 :]:
        debts = ngettext("%(count)s other debt", "%(count)s other debts", len(rest)) % {"count": len(rest)}
        rows.append((debts, float(sum(part.value for part in rest)), None, None))
    return rows


def _others(count: int) -> str:
    return ngettext("%(count)s other", "%(count)s others", count) % {"count": count}


# --- text ---


def _label(key: Hashable, labels: Labels) -> str:
    return labels.get(key, str(UNGROUPED) if key is None else str(key))


def _debt(value: float) -> str:
    """The amount of a debt: it has no share to show."""
    if not 0.01 <= -value < 1e15:
        return in_active_format(f"{value:.3g}")
    return in_active_format(f"{value:,.0f}" if value <= -100 else f"{value:,.2f}")
