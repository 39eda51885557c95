"""How many values are out of date: the number in the menu and in the summary."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from assets import valuation
from assets.models import Asset
from portfolios.models import Portfolio
from reports.calculations.quality import Code, stale_value_key
from reports.models import DismissedFinding


def stale_values(portfolios: Iterable[Portfolio], on: date) -> int:
    """The current assets with a finding STALE_VALUE on the day that is not dismissed. Two queries.

    Only those that are valued by hand: the others have a value of each day.
    """
    ids = [portfolio.pk for portfolio in portfolios]
    current = Asset.objects.filter(
        valuation.valued_by_hand(), Q(disposed_on=None) | Q(disposed_on__gt=on), portfolio__in=ids
    ).order_by()
    valued: QuerySet[Any] = valuation.with_current_value(current, on)
    rows = valued.values_list("pk", "portfolio_id", "current_value_on", "asset_type__stale_after_days")
    dismissed = dismissed_keys(ids)
    return sum(
        value_on is not None
        and value_on < on - timedelta(days=stale_after)
        and not (dismissed and (portfolio_id, stale_value_key(pk, value_on)) in dismissed)
        for pk, portfolio_id, value_on, stale_after in rows
    )


def dismissed_keys(portfolio_ids: Iterable[UUID]) -> set[tuple[UUID, str]]:
    rows = DismissedFinding.objects.filter(
        portfolio__in=portfolio_ids, key__startswith=f"{Code.STALE_VALUE}-"
    )
    return set(rows.order_by().values_list("portfolio_id", "key"))
