"""The charts of the admin's first page: JSON for Chart.js, which unfold's script reads from `data-` attributes.

Amounts are sent as the digits of their Decimals; only the browser turns them into floats. The colours can be
distinguished on a light and on a dark background: the script does not change them with the theme.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from reports.calculations.net_worth import Point
from reports.queries import AllocationReport, NetWorthSeries
from reports.rendering.plots import OTHER_COLOUR, PALETTE
from strata.text import short

INK = "#9ca3af"
NET, OWNED, OWED = "#8b5cf6", "#14b8a6", "#ef4444"
LABEL_LENGTH = 40
LEGEND = {"color": INK, "usePointStyle": True, "boxWidth": 8, "boxHeight": 8}
# Chart.js would round the labels of ticks from 10^15 on: 1.5E15 became 2E15. A float always keeps 15 digits. The
# tooltip of a point uses this format as well.
EXACT_LABELS = {"notation": "standard", "maximumSignificantDigits": 15}
COMMON = {"responsive": True, "maintainAspectRatio": False, "animation": False, "locale": "en-GB"}


def net_worth_chart(series: NetWorthSeries) -> dict[str, str]:
    """`data` and `options` of a line chart: net worth over what is owned and, below zero, what is owed."""
    points = series.points
    data = {
        "labels": [f"{point.on:%d %b %y}" for point in points],
        "datasets": [
            line("Net worth", NET, [point.net for point in points]) | marks(points),
            line("Assets", OWNED, [point.assets for point in points]) | area(OWNED),
            line("Liabilities", OWED, [point.liabilities for point in points]) | area(OWED),
        ],
    }
    axis: dict[str, Any] = {"grid": {}}
    options = COMMON | {
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {"legend": {"display": True, "position": "bottom", "labels": LEGEND}},
        "scales": {
            "x": axis
            | {"ticks": {"color": INK, "maxTicksLimit": 7, "maxRotation": 0, "autoSkipPadding": 12}}
            | titled("Date"),
            "y": axis | {"ticks": {"color": INK, "format": EXACT_LABELS}} | titled(series.currency),
        },
    }
    return {"data": json.dumps(data), "options": json.dumps(options)}


def titled(name: str) -> dict[str, Any]:
    return {"title": {"display": True, "text": name, "color": INK}}


def line(label: str, colour: str, values: Sequence[Decimal]) -> dict[str, Any]:
    return {
        "label": label,
        "data": list(map(str, values)),
        "borderColor": colour,
        "backgroundColor": colour,
        "borderWidth": 2,
        "pointRadius": 0,
        "pointHitRadius": 10,
    }


def area(colour: str) -> dict[str, Any]:
    return {"backgroundColor": f"{colour}33", "borderWidth": 1, "fill": "origin"}


def marks(points: Sequence[Point]) -> dict[str, Any]:
    """Incomplete days have a ring; so does a single day."""
    alone = len(points) == 1
    return {
        "pointRadius": [4 if alone or not point.complete else 0 for point in points],
        "pointBackgroundColor": "transparent",
        "borderWidth": 3,
    }


def allocation_chart(report: AllocationReport) -> dict[str, str]:
    """A ring chart of what is owned, by group."""
    slices = [part for part in report.allocation.asset_groups if part.value]
    data = {
        "labels": [short(report.labels[part.key], LABEL_LENGTH) for part in slices],
        "datasets": [
            {
                "data": [str(part.value) for part in slices],
                "backgroundColor": [colour_of(place) for place in range(len(slices))],
                "borderWidth": 0,
            }
        ],
    }
    options = COMMON | {"cutout": "65%", "plugins": {"legend": {"display": False}}}
    return {"data": json.dumps(data), "options": json.dumps(options)}


def colour_of(place: int) -> str:
    """The colour of the slice at that place; the small slices at the end share one colour."""
    return PALETTE[place] if place < len(PALETTE) else OTHER_COLOUR
