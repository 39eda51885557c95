"""The measures of a period, from the value and the flows of its days. Pure.

What cannot be computed is None, with a code in `reasons`. Values and flows are ten-thousandths of one currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from investments.calculations.returns import (
    DIGITS,
    ChainDay,
    Drawdown,
    annualised,
    counts_in_volatility,
    factors,
    max_drawdown,
    twr,
    volatility,
)
from investments.calculations.xirr import Flow, xirr

NOTHING_INVESTED, TOO_FEW_DAYS = "NOTHING_INVESTED", "TOO_FEW_DAYS"
MISSING_RATES, MISSING_PRICES = "MISSING_RATES", "MISSING_PRICES"
LARGEST_RATE = Decimal(10) ** 30  # a yearly rate of a few days may have thousands of digits


@dataclass(slots=True)
class Measures:
    """The measures of a period; `net_flows` is what came in less what went out."""

    start_value: int | None
    end_value: int | None
    net_flows: int | None
    twr: Decimal | None = None
    twr_annualised: Decimal | None = None
    xirr: Decimal | None = None
    max_drawdown: Drawdown | None = None
    volatility: Decimal | None = None
    semi_volatility: Decimal | None = None
    reasons: dict[str, str] = field(default_factory=dict)


def chain_days(
    days: Sequence[date], values: Sequence[int], flows: Mapping[date, tuple[int, int]]
) -> list[ChainDay]:
    """The chain of the days after the first one; `values` are those at the end of each day."""
    chain, before = [], values[0]
    for on, value in zip(days[1:], values[1:], strict=True):
        inflow, outflow = flows.get(on, (0, 0))
        chain.append(ChainDay(on, before, inflow, outflow, value))
        before = value
    return chain


def measures(
    chain: Sequence[ChainDay], *, start: date, start_value: int, busy_days: Iterable[date] = ()
) -> Measures:
    """All measures of the days after `start`. `busy_days` are those on which an asset has a price or a flow."""
    end_value = chain[-1].end if chain else start_value
    net_flows = sum(day.inflow - day.outflow for day in chain)
    result = Measures(start_value, end_value, net_flows)
    _time_weighted(result, chain, start, frozenset(busy_days))
    add_money_weighted(result, chain, start, start_value)
    return result


def without_prices(result: Measures, unknown: Iterable[str]) -> None:
    """Remove the measures that need a day on which an asset has no price."""
    for name in unknown:
        setattr(result, name, None)
        result.reasons[name] = MISSING_PRICES


def _time_weighted(result: Measures, chain: Sequence[ChainDay], start: date, busy: frozenset[date]) -> None:
    invested = factors(chain)
    result.twr = twr(invested)
    if result.twr is None:
        names = "twr twr_annualised max_drawdown volatility semi_volatility"
        result.reasons |= dict.fromkeys(names.split(), NOTHING_INVESTED)
        return
    result.twr_annualised = annualised(result.twr, (chain[-1].on - start).days)
    if result.twr_annualised is None or result.twr_annualised > LARGEST_RATE:
        result.twr_annualised = None
        result.reasons["twr_annualised"] = TOO_FEW_DAYS
    result.max_drawdown = max_drawdown(invested, invested[0][0] - timedelta(days=1))
    counted = [factor for on, factor in invested if counts_in_volatility(on, busy)]
    spread = volatility(counted)
    if spread is None:
        result.reasons |= dict.fromkeys(("volatility", "semi_volatility"), TOO_FEW_DAYS)
    else:
        result.volatility, result.semi_volatility = spread


def add_money_weighted(result: Measures, chain: Sequence[ChainDay], start: date, start_value: int) -> None:
    """Set `xirr` of the result, or the reason why there is none.

    Of several rates the one is taken that is nearest to (end - start - net flows) / (start + what came in).
    """
    end_value = chain[-1].end if chain else start_value
    gain = end_value - start_value - sum(day.inflow - day.outflow for day in chain)
    paid = start_value + sum(day.inflow for day in chain)
    money_weighted = xirr(
        investor_flows(chain, start, start_value), simple_return=simple_return_of(gain, paid)
    )
    result.xirr = money_weighted.rate
    if result.xirr is not None and result.xirr > LARGEST_RATE:
        result.xirr, code = None, TOO_FEW_DAYS
    else:
        code = money_weighted.code or ""
    if code:
        result.reasons["xirr"] = code


def investor_flows(chain: Sequence[ChainDay], start: date, start_value: int) -> list[Flow]:
    """What the investor pays (negative) and gets back, with the value at both ends."""
    flows = [Flow(start, -start_value)]
    flows += (Flow(day.on, day.outflow - day.inflow) for day in chain if day.inflow != day.outflow)
    if chain:
        flows.append(Flow(chain[-1].on, chain[-1].end))
    return flows


def simple_return_of(gain: int, paid: int) -> Decimal:
    return Decimal(0) if paid <= 0 else DIGITS.divide(Decimal(gain), Decimal(paid))
