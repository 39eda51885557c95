"""The returns and gains of portfolios, or of one asset, in a period."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from assets import valuation
from assets.holdings.events import Action, Ledger, TradeType
from assets.holdings.quantities import quantities
from assets.models import Instrument
from assets.rates.book import RateBook
from assets.rates.store import rate_book
from assets.valuation import AssetRef, Gap, PriceGap
from assets.valuation.series import Totals, ValueSeries, ten_thousandths
from investments.calculations.benchmark import Benchmark
from investments.calculations.flows import (
    Flows,
    Window,
    balance_asset_flows,
    gross,
    moved_amounts,
    net_of_all,
    value_asset_flows,
)
from investments.calculations.gains import added_up, cost_basis, realised_totals
from investments.calculations.lot_results import AssetLots
from investments.calculations.lots import lots
from investments.calculations.performance import (
    MISSING_PRICES,
    MISSING_RATES,
    Measures,
    chain_days,
    measures,
    without_prices,
)
from investments.calculations.reported import Rates, half_even
from investments.calculations.returns import ChainDay
from investments.calculations.xirr import Flow
from investments.queries.benchmarks import BenchmarkPrices
from investments.queries.kept_ledgers import (
    MOST_DAYS,
    KeptByState,
    invested_ledger,
    kept_lots,
    may_keep,
)
from investments.queries.ledgers import InvestedAsset, first_trades, refs_of, with_known_flows
from investments.queries.transfers import Worth
from portfolios.lot_method import LotMethod
from portfolios.models import Portfolio
from strata.fields.names import alphabetical

OF_VALUES = (
    *("start_value", "end_value", "net_flows", "twr", "twr_annualised", "xirr"),
    *("max_drawdown", "volatility", "semi_volatility"),
)
OF_ALL_DAYS = ("twr", "twr_annualised", "max_drawdown", "volatility", "semi_volatility")
A_DAY = timedelta(days=1)
INCOME, EXPENSE = TradeType.INCOME, TradeType.EXPENSE  # to look them up each time takes a tenth of the time


@dataclass(slots=True)
class Performance:
    """What is None has a code in `reasons`. Money is in fine units (investments.calculations.reported)."""

    start: date
    end: date
    currency: str
    method: LotMethod | None
    measures: Measures | None
    chain: Sequence[ChainDay] = ()
    realised_gain: int | None = 0
    unrealised_gain: int | None = 0
    fx_gain: int | None = 0
    income: int | None = 0
    fees: int | None = 0
    taxes: int | None = 0
    reasons: dict[str, str] = field(default_factory=dict)
    missing_rates: Sequence[tuple[str, date]] = ()
    missing_prices: Sequence[PriceGap] = ()
    gaps: Sequence[Gap] = ()
    compared_with: Instrument | None = None
    benchmark: Benchmark | None = None
    prices: BenchmarkPrices | None = None

    def benchmark_returns(self) -> list[tuple[date, Decimal]]:
        """What the benchmark returned since `start`, day by day."""
        return [] if self.prices is None else self.prices.running(self.chain, start=self.start)

    def flows(self) -> list[Flow]:
        """The money that came in on each day; negative for what went out."""
        return [Flow(day.on, day.inflow - day.outflow) for day in self.chain if day.inflow != day.outflow]

    def known_days(self) -> list[ChainDay]:
        """The days of the chain at whose beginning and end every asset has a price."""
        return [day for day in self.chain if not (self.has_gap(day.on) or self.has_gap(day.on - A_DAY))]

    def chain_of_returns(self) -> Sequence[ChainDay]:
        """The days of which the time-weighted return is made; none where one of them lacks a price."""
        return () if self.gaps else self.chain

    def has_gap(self, on: date) -> bool:
        return any(gap.has(on) for gap in self.gaps)

    @property
    def size(self) -> int:
        return len(self.chain) + 1


KEPT_PERFORMANCES = KeptByState[Performance](MOST_DAYS)


def performance(
    portfolios: Sequence[Portfolio],
    *,
    start: date | None,
    end: date,
    currency: str,
    method: LotMethod | None = None,
    only_assets: Collection[UUID] | None = None,
    include_all: bool = False,
    asset_id: UUID | None = None,
    compared_with: Instrument | None = None,
    state: Hashable | None = None,
) -> Performance:
    """The measures after `start` up to the end of `end`, of the assets that count in net worth, or of all.

    `start` is by default the day before the first value or transaction. With `asset_id` they are those of that asset,
    whether or not it counts: its flows are gross and without taxes. `state` is that of the portfolios: with it the
    ledger is kept, and the answer, which is not changed.
    """
    if asset_id is not None:
        only_assets, include_all = {asset_id}, True
    read = partial(
        read_performance,
        portfolios,
        start=start,
        end=end,
        currency=currency,
        method=method,
        only_assets=only_assets,
        include_all=include_all,
        is_one_asset=asset_id is not None,
        compared_with=compared_with,
        state=state,
    )
    if compared_with is not None or not may_keep(state):
        return read()
    only = None if only_assets is None else frozenset(only_assets)
    key = state, start, end, currency, method, only, include_all, asset_id is not None
    return KEPT_PERFORMANCES.get_or_read(key, read)


def read_performance(
    portfolios: Sequence[Portfolio],
    *,
    start: date | None,
    end: date,
    currency: str,
    method: LotMethod | None,
    only_assets: Collection[UUID] | None,
    include_all: bool,
    is_one_asset: bool,
    compared_with: Instrument | None,
    state: Hashable | None,
) -> Performance:
    """The same, calculated. `is_one_asset`: of an asset alone."""
    ids = [portfolio.pk for portfolio in portfolios]
    assets, kept = invested_ledger(ids, only_assets, include_all=include_all, state=state)
    start = start or day_before_all(assets, kept, end)
    ledger = with_known_flows(kept, assets, start, end)
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    totals = valuation.totals_on(ids, days, only_assets=only_assets, include_all=include_all)
    others = [] if compared_with is None else [compared_with.currency]
    rates = Rates(
        currency, rates_of_assets(assets, ledger, totals, [currency, *others], start, end, portfolios)
    )
    result = Performance(start, end, currency, method, None, compared_with=compared_with)
    lots_by_asset = kept_lots(
        state if ledger is kept else None,
        (frozenset(assets), frozenset(ledger), end, method, currency),
        partial(lots, ledger, on=end, method=method, currency=currency, rate_on=rates.book.rate_or_none),
    )
    flows = flows_of(assets, ledger, lots_by_asset, Window(start, end, rates, with_taxes=not is_one_asset))
    values = values_of_days(totals, rates)
    if values is None or not all(of_asset.complete for of_asset in flows):
        result.reasons |= dict.fromkeys(OF_VALUES, MISSING_RATES)
    else:
        by_day = gross(flows[0]) if is_one_asset and flows else net_of_all(flows)
        result.chain = chain_days(days, values, by_day)
        busy = {day.on for day in result.chain if day.start != day.end or day.inflow or day.outflow}
        result.measures = measures(result.chain, start=start, start_value=values[0], busy_days=busy)
        result.reasons |= result.measures.reasons
        if compared_with is not None:
            result.prices = BenchmarkPrices(compared_with, start, end, rates)
            result.benchmark = result.prices.compared(result.chain, start=start, start_value=values[0])
    result.gaps, result.missing_prices = totals.gaps, _last_missing_prices(totals.gaps, end)
    if totals.gaps:
        _leave_out_unknown(result, assets)
    _add_gains(result, assets, lots_by_asset, rates)
    _add_income(result, assets, ledger, rates)
    result.missing_rates = sorted(rates.missing)
    return result


def _last_missing_prices(gaps: Sequence[Gap], end: date) -> list[PriceGap]:
    """One for each asset that has a gap, of the last of its days without a price, by name."""
    last_gaps = {gap.asset_id: gap for gap in gaps}
    last_days = {pk: end if gap.end is None else gap.end - A_DAY for pk, gap in last_gaps.items()}
    missing = valuation.price_gaps([*last_gaps.values()], sorted({*last_days.values()}))
    unpriced = [each for of_day in missing.values() for each in of_day if last_days[each.asset_id] == each.on]
    return sorted(unpriced, key=lambda each: alphabetical(each.asset_name, each.asset_id))


def _leave_out_unknown(result: Performance, assets: Mapping[UUID, InvestedAsset]) -> None:
    """Remove the figures that need a day on which one of the assets has no price."""
    unknown = [*OF_ALL_DAYS]
    lacks_start, lacks_end = result.has_gap(result.start), result.has_gap(result.end)
    unknown += ["start_value"] * lacks_start + ["end_value"] * lacks_end
    unknown += ["xirr"] * (lacks_start or lacks_end)
    if any(gap.end is not None and gap.end == assets[gap.asset_id].ref.disposed_on for gap in result.gaps):
        unknown += ["net_flows", "xirr"]  # what was removed had no value
    if result.measures is not None:
        without_prices(result.measures, unknown)
    result.reasons |= dict.fromkeys(unknown, MISSING_PRICES)
    if result.benchmark is not None and lacks_start:
        reasons = result.benchmark.reasons | {"xirr_of_same_flows": MISSING_PRICES}
        result.benchmark = result.benchmark._replace(xirr_of_same_flows=None, reasons=reasons)


def day_before_all(assets: Mapping[UUID, InvestedAsset], ledger: Ledger, end: date) -> date:
    days = [asset.first_value_on for asset in assets.values() if asset.first_value_on is not None]
    days += [ledger[pk].events[0].on for pk in assets if ledger[pk].events]
    first = min(days, default=end)
    return min(first, end) - timedelta(days=1)


def rates_of_assets(
    assets: Mapping[UUID, InvestedAsset],
    ledger: Ledger,
    totals: Totals,
    others: Sequence[str],
    start: date,
    end: date,
    portfolios: Sequence[Portfolio],
) -> RateBook:
    """Rates from the oldest purchase on: costs are converted at the rate of their day."""
    oldest, currencies = first_trades(ledger)
    oldest = start if oldest is None else oldest
    currencies |= {*others, *(code for _, code in totals.columns)}
    currencies |= {asset.currency for asset in assets.values()}
    return rate_book(currencies, start=min(oldest, start), end=end, portfolios=portfolios)


def values_of_days(totals: Totals, rates: Rates) -> list[int] | None:
    """The value at the end of each day in ten-thousandths of the reporting currency; None if a rate is missing."""
    columns: dict[str, list[int]] = {}
    for (_, code), column in totals.columns.items():
        amounts = [owned + owed for owned, owed in zip(column.owned, column.owed, strict=True)]
        known = columns.get(code)
        columns[code] = amounts if known is None else [a + b for a, b in zip(known, amounts, strict=True)]
    if not set(columns) - {rates.target}:
        return columns.get(rates.target, [0] * len(totals.days))
    values, complete = [], True
    for number, day in enumerate(rates.book.grid(rates.target, columns, totals.days)):
        exact = 0
        for code, amounts in columns.items():
            if not amounts[number]:
                continue
            if code in day.lacking or (code != rates.target and rates.target in day.lacking):
                rates.missing.update((lacking, day.on) for lacking in day.lacking & {code, rates.target})
                complete = False
            else:
                exact += amounts[number] * day.numerators[code]
        values.append(half_even(exact, day.denominator))
    return values if complete else None


def flows_of(
    assets: Mapping[UUID, InvestedAsset],
    ledger: Ledger,
    lots_by_asset: Mapping[UUID, AssetLots],
    window: Window,
) -> list[Flows]:
    """The flows of each asset. Only the values that they need are read: all of accounts, the ends of the others."""
    held = quantities(ledger) if _quantities_matter(ledger, lots_by_asset) else {}
    arrived_at = {pk for pk, of_asset in lots_by_asset.items() if of_asset.arrivals}
    refs = [assets[pk].ref for pk in arrived_at if pk in assets] + refs_of(arrived_at - assets.keys())
    moved = moved_amounts(lots_by_asset, Worth(refs, held, start=window.start, end=window.end))
    everything = [asset.ref for asset in assets.values()]
    shares = valuation.share_changes(everything, start=window.start, end=window.end)
    series = _series_for_flows(assets, window)
    flows = []
    for pk, asset in assets.items():
        values = series.get(pk) or _first_value_alone(asset)
        if asset.is_balance:
            flows.append(balance_asset_flows(ledger[pk], values, window, shares.get(pk, ())))
        else:
            came = moved.get(pk, ())
            of_shares = shares.get(pk, ())
            is_at_market = valuation.has_market_price(asset.ref.source)
            flows.append(
                value_asset_flows(
                    ledger[pk], values, window, held.get(pk), came, of_shares, is_at_market=is_at_market
                )
            )
    return flows


def _quantities_matter(ledger: Ledger, lots_by_asset: Mapping[UUID, AssetLots]) -> bool:
    """For what moved between assets, and for what actions paid for a share."""
    if any(of_asset.arrivals for of_asset in lots_by_asset.values()):
        return True
    return any(isinstance(event, Action) for asset in ledger.values() for event in asset.events)


def _series_for_flows(assets: Mapping[UUID, InvestedAsset], window: Window) -> dict[UUID, ValueSeries]:
    """All values of accounts and of what is disposed of; of the others that begin in the window the first ones."""
    whole: list[AssetRef] = []
    beginning: list[AssetRef] = []
    for asset in assets.values():
        if asset.is_balance or (asset.disposed_on is not None and window.has(asset.disposed_on)):
            whole.append(asset.ref)
        elif asset.first_value_on is not None and window.has(asset.first_value_on):
            beginning.append(asset.ref)
    series: dict[UUID, ValueSeries] = {}
    ends = valuation.value_series(beginning, start=window.start, end=window.end, only_ends=True)
    for ref, values in ends:
        if values.values and values.values[0] is None:  # its first value may be in a month that is not read
            whole.append(ref)
        else:
            series[ref.id] = values
    read = valuation.value_series(whole, start=window.start, end=window.end)
    return series | {ref.id: values for ref, values in read}


def _first_value_alone(asset: InvestedAsset) -> ValueSeries:
    """A series that says from which day the asset has values; the amounts are not needed."""
    days = () if asset.first_value_on is None else (asset.first_value_on,)
    return ValueSeries(asset.currency, days, [0] * len(days), asset.disposed_on)


def _add_gains(
    result: Performance,
    assets: Mapping[UUID, InvestedAsset],
    lots_by_asset: Mapping[UUID, AssetLots],
    rates: Rates,
) -> None:
    mine = [lots_by_asset[pk] for pk, asset in assets.items() if not asset.is_balance]
    gains = added_up(realised_totals(each, rates, start=result.start, end=result.end) for each in mine)
    result.realised_gain, result.fx_gain = gains.realised_gain, gains.fx_gain
    if not gains.complete:
        result.realised_gain = result.fx_gain = None
        result.reasons |= dict.fromkeys(("realised_gain", "fx_gain"), MISSING_RATES)
    held = [each for each in mine if each.open]
    if any(gap.has(result.end) and gap.asset_id == each.asset_id for gap in result.gaps for each in held):
        result.unrealised_gain, result.reasons["unrealised_gain"] = None, MISSING_PRICES
        return
    result.unrealised_gain = _unrealised(result, assets, held, rates)
    if result.unrealised_gain is None:
        result.reasons["unrealised_gain"] = MISSING_RATES


def _unrealised(
    result: Performance, assets: Mapping[UUID, InvestedAsset], held: Sequence[AssetLots], rates: Rates
) -> int | None:
    """Value less cost on the last day, of the assets that have a cost and a value."""
    refs = [assets[each.asset_id].ref for each in held]
    values = {
        ref.id: series.value_on(result.end)
        for ref, series in valuation.value_series(refs, start=result.end, end=result.end)
    }
    gain = 0
    for each in held:
        value = values.get(each.asset_id)
        if value is None:
            continue
        fine = rates.fine(ten_thousandths(value), each.currency, result.end)
        cost = cost_basis(each, rates)
        if fine is None or cost is None:
            return None
        gain += fine - cost
    return gain


def _add_income(
    result: Performance, assets: Mapping[UUID, InvestedAsset], ledger: Ledger, rates: Rates
) -> None:
    """Income gross; fees with what EXPENSE paid; taxes. Each at the rate of its day."""
    income = fees = taxes = 0
    complete, start, end = True, result.start, result.end
    for pk in assets:
        for event in ledger[pk].events:
            if isinstance(event, Action):
                continue
            _, kind, on, _, _, currency, _, amount, fee, tax, _, _, _, _ = event
            earned = amount if kind is INCOME else 0
            paid = fee + amount if kind is EXPENSE else fee
            if not (earned or paid or tax) or not start < on <= end:
                continue
            rate = rates.into_target(currency)[on]
            if rate is None:
                complete = False
                continue
            income, fees, taxes = income + earned * rate, fees + paid * rate, taxes + tax * rate
    result.income, result.fees, result.taxes = income, fees, taxes
    if not complete:
        result.income = result.fees = result.taxes = None
        result.reasons |= dict.fromkeys(("income", "fees", "taxes"), MISSING_RATES)
