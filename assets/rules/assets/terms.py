"""The rules of the terms of loans, depreciation and growth. They take values, not rows.

Each raises Invalid, which names the field as the API has it: rates[1].on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from django.utils.translation import gettext

from strata.exceptions import Invalid

PAYMENT_BELOW_INTEREST, TERM_NOT_POSITIVE = "PAYMENT_BELOW_INTEREST", "TERM_NOT_POSITIVE"
RATES_OUT_OF_ORDER, RATE_MISSING = "RATES_OUT_OF_ORDER", "RATE_MISSING"
HIGHEST_RATE = 10  # 1,000 %: a rate of 4 that means 4 % is refused
LOWEST_GROWTH = -1
MOST_PAYMENTS, LONGEST_LIFE = 2600, 200
AT_ONCE = ("bullet", "interest_only")  # repaid at the end of the term
DECLINING, DOUBLE_DECLINING = "declining", "double_declining"


class LoanDays(NamedTuple):
    """The days of a loan's terms, in the order in which they were sent; each list has one of them for each row."""

    started_on: date
    first_payment_on: date
    rates: Sequence[date]
    extra_payments: Sequence[date]
    holidays: Sequence[tuple[date, date]]


def validate_days_of_loan(days: LoanDays) -> None:
    if days.first_payment_on < days.started_on:
        raise Invalid("first_payment_on", gettext("It lies before the day on which the loan was paid out."))
    refuse_disorder("rates", days.rates, gettext("Rates are in the order of their days, one a day."))
    if not days.rates or days.rates[0] > days.started_on:
        message = gettext("There is no rate on the day on which the loan was paid out.")
        raise Invalid("rates", message, RATE_MISSING)
    in_order = gettext("Extra payments are in the order of their days, one a day.")
    refuse_disorder("extra_payments", days.extra_payments, in_order, code="out_of_order")
    if days.extra_payments and days.extra_payments[0] < days.started_on:
        message = gettext("It lies before the day on which the loan was paid out.")
        raise Invalid("extra_payments[0].on", message)
    validate_holidays(days.holidays)


def refuse_disorder(
    field: str, days: Sequence[date], message: str, *, code: str = RATES_OUT_OF_ORDER
) -> None:
    for number, (before, after) in enumerate(pairwise(days), start=1):
        if after <= before:
            raise Invalid(f"{field}[{number}].on", message, code)


def validate_holidays(holidays: Sequence[tuple[date, date]]) -> None:
    for number, (start, end) in enumerate(holidays):
        if end < start:
            raise Invalid(f"holidays[{number}].end", gettext("It lies before the first day."))
        if number and start <= holidays[number - 1][1]:
            message = gettext("Holidays are in the order of their days, and do not overlap.")
            raise Invalid(f"holidays[{number}].start", message, "out_of_order")


def validate_term_and_payment(loan_type: str, term: int | None, payment: Decimal | None) -> None:
    """Exactly one of the two; of a loan that is repaid at once, the term."""
    if term is not None and term < 1:
        raise Invalid("term", gettext("A loan has at least one payment."), TERM_NOT_POSITIVE)
    if term is not None and term > MOST_PAYMENTS:
        message = gettext("A loan has at most %(most)s payments.") % {"most": f"{MOST_PAYMENTS:,}"}
        raise Invalid("term", message)
    if loan_type in AT_ONCE and payment is not None:
        raise Invalid("payment", gettext("A loan of this type has a term and no payment."))
    if loan_type in AT_ONCE and term is None:
        raise Invalid("term", gettext("A loan of this type needs a term."), "required")
    if term is None and payment is None:
        raise Invalid("term", gettext("Send the number of payments, or the payment."), "required")
    if term is not None and payment is not None:
        message = gettext("Send the number of payments or the payment: one follows from the other.")
        raise Invalid("payment", message)


def validate_rate(field: str, rate: Decimal, *, least: int = 0) -> None:
    if rate < least or rate > HIGHEST_RATE:
        message = gettext("Rates are fractions of 1, from %(least)s to %(most)s: 0.04 is 4 %%.")
        raise Invalid(field, message % {"least": least, "most": HIGHEST_RATE})


def validate_positive_amount(field: str, amount: Decimal) -> None:
    if amount <= 0:
        raise Invalid(field, gettext("It is more than zero."), "not_positive")


class Decline(NamedTuple):
    """How the value of a depreciation declines."""

    method: str
    rate: Decimal | None
    factor: Decimal | None
    switch: bool


def validate_decline(decline: Decline) -> None:
    method, rate, factor, switch = decline
    declines = method in (DECLINING, DOUBLE_DECLINING)
    for name, value in (("rate", rate), ("factor", factor)):
        if value is not None and not declines:
            raise Invalid(name, gettext("Only a declining balance has it."))
    if switch and not declines:
        raise Invalid("switch", gettext("Only a declining balance changes to a straight line."))
    if method == DOUBLE_DECLINING and rate is not None:
        raise Invalid("rate", gettext("It is 2 / life."))
    if method == DOUBLE_DECLINING and factor not in (None, 2):
        raise Invalid("factor", gettext("It is 2: a declining balance has any factor."))
    if method == DECLINING and rate is None and factor is None:
        raise Invalid("rate", gettext("A declining balance needs a rate or a factor."), "required")
    if rate is not None and factor is not None:
        raise Invalid("factor", gettext("Send the rate or the factor."))
    if rate is not None and not 0 < rate <= 1:
        raise Invalid("rate", gettext("It is a fraction of 1: 0.25 is 25 %."))
    if factor is not None and factor <= 0:
        raise Invalid("factor", gettext("It is more than zero."), "not_positive")


def validate_life(life: int, first_year_months: int) -> None:
    if life < 1:
        raise Invalid("life", gettext("A life has at least one year."), TERM_NOT_POSITIVE)
    if life > LONGEST_LIFE:
        raise Invalid("life", gettext("A life has at most %(most)s years.") % {"most": LONGEST_LIFE})
    if not 1 <= first_year_months <= 12:
        raise Invalid("first_year_months", gettext("A year has from 1 to 12 months."))


def validate_cost(cost: Decimal, residual_value: Decimal) -> None:
    validate_positive_amount("cost", cost)
    if not 0 <= residual_value <= cost:
        raise Invalid("residual_value", gettext("It lies between zero and the cost."))
