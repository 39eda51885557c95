"""The returns of each of several assets in a period, from figures that are read once for all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from assets import valuation
from assets.valuation.series import Totals
from investments.calculations.flows import Window, gross
from investments.calculations.lots import lots
from investments.calculations.performance import Measures, add_money_weighted, chain_days
from investments.calculations.reported import Rates
from investments.calculations.returns import ChainDay, factors, twr
from investments.queries.ledgers import invested_assets, ledger_of, with_known_flows
from investments.queries.performance import flows_of, rates_of_assets, values_of_days
from portfolios.models import Portfolio


def returns_of_assets(
    portfolios: Sequence[Portfolio],
    asset_ids: Collection[UUID],
    *,
    start: date,
    end: date,
    currency: str,
) -> Mapping[UUID, Measures]:
    """The returns of each asset after `start` up to the end of `end`, as assets/{id}/performance has them.

    An asset that lacks a rate or a price on a day is left out. A fixed number of queries.
    """
    ids = [portfolio.pk for portfolio in portfolios]
    assets = invested_assets(ids, set(asset_ids), include_all=True)
    if not assets:
        return {}
    ledger = with_known_flows(ledger_of(assets.values()), assets, start, end)
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    totals = valuation.totals_on(ids, days, group_by="asset", only_assets=set(assets), include_all=True)
    book = rates_of_assets(assets, ledger, totals, [currency], start, end, portfolios)
    rates = Rates(currency, book)
    lots_by_asset = lots(ledger, on=end, method=None, currency=currency, rate_on=book.rate_or_none)
    flows = dict(
        zip(
            assets,
            flows_of(assets, ledger, lots_by_asset, Window(start, end, rates, with_taxes=False)),
            strict=True,
        )
    )
    returns = {}
    for pk in assets.keys() - {gap.asset_id for gap in totals.gaps}:
        values = values_of_days(only(totals, pk), rates)
        if values is None or not flows[pk].complete:
            continue
        chain = chain_days(days, values, gross(flows[pk]))
        returns[pk] = both_returns(chain, start, values[0])
    return returns


def both_returns(chain: Sequence[ChainDay], start: date, start_value: int) -> Measures:
    """The time- and the money-weighted return alone, without the spread of the days."""
    end_value = chain[-1].end if chain else start_value
    result = Measures(start_value, end_value, sum(day.inflow - day.outflow for day in chain))
    result.twr = twr(factors(chain))
    add_money_weighted(result, chain, start, start_value)
    return result


def only(totals: Totals, asset_id: UUID) -> Totals:
    columns = {key: column for key, column in totals.columns.items() if asset_id in key[0]}
    return Totals(totals.days, columns)
