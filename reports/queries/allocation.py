"""How what is owned is spread on a day, and how far that is from what was aimed at."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from assets.calculations.valuation import Totals
from assets.rates_book import rate_book
from portfolios.models import Portfolio
from reports.calculations.allocation import Allocation, Holding, Slice, allocation
from reports.models import AllocationTarget
from reports.models.allocation_target import GROUPS
from reports.queries.groups import Grouping, Within, grouping
from reports.queries.net_worth import common_currency, latest_today
from strata.money import minor_units


@dataclass(frozen=True, slots=True)
class AllocationReport:
    """The allocation, and of each group its name, its way from the top, and the parameters that lead into it."""

    by: str
    allocation: Allocation
    labels: Mapping[Hashable, str]
    paths: Mapping[Hashable, list[str]] = field(default_factory=dict)
    down: Mapping[Hashable, dict[str, Any]] = field(default_factory=dict)


def allocation_on(
    portfolios: Iterable[Portfolio],
    *,
    on: date | None = None,
    by: str = "type",
    currency: str | None = None,
    level: int = 1,
    under: UUID | None = None,
    within: Within | None = None,
) -> AllocationReport:
    """The portfolios' allocation on a day (today), with the targets that are set for it."""
    portfolios = list(portfolios)
    on = on or latest_today(portfolios)
    currency = currency or common_currency(portfolios)
    groups = grouping(portfolios, by, level=level, under=under, within=within)
    totals = groups.totals([portfolio.pk for portfolio in portfolios], [on])
    found = allocation(
        holdings(totals),
        on=on,
        currency=currency,
        places=minor_units(currency),
        rates=rate_book({currency, *(code for _, code in totals.columns)}, start=on, end=on),
        targets=targets_of(portfolios, groups),
    )
    keys = {slice_.key for slice_ in (*found.slices, *found.liabilities)}
    labels = groups.labels(keys)
    found = replace(
        found, slices=in_order(found.slices, labels), liabilities=in_order(found.liabilities, labels)
    )
    paths = {key: groups.path(key) for key in keys} if by == "category" else {}
    down = {} if by == "asset" else {key: way_down(key, groups, portfolios) for key in keys}
    return AllocationReport(by, found, labels, paths, down)


def in_order(slices: Iterable[Slice], labels: Mapping[Hashable, str]) -> tuple[Slice, ...]:
    """The largest first, owned or owed; what is as large by its name."""
    places = {key: place for place, key in enumerate(labels)}
    return tuple(sorted(slices, key=lambda slice_: (-abs(slice_.value), places[slice_.key])))


def holdings(totals: Totals) -> Iterable[Holding]:
    """The two sides of each column, which stand apart in an allocation."""
    for (keys, currency), column in totals.columns.items():
        for value in (column.owned[0], column.owed[0]):
            if value:
                yield Holding(keys, currency, value)


def way_down(key: Hashable, groups: Grouping, portfolios: Collection[Portfolio]) -> dict[str, Any]:
    """The parameters that show what a group is made of: what stands below it, or else its assets."""
    match groups.by:
        case "group":
            return {"by": "type", "group": key}
        case "portfolio":
            return {"by": "type", "portfolio": key} if len(portfolios) > 1 else {"by": "type"}
        case "category":
            opens = key is not None and key != groups.under and groups.tree.has_children(key)
            return {"by": "category" if opens else "asset", "under": key}
        case "currency":
            return {"by": "asset", "asset_currency": key}
    return {"by": "asset", str(groups.by): key}


def targets_of(portfolios: list[Portfolio], groups: Grouping) -> dict[Hashable, Decimal]:
    """A portfolio's own targets for the groups; where it has none, and for several, their household's.

    A category's is of what stands in the one above it: so there are none on deeper levels, or across households.
    Others are of the whole, and there are none where only a part counts.
    """
    households = {portfolio.household_id for portfolio in portfolios}
    if groups.by not in GROUPS or groups.level > 1 or groups.within or len(households) != 1:
        return {}
    field = GROUPS[groups.by]
    rows = AllocationTarget.objects.filter(household__in=households, **{f"{field}__isnull": False})
    rows = rows.of_their_household() if groups.by == "asset" else rows
    if groups.by == "category":
        rows = rows.filter(category__parent=groups.under)
    elif groups.under is not None:
        return {}
    own = portfolios[0].pk if len(portfolios) == 1 else None
    found: dict[UUID | None, dict[Hashable, Decimal]] = {}
    for row in rows.filter(Q(portfolio=None) | Q(portfolio=own)):
        found.setdefault(row.portfolio_id, {})[row.key] = row.share
    return found.get(own) or found.get(None, {})
