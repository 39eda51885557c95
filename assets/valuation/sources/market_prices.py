"""What follows a write of prices: the values of all who hold the instruments, and the revisions of their portfolios."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

from assets.holdings.upkeep import raise_revisions
from assets.models import Asset
from assets.prices.hooks import ChangedDays, PriceHook
from assets.valuation.sources.market_change import (
    apply_change,
    stored_before,
    valued,
)
from assets.valuation.sources.market_upkeep import linked_to


def portfolios_of(instrument_ids: Collection[UUID]) -> set[UUID]:
    """The portfolios of those who hold the instruments, and of what is linked to them by transfers and actions."""
    holders = Asset.objects.filter(instrument__pk__among=list(instrument_ids)).order_by()
    portfolio_ids = set(holders.values_list("portfolio_id", flat=True))
    if portfolio_ids:
        linked = Asset.objects.filter(pk__among=list(linked_to(holders))).order_by()
        portfolio_ids.update(linked.values_list("portfolio_id", flat=True))
    return portfolio_ids


@contextmanager
def writing_prices(days: ChangedDays) -> Iterator[None]:
    """Around a write of prices of these days."""
    holders = Asset.objects.filter(instrument__pk__among=list(days)).order_by()
    portfolio_ids = set(holders.values_list("portfolio_id", flat=True))
    if not portfolio_ids:
        yield
        return
    raise_revisions(portfolio_ids)
    before = stored_before(linked_to(holders))
    yield
    if before:
        raise_revisions(apply_change(before, valued(before)) - portfolio_ids)


HOOK = PriceHook(portfolios_of, writing_prices)
