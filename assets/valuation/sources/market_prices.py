"""What follows a write of prices: the values of all who hold the instruments, and the revisions of their portfolios."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from assets.holdings.upkeep import raise_revisions
from assets.models import Asset
from assets.models.querysets import AssetQuerySet
from assets.prices.hooks import ChangedDays
from assets.valuation.sources.market_change import (
    apply_change,
    stored_before,
    valued,
)
from assets.valuation.sources.market_upkeep import linked_to
from portfolios.models import Portfolio
from strata.db.locks import lock_rows


@contextmanager
def writing_prices(days: ChangedDays) -> Iterator[None]:
    """Around a write of prices of these days."""
    holders = Asset.objects.filter(instrument__pk__among=list(days)).order_by()
    portfolio_ids = locked_portfolios(holders)
    if not portfolio_ids:
        yield
        return
    raise_revisions(portfolio_ids)
    before = stored_before(linked_to(holders))
    yield
    if before:
        raise_revisions(apply_change(before, valued(before)) - portfolio_ids)


def locked_portfolios(holders: AssetQuerySet[Asset]) -> set[UUID]:
    """The portfolios of the assets, locked before anything is read. An asset may move while this waits."""
    locked: set[UUID] = set()
    while (found := set(holders.values_list("portfolio_id", flat=True))) - locked:
        lock_rows(Portfolio.objects.filter(pk__among=list(found)))
        locked |= found
    return found
