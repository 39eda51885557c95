"""Reads the terms of loans from their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from assets.holdings.arrivals import arrived_on
from assets.models import Loan, LoanExtraPayment, LoanHoliday, LoanRate
from assets.models.loan import LoanRounding
from assets.valuation.formulas.loan_terms import ExtraPayment, Holiday, LoanTerms, Rate
from strata.fields.currencies import minor_units


def loan_terms(asset_ids: Sequence[UUID]) -> dict[UUID, LoanTerms]:
    """The terms of each of the loans, in four queries."""
    rows = Loan.objects.filter(asset__pk__among=list(asset_ids)).order_by().select_related("asset")
    loans = {row.asset_id: row for row in rows.annotate(held_from=arrived_on())}
    if not loans:
        return {}
    rates = by_asset(LoanRate, loans, "on", "rate")
    extra = by_asset(LoanExtraPayment, loans, "on", "amount", "effect")
    holidays = by_asset(LoanHoliday, loans, "start", "end")
    return {
        pk: terms_of_row(
            row,
            rates=tuple(Rate(*each) for each in rates.get(pk, ())),
            extra_payments=tuple(ExtraPayment(*each) for each in extra.get(pk, ())),
            holidays=tuple(Holiday(*each) for each in holidays.get(pk, ())),
            held_from=row.held_from,
        )
        for pk, row in loans.items()
    }


def by_asset(model: Any, asset_ids: Iterable[UUID], *columns: str) -> dict[UUID, list[tuple[Any, ...]]]:
    rows: dict[UUID, list[tuple[Any, ...]]] = {}
    of_assets = model.objects.filter(asset__pk__among=list(asset_ids)).order_by(columns[0])
    for pk, *row in of_assets.values_list("asset_id", *columns):
        rows.setdefault(pk, []).append(tuple(row))
    return rows


def terms_of_row(row: Loan, **dated: Any) -> LoanTerms:
    """`row` knows its asset, or its currency: interest is rounded to that."""
    rounds = row.rounding == LoanRounding.CURRENCY
    return LoanTerms(
        principal=row.principal,
        started_on=row.started_on,
        first_payment_on=row.first_payment_on,
        frequency=row.frequency,
        loan_type=row.loan_type,
        term=row.term,
        payment=row.payment,
        day_count=row.day_count,
        places=minor_units(row.asset.currency) if rounds else None,
        **dated,
    )
