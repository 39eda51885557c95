"""Loans as a value source: minus the balance of the schedule, which continues from recorded balances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from assets.holdings.arrivals import FIRST_DAYS
from assets.models.asset import Valuation
from assets.valuation.formulas import loan as formula
from assets.valuation.formulas.loan_terms import LoanTerms
from assets.valuation.loan_rows import loan_terms
from assets.valuation.protocol import KnownFlow, ValueSource
from assets.valuation.sources.anchors import Anchors
from assets.valuation.sources.computed import ComputedSource, Kept, Point

SCHEDULES_KEPT = 512


class Loans(ComputedSource[LoanTerms]):
    """The value is minus the balance. Recorded values before the loan was paid out are values too."""

    name = Valuation.LOAN.value
    word = "schedule"
    first_days_sql = FIRST_DAYS.format(table="assets_loan")

    def terms_of(self, asset_ids: Sequence[UUID]) -> Mapping[UUID, LoanTerms]:
        return loan_terms(asset_ids)

    def newest(self, terms: LoanTerms, anchors: Anchors, on: date) -> Point | None:
        return balances(terms, anchors).newest(on)

    def points(self, terms: LoanTerms, anchors: Anchors, start: date, end: date) -> Iterator[Point]:
        return balances(terms, anchors).between(start, end)

    def first_day(self, terms: LoanTerms, anchors: Anchors) -> date | None:
        return min(terms.started_on, anchors[0][0]) if anchors else terms.started_on

    def held_from(self, terms: LoanTerms) -> date | None:
        return terms.held_from

    def last_day(self, terms: LoanTerms, anchors: Anchors) -> date:
        return date.fromordinal(balances(terms, anchors).ordinals[-1])

    def rate_on(self, terms: LoanTerms, on: date) -> Decimal | None:
        return terms.rate_at(on) if on >= terms.started_on else None

    def known_flows(
        self, asset_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, Sequence[KnownFlow]]:
        """The interest of each payment; of a loan that came from another portfolio that of the later ones."""
        return {
            pk: [
                KnownFlow(row.on, row.interest)
                for row in schedule_of(terms, anchors).rows
                if max(start, terms.held_from or start) < row.on <= end and row.interest
            ]
            for pk, terms, anchors in self.with_terms(asset_ids)
        }


SOURCE: ValueSource = Loans()


@lru_cache(maxsize=SCHEDULES_KEPT)
def schedule_of(terms: LoanTerms, anchors: Anchors) -> formula.Schedule:
    """The schedule, which continues from the recorded values."""
    return formula.schedule(terms, [formula.Anchor(on, -amount) for on, amount in anchors])


@lru_cache(maxsize=SCHEDULES_KEPT)
def balances(terms: LoanTerms, anchors: Anchors) -> Kept:
    early = {on: amount for on, amount in anchors if on < terms.started_on}
    owed = {on: -balance for on, balance in schedule_of(terms, anchors).balances.items()}
    return Kept(iter(sorted((early | owed).items())))
