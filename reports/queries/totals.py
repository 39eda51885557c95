"""The totals of portfolios on a day, each in its own currency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from assets import valuation
from assets.rates.store import rate_books
from assets.valuation import PriceGap
from assets.valuation.series import ConvertedTotal, Missing, convert_total
from portfolios.models import Portfolio
from reports.calculations.rounding import rounded
from reports.queries.defaults import today_of
from strata.fields.currencies import minor_units
from strata.fields.numbers import money_text


@dataclass(frozen=True, slots=True)
class PortfolioTotal:
    """A portfolio's total, rounded to the minor unit of its currency; `missing_rates` and `missing_prices` name what it
    leaves out.
    """

    value: Decimal
    currency: str
    on: date
    complete: bool
    missing_rates: list[dict[str, Any]]
    missing_prices: list[dict[str, Any]]


def portfolio_totals(
    portfolios: Iterable[Portfolio], on: date | None = None, *, include_all: bool = False
) -> dict[UUID, PortfolioTotal]:
    """The totals of several portfolios, in a fixed number of queries; by default each on today in its time zone."""
    days = {portfolio: on or today_of(portfolio) for portfolio in portfolios}
    return totals_on_days(days, include_all=include_all)


def totals_on_days(
    days: Mapping[Portfolio, date], *, include_all: bool = False
) -> dict[UUID, PortfolioTotal]:
    """The total of each portfolio on its day. As many queries as there are distinct days, and one for the rates; where
    prices are missing, those of price_gaps.

    Assets that do not count in net worth are left out, unless `include_all`.
    """
    if not days:
        return {}
    amounts, missing = amounts_by_currency(
        {portfolio.pk: on for portfolio, on in days.items()}, include_all=include_all
    )
    currencies = {p.base_currency for p in days} | {c for by in amounts.values() for c in by}
    rates = rate_books(currencies, start=min(days.values()), end=max(days.values()), portfolios=list(days))
    return {
        p.pk: presented(
            convert_total(amounts.get(p.pk, {}), p.base_currency, on=on, rates=rates[p.pk]),
            p.base_currency,
            on,
            [gap for gap in missing if gap.portfolio_id == p.pk],
        )
        for p, on in days.items()
    }


def amounts_by_currency(
    days: dict[UUID, date], *, include_all: bool
) -> tuple[dict[UUID, dict[str, Decimal]], list[PriceGap]]:
    """By portfolio, the values of its assets on its day, added up by currency (one query for each distinct day); and
    what they leave out.
    """
    amounts: dict[UUID, dict[str, Decimal]] = {}
    missing: list[PriceGap] = []
    for day in set(days.values()):
        ids = [pk for pk, portfolio_day in days.items() if portfolio_day == day]
        of_day, gaps = valuation.amounts_and_gaps_on(ids, day, include_all=include_all)
        amounts |= of_day
        missing += valuation.price_gaps(gaps, [day]).get(day, ())
    return amounts, missing


def presented(
    exact: ConvertedTotal, currency: str, on: date, left_out: Sequence[PriceGap] = ()
) -> PortfolioTotal:
    return PortfolioTotal(
        rounded(exact.value, minor_units(currency)),
        currency,
        on,
        exact.complete and not left_out,
        [gap_answer(gap) for gap in exact.missing],
        [price_gap_answer(gap) for gap in left_out],
    )


def gap_answer(gap: Missing) -> dict[str, str]:
    """The missing amount as the API returns it, and as a stored total has it."""
    answer = {"currency": gap.currency, "on": gap.on.isoformat(), "amount": money_text(gap.amount)}
    return answer | {"amount_currency": gap.amount_currency} if gap.amount_currency else answer


def price_gap_answer(gap: PriceGap) -> dict[str, Any]:
    """The asset that is left out as the API returns it, and as a stored total has it."""
    instrument = gap.instrument_id and {"id": str(gap.instrument_id), "symbol": gap.symbol}
    return {
        "asset": {"id": str(gap.asset_id), "name": gap.asset_name},
        "instrument": instrument,
        "on": gap.on.isoformat(),
        "last_on": gap.last_on and gap.last_on.isoformat(),
    }


def portfolio_total(portfolio: Portfolio, on: date | None = None) -> PortfolioTotal:
    return portfolio_totals([portfolio], on)[portfolio.pk]
