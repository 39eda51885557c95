"""The allocation on the last day of the range, with each part's change since its first day. Debts are separate."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext

from assets.valuation import SeriesReader
from reports.calculations.allocation import Slice
from reports.calculations.change import NetWorthChange
from reports.dashboard.missing import without_price
from reports.dashboard.picker import ALL_PARTS, GROUP_BY, Picker
from reports.queries import AllocationReport, allocations_on
from reports.queries.keys import key_text
from reports.rendering.completeness import currencies_without_rate
from reports.rendering.formats import amount, percentage
from reports.rendering.palette import OTHER_COLOUR, colour_of

MOST_PARTS = 8  # as many as there are colours
MOST_ROWS = 50
SMALL = Decimal("0.02")  # smaller shares go into "Other (n)", if there are several


class Part(NamedTuple):
    """A group or, with `members`, several small ones. `share` is None for a debt, or where shares do not add up."""

    name: str
    link: str
    value: Decimal
    before: Decimal
    share: Decimal | None
    members: int = 0


class Sides(NamedTuple):
    """The report on the first and on the last day. `changes` are those of single assets, as "Biggest changes" has them.

    Both days are rounded on their own: so their difference may be a cent away from an asset's change.
    """

    before: AllocationReport
    after: AllocationReport
    changes: Mapping[Hashable, Decimal]

    def value_before(self, key: Hashable, now: Decimal, before: Mapping[Hashable, Decimal]) -> Decimal:
        if key in self.changes:
            return now - self.changes[key]
        return before.get(key, Decimal(0))


def allocation_sides(picker: Picker, change: NetWorthChange, read_series: SeriesReader) -> Sides:
    period, by_asset = picker.period, picker.group_by_shown == "asset"
    reports = allocations_on(
        picker.shown,
        sorted({period.first, period.end}),
        group_by=picker.group_by_shown,
        currency=change.currency,
        read_series=read_series,
        **picker.drill_down.report_params,
    )
    return Sides(
        reports[0], reports[-1], {key: parts.change for key, parts in change.rows.items()} if by_asset else {}
    )


def allocation_now(sides: Sides, picker: Picker) -> dict[str, Any]:
    allocation = sides.after.allocation
    owned = parts_of(
        [part for part in allocation.asset_groups if part.value],
        sides.before.allocation.asset_groups,
        sides,
        picker,
    )
    owed = parts_of(allocation.liability_groups, sides.before.allocation.liability_groups, sides, picker)
    return {
        "breadcrumbs": [(name, picker.address(**asked)) for name, asked in picker.drill_down.breadcrumbs()],
        "group_by": GROUP_BY[picker.group_by_shown],
        "owned": rows_of(gathered(owned, allocation.assets, picker), allocation.currency),
        "owed": rows_of(gathered(owed, allocation.liabilities, picker), allocation.currency),
        "overlap": allocation.overlap,
        "missing": currencies_without_rate(allocation.missing_rates),
        "without_price": without_price(allocation.missing_prices),
        "complete": allocation.complete,
    }


def parts_of(now: Sequence[Slice], then: Sequence[Slice], sides: Sides, picker: Picker) -> list[Part]:
    """The groups of the last day, the largest first, then those that only the first day has."""
    before = {part.key: part.value for part in then}
    keys = {part.key for part in now}
    parts = [
        Part(
            sides.after.labels[part.key],
            drill_down_link(sides.after, part, picker),
            part.value,
            sides.value_before(part.key, part.value, before),
            part.share,
        )
        for part in now
    ]
    gone = [
        Part(
            sides.before.labels[part.key],
            drill_down_link(sides.before, part, picker),
            Decimal(0),
            sides.value_before(part.key, Decimal(0), before),
            None if part.share is None else Decimal(0),
        )
        for part in then
        if part.key not in keys and part.value
    ]
    return [*parts, *gone]


def gathered(parts: Sequence[Part], whole: Decimal, picker: Picker) -> list[Part]:
    """The parts, with the small ones as a single part at the end; if all are asked for, only those that do not fit."""
    large = [part for part in parts if abs(part.value) >= SMALL * abs(whole)]
    room = MOST_ROWS if picker.shows_all_parts else min(len(large), MOST_PARTS - 1)
    shown, rest = list(parts[:room]), parts[room:]
    if len(rest) < 2:
        return [*shown, *rest]
    name = gettext("Other (%(count)s)") % {"count": len(rest)}
    shares = [part.share for part in rest if part.share is not None]
    share = sum(shares, Decimal(0)) if len(shares) == len(rest) else None
    link = "" if picker.shows_all_parts else picker.address(parts=ALL_PARTS, **picker.drill_down.chosen)
    value, before = [
        sum(values, Decimal(0)) for values in zip(*((p.value, p.before) for p in rest), strict=True)
    ]
    return [*shown, Part(name, link, value, before, share, len(rest))]


def rows_of(parts: Sequence[Part], currency: str) -> list[dict[str, Any]]:
    """The rows of the table, and the widths of the bar in per cent."""
    whole = sum((part.value for part in parts), Decimal(0))
    return [
        {
            "name": part.name,
            "link": part.link,
            "share": "" if part.share is None else percentage(part.share),
            "value": amount(part.value, currency),
            "change": amount(part.value - part.before, currency, signed=True),
            "width": f"{100 * part.value / whole:.2f}" if whole else "0",
            "colour": OTHER_COLOUR if part.members else colour_of(place),
        }
        for place, part in enumerate(parts)
    ]


def drill_down_link(report: AllocationReport, part: Slice, picker: Picker) -> str:
    """The address that shows what the group is made of; for an asset, its own page."""
    if report.group_by == "asset":
        return reverse("admin:assets_asset_change", args=[part.key])
    drill_down = {name: key_text(key) for name, key in report.drill_down[part.key].items()}
    return picker.address(**picker.drill_down.chosen | drill_down)
