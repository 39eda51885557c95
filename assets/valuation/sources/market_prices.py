"""What follows a write of prices: the values of all who hold the instruments, and the revisions of their portfolios."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

from assets import prices
from assets.holdings.upkeep import raise_revisions
from assets.models import Asset
from assets.prices.hooks import ChangedDays, PriceHook
from assets.valuation.sources.market_change import apply_change, stored_before, valued
from assets.valuation.sources.market_inputs import MARKET
from assets.valuation.sources.market_months import NearPrices
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
    """Around a write of prices of these days.

    Of most assets only the months are compared in which the prices count, as what is held does not follow from them.
    """
    holders = Asset.objects.filter(instrument__pk__among=list(days)).order_by()
    portfolio_ids = set(holders.values_list("portfolio_id", flat=True))
    if not portfolio_ids:
        yield
        return
    raise_revisions(portfolio_ids)
    linked = holding_from_the_first(days)
    at_market = dict(holders.filter(valuation=MARKET).values_list("pk", "instrument_id"))
    near = NearPrices.of({pk: held for pk, held in at_market.items() if pk not in linked and held}, days)
    whole = stored_before(linked | {pk for pk in at_market if pk not in near.asset_ids})
    yield
    if whole:
        raise_revisions(apply_change(whole, valued(whole)) - portfolio_ids)
    near.update()


def holding_from_the_first(days: ChangedDays) -> set[UUID]:
    """The assets of which the quantity may count from one of the prices on, because it is the first, or no longer from
    it, because it was; and those that are linked to them.
    """
    holders = Asset.objects.filter(quantity__isnull=False, acquired_on=None).order_by()
    undated = set(holders.filter(instrument__pk__among=list(days)).values_list("instrument_id", flat=True))
    first_days = prices.first_days({pk for pk in undated if pk is not None})
    first = {pk for pk in undated if pk and (pk not in first_days or min(days[pk]) <= first_days[pk])}
    return linked_to(Asset.objects.filter(instrument__in=first)) if first else set()


HOOK = PriceHook(portfolios_of, writing_prices)
