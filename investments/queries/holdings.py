"""What assets hold on a day, the lots of it, and what was gained by selling."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial
from uuid import UUID

from assets import valuation
from assets.holdings.events import Ledger
from assets.holdings.quantities import Units, quantities
from assets.rates.book import RateBook
from assets.rates.store import rate_book
from assets.valuation.series import ten_thousandths
from investments.calculations.gains import (
    Gain,
    GainTotals,
    cost_basis,
    missing_proceeds,
    open_cost,
    realised_gains,
    total,
    total_in_own_currency,
)
from investments.calculations.lot_results import AssetLots, OpenLot
from investments.calculations.lots import lots
from investments.calculations.reported import Rates
from investments.queries.kept_ledgers import invested_ledger, kept_lots
from investments.queries.ledgers import InvestedAsset, first_trades, invested_assets, ledger_of
from portfolios.lot_method import LotMethod
from portfolios.models import Portfolio


@dataclass(frozen=True, slots=True)
class OpenLotValue:
    """An open lot with its cost and its part of the asset's value, in fine units of the reporting currency."""

    lot: OpenLot
    cost: int | None
    value: int | None


@dataclass(frozen=True, slots=True)
class LotsOfAsset:
    """The lots of an asset at the end of a day. Money is in fine units of `currency`, None where it is unknown.

    `open` and `closed` are single lots, where they were asked for.
    """

    asset: InvestedAsset
    on: date
    currency: str
    lots: AssetLots
    cost: int | None
    value: int | None
    realised: GainTotals
    missing_quantity: Units
    missing_proceeds: int | None
    open: Sequence[OpenLotValue]
    closed: Sequence[Gain]


@dataclass(frozen=True, slots=True)
class Holding:
    """What an asset holds at the end of a day; money is in ten-thousandths of its own currency.

    `price` is that of the security, in whole units of the currency; None where the value is none of quantity and price.
    """

    asset: InvestedAsset
    on: date
    quantity: Units | None
    value: int | None
    cost_basis: int | None
    missing_quantity: Units
    price: Fraction | None = None


@dataclass(frozen=True, slots=True)
class RealisedGains:
    currency: str
    method: LotMethod | None
    names: Mapping[UUID, str]
    gains: Sequence[Gain]
    totals: GainTotals
    missing_rates: Sequence[tuple[str, date]]


def lots_of_assets(
    portfolios: Sequence[Portfolio],
    *,
    on: date,
    method: LotMethod | None = None,
    currency: str | None = None,
    only_assets: Collection[UUID] | None = None,
    include_all: bool = False,
    detail: bool = True,
    state: Hashable | None = None,
) -> list[LotsOfAsset]:
    """The lots of each asset, by name; each in its own currency, or all in `currency`.

    Single lots are there only with `detail`. `state` is that of the portfolios: with it the ledger is kept.
    """
    ids = [portfolio.pk for portfolio in portfolios]
    assets, ledger = invested_ledger(ids, only_assets, include_all=include_all, state=state)
    values = _values_on(assets.values(), on)
    book = book_of(assets.values(), ledger, portfolios, currency, on)
    rates_into = {
        code: Rates(code, book) for code in {currency or asset.currency for asset in assets.values()}
    }
    lots_by_asset = kept_lots(
        state,
        (frozenset(assets), frozenset(ledger), on, method, currency),
        partial(lots, ledger, on=on, method=method, currency=currency, rate_on=book.rate_or_none),
    )
    return [
        _lots_of(
            asset,
            _shown(asset, lots_by_asset[pk]),
            values.get(pk),
            on,
            rates_into[currency or asset.currency],
            detail=detail,
        )
        for pk, asset in assets.items()
    ]


def _values_on(assets: Iterable[InvestedAsset], on: date) -> dict[UUID, int]:
    """The values of the assets that have one on the day, in ten-thousandths of their own currency."""
    series = valuation.value_series([asset.ref for asset in assets], start=on, end=on)
    values = ((ref.id, of_asset.value_on(on)) for ref, of_asset in series)
    return {pk: ten_thousandths(value) for pk, value in values if value is not None}


def book_of(
    assets: Iterable[InvestedAsset],
    ledger: Ledger,
    portfolios: Sequence[Portfolio],
    currency: str | None,
    end: date,
) -> RateBook:
    """The rates from the oldest trade on: costs are converted at the rate of their day."""
    start, currencies = first_trades(ledger)
    start = end if start is None else start
    currencies |= {asset.currency for asset in assets}
    return rate_book(
        currencies | ({currency} if currency else set()),
        start=min(start, end),
        end=end,
        portfolios=portfolios,
    )


