"""The terms of a loan, and the days on which its payments are due."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from assets.valuation.formulas.arithmetic import add_months
from assets.valuation.formulas.day_counts import DAY_COUNTS

LAST_YEAR = 2200  # the same as in strata.fields.dates
MONTHS = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}
PAYMENTS_A_YEAR = {"weekly": 52, "monthly": 12, "quarterly": 4, "half_yearly": 2, "yearly": 1}
ANNUITY, FIXED_PRINCIPAL, INTEREST_ONLY, BULLET = "annuity", "fixed_principal", "interest_only", "bullet"
SHORTEN, LOWER = "shorten", "lower"


class Rate(NamedTuple):
    """The yearly rate from a day on, as a fraction of 1."""

    on: date
    rate: Decimal


class ExtraPayment(NamedTuple):
    """What is paid besides the payments; `effect` says whether the term or the payment becomes smaller."""

    on: date
    amount: Decimal
    effect: str = SHORTEN


class Holiday(NamedTuple):
    """From the first to the last of these days no payment is due."""

    start: date
    end: date


class LoanTerms(NamedTuple):
    """What was agreed. One of `term`, the number of payments, and `payment` is None.

    `places` are those of the currency, to which interest and payments are rounded; None rounds nothing. Rates begin on
    `started_on` or before; rates, extra payments and holidays are in the order of days, and do not overlap. The payment
    of a loan with fixed principal is its principal alone. What is owed counts from `held_from` on; None is from the
    beginning.
    """

    principal: Decimal
    started_on: date
    first_payment_on: date
    rates: tuple[Rate, ...]
    frequency: str = "monthly"
    loan_type: str = ANNUITY
    term: int | None = None
    payment: Decimal | None = None
    day_count: str = "30/360"
    places: int | None = 2
    extra_payments: tuple[ExtraPayment, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    held_from: date | None = None

    def rate_at(self, on: date) -> Decimal:
        return self.rates[bisect_right(self.rates, on, key=lambda rate: rate.on) - 1].rate

    def is_holiday(self, on: date) -> bool:
        place = bisect_right(self.holidays, on, key=lambda holiday: holiday.start)
        return place > 0 and on <= self.holidays[place - 1].end


class Due(NamedTuple):
    """A day on which a payment is due, and its position on the line of the day count."""

    on: date
    position: int


def dues(terms: LoanTerms, first: int = 0) -> Iterator[Due]:
    """The days on which payments are due, without end up to the last year of the calendar; `first` is a number.

    They keep the day of the month of the first one. In 30/360 two of them are a whole number of months of 30 days
    apart, even where a short month ends earlier.
    """
    for number in count(first):
        due = _due(terms, number)
        if due.on.year > LAST_YEAR:
            return
        yield due


def _due(terms: LoanTerms, number: int) -> Due:
    position = DAY_COUNTS[terms.day_count].position
    if terms.frequency == "weekly":
        on = terms.first_payment_on + timedelta(weeks=number)
        return Due(on, position(on))
    months = MONTHS[terms.frequency] * number
    on = add_months(terms.first_payment_on, months)
    if terms.day_count == "30/360":
        return Due(on, position(terms.first_payment_on) + 30 * months)
    return Due(on, position(on))
