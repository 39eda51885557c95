"""The schedule of a loan: what is paid on each day, and what is owed after it.

Amounts are whole numbers of a unit: ten-thousandths, or of 10^-34 where nothing is rounded, which is exact for all that
is shown. The rules, in the order in which they apply on a day:

1. The payment. Interest of a period is the sum of its parts (balance x rate x part of a year), rounded once.
2. A new rate, 3. an extra payment, 4. a recorded balance. With a term each of them computes the payment again over the
   payments that are left; an extra payment that shortens the term, and a holiday, keep the payment instead. From then
   on as many payments are left as are needed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from assets.valuation.formulas.arithmetic import LARGEST, MONEY_PLACES, half_even
from assets.valuation.formulas.day_counts import DAY_COUNTS
from assets.valuation.formulas.loan_terms import (
    ANNUITY,
    BULLET,
    FIXED_PRINCIPAL,
    INTEREST_ONLY,
    LOWER,
    PAYMENTS_A_YEAR,
    SHORTEN,
    Due,
    ExtraPayment,
    LoanTerms,
    Rate,
    dues,
)

UNROUNDED_PLACES = 34
RATE_SCALE = 10**18  # rates have at most 18 places


class Row(NamedTuple):
    """What is paid on a day, in ten-thousandths: payment = interest + principal. `extra` is paid besides.

    Principal is negative where interest is added to the balance. `balance` is what is owed at the end of the day.
    """

    on: date
    payment: int
    interest: int
    principal: int
    extra: int
    balance: int


class Anchor(NamedTuple):
    """A balance that was recorded on a day, in ten-thousandths."""

    on: date
    balance: int


type Change = Rate | ExtraPayment | Anchor
ORDER: tuple[type[Change], ...] = (Rate, ExtraPayment, Anchor)  # of the changes of one day


class Schedule(NamedTuple):
    """The rows of a loan. `balances` are those of the days on which it changes, the first one and anchors included.

    `payoff_on` is None where the loan is never paid off.
    """

    rows: Sequence[Row]
    balances: Mapping[date, int]
    payoff_on: date | None

    @property
    def total_interest(self) -> int:
        return sum(row.interest for row in self.rows)


def schedule(terms: LoanTerms, anchors: Iterable[Anchor] = ()) -> Schedule:
    """The whole schedule. Of recorded balances before the start only the last one on its day counts."""
    run = _Run(terms, [anchor for anchor in anchors if anchor.on >= terms.started_on])
    run.to_the_end()
    return Schedule(run.rows, run.balances, run.paid_off_on)


class Ratio(NamedTuple):
    """A fraction that is not reduced: of thousands of digits that takes longer than all else."""

    numerator: int
    denominator: int


def annuity(balance: int, rate: Fraction, payments: int) -> Ratio:
    """The payment that pays off the balance in this number of payments; `rate` is that of one period."""
    if rate == 0:
        return Ratio(balance, payments)
    base, rise = rate.denominator, rate.numerator
    grown, at_first = (base + rise) ** payments, base**payments
    return Ratio(balance * rise * grown, base * (grown - at_first))


class _Run:
    """A loan on its way through the days."""

    def __init__(self, terms: LoanTerms, anchors: Iterable[Anchor]) -> None:
        self.terms, self.count = terms, DAY_COUNTS[terms.day_count]
        places = MONEY_PLACES if terms.places is not None else UNROUNDED_PLACES
        self.unit: int = 10 ** (places - MONEY_PLACES)  # of a ten-thousandth
        self.step: int = 1 if terms.places is None else 10 ** (MONEY_PLACES - terms.places)
        self.rows: list[Row] = []
        self.balances: dict[date, int] = {}
        self.paid_off_on: date | None = None
        self.number = 0  # of the next due
        self.known_dues, self.later_dues = list[Due](), dues(terms)
        self.position = self.count.position(terms.started_on)
        self.accrued = 0  # interest since the last due, times `parts` and RATE_SCALE
        self.rate = _scaled(terms.rate_at(terms.started_on))
        self.balance = self.units(terms.principal)
        self.left, self.payment = terms.term, self.units(terms.payment or Decimal(0))
        self.changes = deque(_in_order(terms, anchors))
        self.anchors_ahead = sum(isinstance(change, Anchor) for change in self.changes)
        self.compute_payment()
        self.keep(terms.started_on)

    def units(self, amount: Decimal) -> int:
        return int(amount * 10**MONEY_PLACES) * self.unit

    def shown(self, amount: int) -> int:
        return half_even(amount, self.unit)

    def keep(self, on: date) -> None:
        self.last_shown = self.balances[on] = self.shown(self.balance)
        self.paid_off_on = None if self.owes() else self.paid_off_on or on

    def owes(self) -> bool:
        """Something is owed: of the balance, or interest of a balance that an extra payment has paid off."""
        return self.balance > 0 or bool(self.accrued_interest())

    def accrued_interest(self) -> int:
        return half_even(self.accrued, self.count.parts * RATE_SCALE, self.step)

    # --- through the days ---

    def dues_from(self, number: int) -> Iterator[Due]:
        """The days of `dues`, of which each is found once: looking ahead comes to the same ones again and again."""
        while True:
            while number >= len(self.known_dues):
                due = next(self.later_dues, None)
                if due is None:
                    return
                self.known_dues.append(due)
            yield self.known_dues[number]
            number += 1

    def to_the_end(self) -> None:
        for due in self.dues_from(0):
            self.apply_changes_before(due.on)
            if self.is_over():
                return
            if self.owes():
                self.pay(due, is_holiday=self.terms.is_holiday(due.on))
            self.number += 1

    def is_over(self) -> bool:
        """Nothing is owed, or more than any amount of money, and no recorded balance can change that."""
        ended = not self.owes() or self.shown(self.balance) >= LARGEST
        return ended and not self.anchors_ahead

    def apply_changes_before(self, on: date) -> None:
        while self.changes and self.changes[0].on < on:
            self.apply(self.changes.popleft())

    def accrue(self, position: int) -> None:
        """Add the interest up to this position. It is not before the last one: see dues about short months."""
        part = max(position - self.position, 0)
        self.accrued += max(self.balance, 0) * self.rate * part
        self.position += part

    # --- a payment ---

    def pay(self, due: Due, *, is_holiday: bool = False) -> None:
        self.accrue(due.position)
        interest = self.accrued_interest()
        payment = 0 if is_holiday else self.payment_with(interest)
        self.accrued = 0
        self.balance -= payment - interest
        self.left = self.left_after(is_holiday=is_holiday)
        self.add_row(due.on, payment=payment, interest=interest)

    def payment_with(self, interest: int) -> int:
        owed = self.balance + interest
        if self.left is not None and self.left <= 1:
            return owed
        regular = {
            ANNUITY: self.payment,
            FIXED_PRINCIPAL: self.payment + interest,
            INTEREST_ONLY: interest,
            BULLET: 0,
        }
        return min(regular[self.terms.loan_type], owed)

    def left_after(self, *, is_holiday: bool) -> int | None:
        if is_holiday:
            return None if self.repays() else self.left
        return None if self.left is None else max(self.left - 1, 0)

    def repays(self) -> bool:
        """Whether it is paid back little by little, and not at once at the end."""
        return self.terms.loan_type in (ANNUITY, FIXED_PRINCIPAL)

    def add_row(self, on: date, *, payment: int = 0, interest: int = 0, extra: int = 0) -> None:
        """The parts are rounded so that they add up as they are shown."""
        balance, extra = self.shown(self.balance), self.shown(extra)
        principal = self.last_shown - balance - extra
        interest = self.shown(interest) if payment else -principal
        self.rows.append(Row(on, principal + interest, interest, principal, extra, balance))
        self.keep(on)

    # --- changes ---

    def apply(self, change: Change) -> None:
        self.accrue(self.count.position(change.on))
        if isinstance(change, Rate):
            self.change_rate(change)
        elif isinstance(change, ExtraPayment):
            self.pay_extra(change)
        else:
            self.record(change)

    def change_rate(self, change: Rate) -> None:
        self.fix_number_left()
        self.rate = _scaled(change.rate)
        self.compute_payment()

    def pay_extra(self, extra: ExtraPayment) -> None:
        amount = min(self.units(extra.amount), max(self.balance, 0))
        if extra.effect == LOWER:
            self.fix_number_left()
        self.balance -= amount
        self.show_extra(extra.on, amount)
        if extra.effect == LOWER:
            self.compute_payment()
        elif extra.effect == SHORTEN and self.repays():
            self.left = None

    def show_extra(self, on: date, amount: int) -> None:
        """In the row of a payment of that day, or in a row of its own."""
        if self.rows and self.rows[-1].on == on:
            self.rows[-1] = self.rows[-1]._replace(extra=self.shown(amount), balance=self.shown(self.balance))
            self.keep(on)
        elif amount:
            self.add_row(on, extra=amount)

    def record(self, anchor: Anchor) -> None:
        self.anchors_ahead -= 1
        self.fix_number_left()
        if anchor.balance <= 0 < self.balance:
            self.accrued = 0  # a recorded balance of nothing says that all is paid, interest too
        self.balance = anchor.balance * self.unit
        self.compute_payment()
        self.keep(anchor.on)
        if self.rows and self.rows[-1].on == anchor.on:
            self.rows[-1] = self.rows[-1]._replace(balance=anchor.balance)

    # --- the payment, and how many are left ---

    def compute_payment(self) -> None:
        """Of a loan with a term; otherwise the payment stays."""
        if self.terms.term is None or not self.repays() or self.balance <= 0:
            return
        self.payment = max(half_even(*self.exact_payment(), self.step), self.step)

    def exact_payment(self) -> Ratio:
        left = max(self.left or 0, 1)
        if self.terms.loan_type == FIXED_PRINCIPAL:
            return Ratio(self.balance, left)
        of_period = Fraction(self.rate, RATE_SCALE * PAYMENTS_A_YEAR[self.terms.frequency])
        return annuity(self.balance, of_period, left)

    def fix_number_left(self) -> None:
        """Where as many payments are left as are needed: how many that is at the present rate."""
        if self.terms.term is not None and self.left is None:
            self.left = self.payments_needed()

    def payments_needed(self) -> int:
        """How many payments pay off what is owed, if nothing changes; 1 where they never do.

        As `pay` does it, but without rows: with many holidays and changes it is asked thousands of times.
        """
        if self.terms.loan_type == FIXED_PRINCIPAL and self.balance > 0:
            needed = -(-self.balance // self.payment)
            return needed if next(self.dues_from(self.number + needed), None) else 1
        whole = self.count.parts * RATE_SCALE
        balance, accrued, position = self.balance, self.accrued, self.position
        for needed, due in enumerate(self.dues_from(self.number)):
            if balance <= 0 and not half_even(accrued, whole, self.step):
                return needed
            if self.shown(balance) >= LARGEST:
                return needed
            part = max(due.position - position, 0)
            position += part
            interest = half_even(accrued + max(balance, 0) * self.rate * part, whole, self.step)
            accrued = 0
            balance -= min(self.payment, balance + interest) - interest
        return 1


def _scaled(rate: Decimal) -> int:
    return int(rate * RATE_SCALE)


def _in_order(terms: LoanTerms, anchors: Iterable[Anchor]) -> list[Change]:
    later_rates = [rate for rate in terms.rates if rate.on > terms.started_on]
    changes: list[Change] = [*later_rates, *terms.extra_payments, *anchors]
    return sorted(changes, key=lambda change: (change.on, ORDER.index(type(change))))
