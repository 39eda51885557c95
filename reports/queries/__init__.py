"""Reports: each function loads data, calculates, and returns plain values.

The caller checks permissions: the portfolios must have come through `for_user`.
"""

from reports.queries.allocation import AllocationReport, allocation_on, allocations_on
from reports.queries.change import ChangeReport, change_report
from reports.queries.defaults import (
    common_currency,
    latest_today,
    today_of,
    with_demo_mark,
    without_demo,
)
from reports.queries.groups import GROUP_BY
from reports.queries.net_worth import (
    NetWorthSeries,
    ReportTooLarge,
    index_for_user,
    indices_of,
    net_worth_history,
    state_of_index,
    with_index_mark,
)
from reports.queries.quality import (
    LOOKED_BACK,
    QualityIssue,
    current_asset_count,
    quality_issues,
    quality_report,
)
from reports.queries.totals import PortfolioTotal, portfolio_total, portfolio_totals

__all__ = [
    "GROUP_BY",
    "LOOKED_BACK",
    "AllocationReport",
    "ChangeReport",
    "NetWorthSeries",
    "PortfolioTotal",
    "QualityIssue",
    "ReportTooLarge",
    "allocation_on",
    "allocations_on",
    "change_report",
    "common_currency",
    "current_asset_count",
    "index_for_user",
    "indices_of",
    "latest_today",
    "net_worth_history",
    "portfolio_total",
    "portfolio_totals",
    "quality_issues",
    "quality_report",
    "state_of_index",
    "today_of",
    "with_demo_mark",
    "with_index_mark",
    "without_demo",
]
