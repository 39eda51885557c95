"""The answers of lots, gains, income and returns: plain values. Amounts have two places or more, rates ten."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

from assets.holdings.events import QUANTITY_UNIT
from assets.holdings.quantities import Units
from assets.models import Instrument
from assets.valuation.series import money
from investments.calculations.benchmark import Benchmark
from investments.calculations.gains import Gain, GainTotals
from investments.calculations.reported import FINE_PLACES, RATE_UNIT, half_even
from investments.calculations.returns import RATE_PLACES, ChainDay, Drawdown
from investments.calculations.xirr import Flow
from investments.queries.holdings import Holding, LotsOfAsset, OpenLotValue, RealisedGains
from investments.queries.income import Income, IncomeRow
from investments.queries.performance import Performance
from reports.calculations.rounding import whole_units
from reports.queries.totals import price_gap_answer
from strata.fields.currencies import minor_units
from strata.fields.numbers import money_text, scaled_text

LOT_PLACES = 4
MONEY_TEXT_PLACES = 2  # the least that an amount is written with
QUANTITY_PLACES = 18
_WIDE = Context(prec=10_000, rounding=ROUND_HALF_EVEN)
MESSAGES = {
    "NO_FLOWS": "No money moved, and nothing was owned.",
    "NO_SIGN_CHANGE": "There is no rate at which the flows are worth nothing.",
    "SEVERAL_ROOTS": "Several rates solve it: this is the one nearest to the simple return.",
    "NOTHING_INVESTED": "Nothing was invested on any day.",
    "MISSING_PRICES": "An asset has no price on a day that is needed: see missing_prices.",
    "MISSING_RATES": "An exchange rate is missing: see missing_rates.",
    "TOO_FEW_DAYS": "The period has too few days.",
}


def amount(fine: int | None, places: int = LOT_PLACES) -> str | None:
    """Fine units of money as text."""
    if fine is None:
        return None
    return scaled_text(half_even(fine, 10 ** (FINE_PLACES - places)), places, least=MONEY_TEXT_PLACES)


def quantity_text(units: Units) -> str:
    """A quantity, rounded to 18 places where a ratio did not divide."""
    return scaled_text(round(units), QUANTITY_PLACES)


def number_text(number: Fraction, places: int) -> str:
    return scaled_text(whole_units(number, places), places)


def rate_text(rate: Decimal | None) -> str | None:
    """A rate with ten places."""
    if rate is None:
        return None
    return f"{rate.quantize(Decimal(1).scaleb(-RATE_PLACES), context=_WIDE):f}"


def missing_rates_answer(missing: Any) -> list[dict[str, str]]:
    return [{"currency": currency, "on": on.isoformat()} for currency, on in missing]


# --- lots ---


def lots_answer(report: LotsOfAsset, *, detail: bool = True, closed: bool = False) -> dict[str, Any]:
    """The lots of an asset; `open` with `detail`, and `closed` if they are asked for."""
    unrealised = None
    if report.value is not None and report.cost is not None:
        unrealised = report.value - report.cost
    complete = report.realised.complete
    answer: dict[str, Any] = {
        "asset_id": str(report.asset.id),
        "on": report.on.isoformat(),
        "method": str(report.lots.method),
        "currency": report.currency,
        "quantity": quantity_text(report.lots.quantity),
        "cost": amount(report.cost),
        "value": amount(report.value),
        "unrealised_gain": amount(unrealised),
        "realised_gain": amount(report.realised.realised_gain) if complete else None,
        "fx_gain": amount(report.realised.fx_gain) if complete else None,
        "missing_quantity": quantity_text(report.missing_quantity),
        "missing_proceeds": amount(report.missing_proceeds),
    }
    if detail:
        answer["open"] = [open_lot_answer(lot, report.on) for lot in report.open]
    if closed:
        answer["closed"] = [closed_lot_answer(gain) for gain in report.closed]
    return answer


def open_lot_answer(open_lot: OpenLotValue, on: date) -> dict[str, Any]:
    lot, cost, value = open_lot.lot, open_lot.cost, open_lot.value
    return {
        "transaction_id": str(lot.transaction_id),
        "acquired_on": lot.acquired_on.isoformat(),
        "quantity": quantity_text(lot.quantity),
        "cost": amount(cost),
        "unit_cost": unit_cost(cost, lot.quantity),
        "value": amount(value),
        "unrealised_gain": None if value is None or cost is None else amount(value - cost),
        "holding_days": (on - lot.acquired_on).days,
    }


def unit_cost(cost: int | None, units: Units) -> str | None:
    if cost is None or not units:
        return None
    exact = Fraction(cost, RATE_UNIT * 10**LOT_PLACES) / Fraction(units, QUANTITY_UNIT)
    return number_text(exact, RATE_PLACES)


def closed_lot_answer(gain: Gain) -> dict[str, Any]:
    lot = gain.lot
    return {
        "transaction_id": str(lot.transaction_id),
        "disposal_id": str(lot.disposal_id),
        "acquired_on": lot.acquired_on.isoformat(),
        "disposed_on": lot.disposed_on.isoformat(),
        "quantity": quantity_text(lot.quantity),
        "cost": amount(gain.cost),
        "proceeds": amount(gain.proceeds),
        "realised_gain": amount(gain.realised_gain),
        "fx_gain": amount(gain.fx_gain),
        "holding_days": (lot.disposed_on - lot.acquired_on).days,
    }


def holding_answer(holding: Holding) -> dict[str, Any]:
    value, cost, units = holding.value, holding.cost_basis, holding.quantity
    price = None
    if holding.price is not None and value is not None:
        price = number_text(holding.price, QUANTITY_PLACES)
    elif value is not None and units:
        price = number_text(Fraction(value, 10**LOT_PLACES) / Fraction(units, QUANTITY_UNIT), RATE_PLACES)
    return {
        "asset_id": str(holding.asset.id),
        "on": holding.on.isoformat(),
        "currency": holding.asset.currency,
        "quantity": None if units is None else quantity_text(units),
        "price": price,
        "value": None if value is None else money_text(money(value)),
        "cost_basis": None if cost is None else money_text(money(cost)),
        "unrealised_gain": None if value is None or cost is None else money_text(money(value - cost)),
        "missing_quantity": quantity_text(holding.missing_quantity),
    }


def realised_gains_answer(report: RealisedGains) -> dict[str, Any]:
    return {
        "currency": report.currency,
        "method": report.method and str(report.method),
        "results": [
            {
                "asset": {"id": str(gain.asset_id), "name": report.names[gain.asset_id]},
                **closed_lot_answer(gain),
            }
            for gain in report.gains
        ],
        "totals": totals_answer(report.totals),
        "complete": report.totals.complete,
        "missing_rates": missing_rates_answer(report.missing_rates),
        "missing_prices": [],  # amounts of transactions alone
    }


def totals_answer(totals: GainTotals) -> dict[str, str | None]:
    return {
        "cost": amount(totals.cost),
        "proceeds": amount(totals.proceeds),
        "realised_gain": amount(totals.realised_gain),
        "fx_gain": amount(totals.fx_gain),
    }


# --- income ---


def income_answer(report: Income) -> dict[str, Any]:
    places = minor_units(report.currency)
    return {
        "currency": report.currency,
        "group_by": report.group_by,
        "rows": [
            {"key": str(key), "name": report.names[key], **income_row(report.rows[key], places)}
            for key in ordered_keys(report)
        ],
        "total": income_row(report.total, places),
        "complete": not report.missing_rates,
        "missing_rates": missing_rates_answer(report.missing_rates),
        "missing_prices": [],  # amounts of transactions alone
    }


def ordered_keys(report: Income) -> list[Hashable]:
    """By name, which is the order of time for months and years."""
    return sorted(report.rows, key=lambda key: (report.names[key].casefold(), str(key)))


def income_row(row: IncomeRow, places: int) -> dict[str, str | None]:
    return {
        "income": amount(row.income, places),
        "fees": amount(row.fees, places),
        "taxes": amount(row.taxes, places),
    }


# --- returns ---


def performance_answer(report: Performance, *, explain: bool = False) -> dict[str, Any]:
    measures, places = report.measures, minor_units(report.currency)
    answer: dict[str, Any] = {
        "start": report.start.isoformat(),
        "end": report.end.isoformat(),
        "currency": report.currency,
        "method": report.method and str(report.method),
        "start_value": measures and whole_amount(measures.start_value, places),
        "end_value": measures and whole_amount(measures.end_value, places),
        "net_flows": measures and whole_amount(measures.net_flows, places),
        "twr": measures and rate_text(measures.twr),
        "twr_annualised": measures and rate_text(measures.twr_annualised),
        "xirr": measures and rate_text(measures.xirr),
        "realised_gain": amount(report.realised_gain, places),
        "unrealised_gain": amount(report.unrealised_gain, places),
        "fx_gain": amount(report.fx_gain, places),
        "income": amount(report.income, places),
        "fees": amount(report.fees, places),
        "taxes": amount(report.taxes, places),
        "max_drawdown": measures and drawdown_answer(measures.max_drawdown),
        "volatility": measures and rate_text(measures.volatility),
        "semi_volatility": measures and rate_text(measures.semi_volatility),
        "benchmark": None,
        "missing_rates": missing_rates_answer(report.missing_rates),
        "missing_prices": list(map(price_gap_answer, report.missing_prices)),
        "reasons": reasons_answer(report.reasons),
    }
    if report.compared_with is not None and report.benchmark is not None:
        answer["benchmark"] = benchmark_answer(report.compared_with, report.benchmark)
        reasons = {f"benchmark.{name}": code for name, code in report.benchmark.reasons.items()}
        answer["reasons"] |= reasons_answer(reasons)
    if explain:
        answer |= {
            "flows": [flow_answer(flow) for flow in report.flows()],
            "days": [day_answer(day) for day in report.known_days()],
        }
    return answer


def whole_amount(ten_thousandths: int | None, places: int) -> str | None:
    return None if ten_thousandths is None else amount(ten_thousandths * RATE_UNIT, places)


def benchmark_answer(instrument: Instrument, result: Benchmark) -> dict[str, Any]:
    return {
        "instrument": {"id": str(instrument.pk), "symbol": instrument.symbol},
        "twr": rate_text(result.twr),
        "xirr_of_same_flows": rate_text(result.xirr_of_same_flows),
    }


def drawdown_answer(drawdown: Drawdown | None) -> dict[str, str | None] | None:
    if drawdown is None:
        return None
    return {
        "value": rate_text(drawdown.value),
        "from": None if drawdown.start is None else drawdown.start.isoformat(),
        "to": None if drawdown.end is None else drawdown.end.isoformat(),
    }


def reasons_answer(reasons: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"code": code, "message": MESSAGES[code]} for name, code in reasons.items()}


def flow_answer(flow: Flow) -> dict[str, str]:
    return {"on": flow.on.isoformat(), "amount": money_text(money(flow.amount))}


def day_answer(day: ChainDay) -> dict[str, str | None]:
    factor = day.factor
    return {
        "on": day.on.isoformat(),
        "start": money_text(money(day.start)),
        "inflow": money_text(money(day.inflow)),
        "outflow": money_text(money(day.outflow)),
        "end": money_text(money(day.end)),
        "return": None if factor is None else rate_text(factor - 1),
    }
