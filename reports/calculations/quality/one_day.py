"""Checks of one asset on a day: its last value, and its days of acquisition and disposal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from assets.rates.book import MissingRate, RateBook
from assets.valuation.series import money
from reports.calculations.quality.codes import Code
from reports.calculations.quality.examined import Examined, plain
from reports.calculations.quality.finding import (
    Finding,
    Severity,
)

CREDIT_CARD = "CREDIT_CARD"  # the code of the shared type; its balance may be above zero for a while


def after_its_disposal(asset: Examined, on: date) -> Iterator[Finding]:
    """The last value that counts nothing: after the disposal, or on its day if there is no earlier value.

    A value on the day of the disposal, after earlier values, is usual and no error.
    """
    past = asset.history
    if past.disposed_on is None or not past.days:
        return
    had_a_value = asset.first_on is not None and asset.first_on < past.disposed_on
    first = past.disposed_on + timedelta(days=1) if had_a_value else past.disposed_on
    for day, value in zip(reversed(past.days), reversed(past.amounts), strict=True):
        if first <= day <= on and value:
            message = (
                f"The value of this day counts nothing: it was disposed of on {past.disposed_on}. "
                "If that was a mistake, reinstate it; what was bought again is a new asset."
            )
            facts = (day, past.disposed_on, plain(value))
            params = {"disposed_on": past.disposed_on}
            yield Finding(
                Code.VALUE_AFTER_DISPOSAL, asset.asset, day, message, "warning", facts=facts, params=params
            )
            return


def acquired_late(asset: Examined, on: date) -> Iterator[Finding]:
    """The asset has a value from before the day of its acquisition."""
    first, acquired = asset.first_on, asset.acquired_on
    if acquired is not None and first is not None and first <= on and first < acquired:
        message = f"It was acquired on {acquired}, but has a value of {first} already."
        params = {"acquired_on": acquired, "on": first}
        facts = (acquired, first)
        yield Finding(
            Code.ACQUIRED_AFTER_FIRST_VALUE,
            asset.asset,
            first,
            message,
            "warning",
            facts=facts,
            params=params,
        )


def no_value(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if not asset.history.days:
        yield Finding(Code.NO_VALUE, asset.asset, None, "It has no value yet.", "warning")


def stale(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if asset.is_computed:
        return
    if asset.history.days and (age := (on - asset.history.days[-1]).days) > asset.stale_after_days:
        message = f"Its value is {age} days old; for its type {asset.stale_after_days} are usual."
        params = {"age": age, "expected": asset.stale_after_days}
        yield Finding(
            Code.STALE_VALUE, asset.asset, asset.history.days[-1], message, "warning", params=params
        )


def without_a_rate(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if not asset.history.amounts or not asset.history.amounts[-1]:
        return
    try:
        rates.rate(asset.history.currency, currency, on=on)
    except MissingRate as gap:
        message = (
            f"There is no rate for {gap.currency} on {on} or shortly before: totals leave it out. "
            "Rates come by load_rates, or from a superuser."
        )
        params = {"currency": gap.currency, "on": on}
        yield Finding(
            Code.MISSING_RATE, asset.asset, on, message, "warning", facts=(gap.currency,), params=params
        )


def positive_liability(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if asset.liability and asset.history.amounts and asset.history.amounts[-1] > 0:
        day, value = asset.history.days[-1], asset.history.amounts[-1]
        severity: Severity = "note" if asset.type == CREDIT_CARD else "warning"
        message = "What is owed has a negative value; this one counts as owned."
        facts = (day, plain(value))
        yield Finding(Code.POSITIVE_LIABILITY, asset.asset, day, message, severity, facts=facts)


def drift(asset: Examined, on: date, currency: str, rates: RateBook) -> Iterator[Finding]:
    if asset.drift is not None:
        day, recorded, scheduled = asset.drift
        message = f"It was recorded as {plain(recorded)}, and its schedule says {plain(scheduled)}."
        facts = (day, plain(recorded), plain(scheduled))
        params = {"on": day, "recorded": money(recorded), "scheduled": money(scheduled)}
        yield Finding(Code.LOAN_DRIFT, asset.asset, day, message, "warning", facts=facts, params=params)
