"""What the controls "Export" of the dashboard lead to: the API's tables, with what is chosen on the page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.api.tables import (
    AFTER_GROUPS,
    ALLOCATION_COLUMNS,
    BEFORE_GROUPS,
    CHANGE_COLUMNS,
    REAL_COLUMNS,
    group_columns,
)
from reports.dashboard.picker import Picker
from reports.queries import NetWorthSeries
from strata.admin.export import Export, export_of_report
from strata.api.http.xlsx_renderer import text_of

MOST_GROUPS = 50  # that can be chosen; a file of all columns has the others too


def exports(picker: Picker, series: NetWorthSeries) -> dict[str, Export]:
    period, portfolio = picker.period, picker.portfolio_shown
    return {
        "net_worth": export_of_report(
            "net-worth",
            net_worth_columns(series),
            portfolio=portfolio,
            start=period.first,
            end=period.end,
            interval=series.interval,
            group_by=series.group_by,
            real=picker.index.pk if picker.index and series.real else None,
        ),
        "change": export_of_report(
            "change", CHANGE_COLUMNS, portfolio=portfolio, start=period.first, end=period.end
        ),
        "allocation": export_of_report(
            "allocation",
            ALLOCATION_COLUMNS,
            portfolio=portfolio,
            on=period.end,
            group_by=picker.group_by_shown,
            **drill_down(picker),
        ),
    }


def net_worth_columns(series: NetWorthSeries) -> Iterable[str]:
    groups = [text_of(name) for name in group_columns(series)[:MOST_GROUPS]]
    return *BEFORE_GROUPS, *groups, *AFTER_GROUPS, *(REAL_COLUMNS if series.real else ())


def drill_down(picker: Picker) -> dict[str, Any]:
    """The page and the API have the same names for these filters."""
    return dict(picker.drill_down.chosen)
