"""Checks the terms of loans as a whole: their days are in order, and there is a rate from the first one on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db import models

from archives.files import refusals
from archives.files.container import Container
from archives.rows.contents import member_of
from archives.rows.tables import Row, parsed_line
from assets.models import Loan, LoanExtraPayment, LoanHoliday, LoanRate
from assets.rules.assets.terms import LoanDays, validate_days_of_loan
from strata.exceptions import StrataError


def check_terms(container: Container) -> None:
    rates, extras, holidays = (
        days_by_asset(container, model, *names)
        for model, names in (
            (LoanRate, ("on",)),
            (LoanExtraPayment, ("on",)),
            (LoanHoliday, ("start", "end")),
        )
    )
    for number, loan in rows_in(container, Loan):
        pk = loan["asset_id"]
        days = LoanDays(
            day(loan["started_on"]),
            day(loan["first_payment_on"]),
            sorted(on for (on,) in rates[pk]),
            sorted(on for (on,) in extras[pk]),
            sorted(holidays[pk]),
        )
        try:
            validate_days_of_loan(days)
        except StrataError as error:
            raise refusals.bad_row(member_of(Loan), number, error.message) from None


def rows_in(container: Container, model: type[models.Model]) -> Iterator[tuple[int, Row]]:
    member = member_of(model)
    for number, line in enumerate(container.lines(member), start=1):
        yield number, parsed_line(line, member, number)


def days_by_asset(
    container: Container, model: type[models.Model], *names: str
) -> defaultdict[str, list[Any]]:
    days: defaultdict[str, list[Any]] = defaultdict(list)
    for _number, row in rows_in(container, model):
        days[row["asset_id"]].append(tuple(day(row[name]) for name in names))
    return days


def day(text: str) -> date:
    return date.fromisoformat(text)
