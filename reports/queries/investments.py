"""Reports of lots, gains, income and returns of the assets that a filter lets through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from assets.models import Instrument
from investments.queries.holdings import LotsOfAsset, RealisedGains, lots_of_assets, realised_gains_of
from investments.queries.income import MONTH, Income, income_of
from investments.queries.performance import Performance, performance
from portfolios.lot_method import LotMethod
from portfolios.models import Portfolio
from reports.queries.defaults import common_currency, latest_today
from reports.queries.etag import COUNTS, report_etag
from reports.queries.groups import AssetFilter, grouping


class Scope(NamedTuple):
    """Which assets a report is about: those of the filter, or the one with this id."""

    only_assets: set[UUID] | None
    include_all: bool


def scope_of(
    portfolios: Sequence[Portfolio],
    *,
    asset: UUID | None = None,
    category: UUID | None = None,
    asset_filter: AssetFilter | None = None,
    include_all: bool = False,
) -> Scope:
    ids = [portfolio.pk for portfolio in portfolios]
    groups = grouping(portfolios, None, category=category, asset_filter=asset_filter, include_all=include_all)
    matching = groups.matching_assets(ids)
    if asset is not None:
        return Scope({asset} if matching is None else {asset} & matching, include_all=True)
    return Scope(matching, include_all)


def state_of(portfolios: Sequence[Portfolio]) -> str | None:
    """What a report about them depends on; None for portfolios without the counts of an ETag."""
    has_counts = all(hasattr(portfolio, name) for portfolio in portfolios for name in COUNTS)
    return report_etag(portfolios) if has_counts else None


def performance_report(
    portfolios: Sequence[Portfolio],
    *,
    start: date | None = None,
    end: date | None = None,
    currency: str | None = None,
    method: LotMethod | None = None,
    compared_with: Instrument | None = None,
    **filters: Any,
) -> Performance:
    return performance(
        portfolios,
        state=state_of(portfolios),
        start=start,
        end=end or latest_today(portfolios),
        currency=currency or common_currency(portfolios),
        method=method,
        compared_with=compared_with,
        **scope_of(portfolios, **filters)._asdict(),
    )


def lots_report(
    portfolios: Sequence[Portfolio],
    *,
    on: date | None = None,
    currency: str | None = None,
    method: LotMethod | None = None,
    detail: bool = True,
    **filters: Any,
) -> list[LotsOfAsset]:
    """The lots of the assets that have any; each in its own currency, or all in `currency`."""
    reports = lots_of_assets(
        portfolios,
        state=state_of(portfolios),
        on=on or latest_today(portfolios),
        currency=currency,
        method=method,
        detail=detail,
        **scope_of(portfolios, **filters)._asdict(),
    )
    return [each for each in reports if each.lots.open or each.lots.closings or each.lots.missing]


def realised_gains_report(
    portfolios: Sequence[Portfolio],
    *,
    start: date | None = None,
    end: date | None = None,
    currency: str | None = None,
    method: LotMethod | None = None,
    **filters: Any,
) -> RealisedGains:
    return realised_gains_of(
        portfolios,
        state=state_of(portfolios),
        start=start,
        end=end or latest_today(portfolios),
        currency=currency or common_currency(portfolios),
        method=method,
        **scope_of(portfolios, **filters)._asdict(),
    )


def income_report(
    portfolios: Sequence[Portfolio],
    *,
    start: date | None = None,
    end: date | None = None,
    currency: str | None = None,
    group_by: str = MONTH,
    **filters: Any,
) -> Income:
    return income_of(
        portfolios,
        start=start,
        end=end or latest_today(portfolios),
        currency=currency or common_currency(portfolios),
        group_by=group_by,
        **scope_of(portfolios, **filters)._asdict(),
    )