def _shown(asset: InvestedAsset, of_asset: AssetLots) -> AssetLots:
    """An account has no lots: what is paid in and out is its balance, and nothing that was bought or sold for it."""
    if not asset.is_balance:
        return of_asset
    parts = (of_asset.open, of_asset.closed, of_asset.missing)
    if any(lot.quantity for lots in parts for lot in lots):
        return of_asset
    return AssetLots(of_asset.asset_id, of_asset.currency, of_asset.method)


def _lots_of(
    asset: InvestedAsset,
    of_asset: AssetLots,
    value: int | None,
    on: date,
    rates: Rates,
    *,
    detail: bool = True,
) -> LotsOfAsset:
    fine_value = None if value is None else rates.fine(value, asset.currency, on)
    in_own_currency = not detail and of_asset.currency == rates.target
    gains = [] if in_own_currency else realised_gains(of_asset, rates, end=on)
    return LotsOfAsset(
        asset,
        on,
        rates.target,
        of_asset,
        cost_basis(of_asset, rates) if of_asset.open or of_asset.closings else None,
        fine_value,
        total_in_own_currency(of_asset) if in_own_currency else total(gains),
        sum((gap.quantity for gap in of_asset.missing), start=0),
        missing_proceeds(of_asset.missing, of_asset, rates),
        _open_lots(of_asset, fine_value, rates) if detail else (),
        gains if detail else (),
    )


def _open_lots(of_asset: AssetLots, value: int | None, rates: Rates) -> list[OpenLotValue]:
    """Each open lot with its part of the value: by quantity, or by cost where nothing is counted."""
    weights: list[Units] = [lot.quantity for lot in of_asset.open]
    if not any(weights):
        weights = [lot.cost for lot in of_asset.open]
    whole = sum(weights, start=0)
    return [
        OpenLotValue(
            lot,
            open_cost(lot, of_asset, rates),
            None if value is None or not whole else round(Fraction(value) * weight / whole),
        )
        for lot, weight in zip(of_asset.open, weights, strict=True)
    ]


def holding_of(portfolio: Portfolio, asset_id: UUID, on: date) -> Holding:
    """The quantity, the value and the cost of an asset at the end of a day, in its own currency."""
    assets = invested_assets([portfolio.pk], {asset_id}, include_all=True)
    asset = assets[asset_id]
    ledger = ledger_of(assets.values())
    steps = quantities(ledger)[asset_id]
    book = book_of([asset], ledger, [portfolio], None, on)
    rates = Rates(asset.currency, book)
    of_asset = _shown(asset, lots(ledger, on=on, rate_on=book.rate_or_none)[asset_id])
    report = _lots_of(asset, of_asset, None, on, rates)
    counts = ledger[asset_id].counts_units or ledger[asset_id].opening_quantity or steps.days
    return Holding(
        asset,
        on,
        steps.on(on) if counts else None,
        _values_on([asset], on).get(asset_id),
        None if report.cost is None else of_asset.cost,
        steps.missing_on(on),
        price_on(asset, on),
    )


def price_on(asset: InvestedAsset, on: date) -> Fraction | None:
    """None where the value is that of the whole: the level of an index is no price of a unit."""
    if not valuation.has_market_price(asset.valuation):
        return None
    origin = valuation.origins({asset.id: asset.valuation}, [on]).get((asset.id, on))
    return None if origin is None else origin.price


def realised_gains_of(
    portfolios: Sequence[Portfolio],
    *,
    start: date | None,
    end: date,
    currency: str,
    method: LotMethod | None = None,
    only_assets: Collection[UUID] | None = None,
    include_all: bool = False,
    state: Hashable | None = None,
) -> RealisedGains:
    """Every lot that was closed after `start` up to the end of `end`, by the day of the sale; `state` as above."""
    ids = [portfolio.pk for portfolio in portfolios]
    assets, ledger = invested_ledger(ids, only_assets, include_all=include_all, state=state)
    rates = Rates(currency, book_of(assets.values(), ledger, portfolios, currency, end))
    lots_by_asset = lots(ledger, on=end, method=method, currency=currency, rate_on=rates.book.rate_or_none)
    gains = [
        gain
        for pk, asset in assets.items()
        if not asset.is_balance
        for gain in realised_gains(lots_by_asset[pk], rates, start=start, end=end)
    ]
    gains.sort(key=lambda gain: gain.lot.disposed_on)
    names = {pk: asset.name for pk, asset in assets.items()}
    return RealisedGains(currency, method, names, gains, total(gains), sorted(rates.missing))
