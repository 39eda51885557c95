"""The schedule of a loan as it is shown, also with an extra payment or another rate that nobody has agreed yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from assets.models.asset import Valuation
from assets.valuation.formulas.loan import Schedule
from assets.valuation.formulas.loan_terms import SHORTEN, ExtraPayment, LoanTerms, Rate
from assets.valuation.loan_rows import loan_terms
from assets.valuation.sources.anchors import anchors_of
from assets.valuation.sources.by_terms.loans import balances, schedule_of

ONE_UNIT = 10_000  # of a currency: banks round in their own ways


@dataclass(frozen=True, slots=True)
class WhatIf:
    """An extra payment on a day, or another rate from that day on, or both."""

    on: date
    extra: Decimal | None = None
    effect: str = SHORTEN
    rate: Decimal | None = None


def loan_schedule(asset_id: UUID, what_if: WhatIf | None = None) -> Schedule | None:
    """The schedule of the loan, which continues from its recorded balances; None for an asset that is no loan."""
    terms = loan_terms([asset_id]).get(asset_id)
    if terms is None:
        return None
    anchors = anchors_of([asset_id]).get(asset_id, ())
    return schedule_of(terms if what_if is None else supposed(terms, what_if), anchors)


class Drift(NamedTuple):
    """A recorded balance that is not what the schedule says. Both are values, in ten-thousandths."""

    on: date
    recorded: int
    scheduled: int


def loan_drifts(valuations: Mapping[UUID, str], start: date, end: date) -> dict[UUID, Drift]:
    """Of each loan among these assets whose last recorded balance after `start` up to `end` is off by a unit of the
    currency or more.

    The schedule is that of the balances recorded before.
    """
    loan_ids = [pk for pk, valuation in valuations.items() if valuation == Valuation.LOAN]
    if not loan_ids:
        return {}
    terms, anchors = loan_terms(loan_ids), anchors_of(loan_ids)
    drifts: dict[UUID, Drift] = {}
    for pk, of_loan in terms.items():
        known = [anchor for anchor in anchors.get(pk, ()) if anchor[0] <= end]
        if not known or known[-1][0] <= max(start, of_loan.started_on, of_loan.held_from or start):
            continue
        *earlier, (on, recorded) = known
        expected = balances(of_loan, tuple(earlier)).newest(on)
        if expected is not None and abs(recorded - expected[1]) >= ONE_UNIT:
            drifts[pk] = Drift(on, recorded, expected[1])
    return drifts


def supposed(terms: LoanTerms, what_if: WhatIf) -> LoanTerms:
    """The terms with what is supposed; it is not before the loan was paid out."""
    on = max(what_if.on, terms.started_on)
    if what_if.extra is not None:
        agreed = {extra.on: extra for extra in terms.extra_payments}
        amount = what_if.extra + (agreed[on].amount if on in agreed else 0)
        agreed[on] = ExtraPayment(on, amount, what_if.effect)
        terms = terms._replace(extra_payments=tuple(agreed[day] for day in sorted(agreed)))
    if what_if.rate is not None:
        rates = {rate.on: rate for rate in terms.rates} | {on: Rate(on, what_if.rate)}
        terms = terms._replace(rates=tuple(rates[day] for day in sorted(rates)))
    return terms
