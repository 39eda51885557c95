"""The totals of portfolios on a day, each in its own currency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from assets import valuation
from assets.rates.store import rate_books
from assets.valuation.series import ConvertedTotal, Missing, convert_total
from portfolios.models import Portfolio
from reports.calculations.rounding import rounded
from reports.queries.defaults import today_of
from strata.fields.currencies import minor_units
from strata.fields.numbers import money_text


@dataclass(frozen=True, slots=True)
class PortfolioTotal:
    """A portfolio's total, rounded to the minor unit of its currency; `missing_rates` names what it leaves out."""

    value: Decimal
    currency: str
    on: date
    complete: bool
    missing_rates: list[dict[str, Any]]


def portfolio_totals(portfolios: Iterable[Portfolio], on: date | None = None) -> dict[UUID, PortfolioTotal]:
    """The totals of several portfolios, in a fixed number of queries; by default each on today in its time zone."""
    portfolios = list(portfolios)
    days = {portfolio.pk: on or today_of(portfolio) for portfolio in portfolios}
    amounts = amounts_by_currency(days)
    currencies = {p.base_currency for p in portfolios} | {c for by in amounts.values() for c in by}
    if not portfolios:
        return {}
    rates = rate_books(currencies, start=min(days.values()), end=max(days.values()), portfolios=portfolios)
    return {
        p.pk: presented(
            convert_total(amounts.get(p.pk, {}), p.base_currency, on=days[p.pk], rates=rates[p.pk]),
            p.base_currency,
            days[p.pk],
        )
        for p in portfolios
    }


def amounts_by_currency(days: dict[UUID, date]) -> dict[UUID, dict[str, Decimal]]:
    """By portfolio, the values of its assets on its day, added up by currency (one query for each distinct day)."""
    amounts: dict[UUID, dict[str, Decimal]] = {}
    for day in set(days.values()):
        amounts |= valuation.amounts_on(
            [pk for pk, portfolio_day in days.items() if portfolio_day == day], day
        )
    return amounts


def presented(exact: ConvertedTotal, currency: str, on: date) -> PortfolioTotal:
    missing = [gap_answer(gap) for gap in exact.missing]
    return PortfolioTotal(rounded(exact.value, minor_units(currency)), currency, on, exact.complete, missing)


def gap_answer(gap: Missing) -> dict[str, str]:
    """The missing amount as the API returns it, and as a stored total has it."""
    answer = {"currency": gap.currency, "on": gap.on.isoformat(), "amount": money_text(gap.amount)}
    return answer | {"amount_currency": gap.amount_currency} if gap.amount_currency else answer


def portfolio_total(portfolio: Portfolio, on: date | None = None) -> PortfolioTotal:
    return portfolio_totals([portfolio], on)[portfolio.pk]
