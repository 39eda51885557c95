"""Totals written down, and kept true: a value of a day long gone may still be corrected.

A snapshot knows under which revision of its portfolio its total was counted. Where that is the portfolio's still,
the total stands; else it is counted anew when it is read, and stored by `refresh`, so that reading never writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from itertools import batched

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from assets.rates.store import rate_book_on
from assets.valuation import totals_on
from assets.valuation.series import Totals, convert_total, money
from portfolios.models import Portfolio
from reports.models import PortfolioSnapshot
from reports.queries.defaults import today_of
from reports.queries.totals import PortfolioTotal, portfolio_total, presented
from strata.audit import clock
from strata.fields.dates import noon
from strata.fields.numbers import money_text

COUNTED = ("value", "currency", "complete", "missing_rates", "revision")
AT_A_TIME = 500  # days counted together: bounds time and memory for a portfolio of many years


def take_snapshot(
    portfolio: Portfolio, *, on: date | None = None, note: str = "", manual: bool = True
) -> PortfolioSnapshot:
    """Write the portfolio's total down. A snapshot that is not manual is taken once a day; again gives the first.

    Refuses a day that is still to come where the portfolio is.
    """
    if on is not None and on > (today := today_of(portfolio)):
        raise ValidationError({"on": f"It lies after {today}, the portfolio's today."})
    total = portfolio_total(portfolio, on)
    row = PortfolioSnapshot(
        portfolio=portfolio,
        on=total.on,
        observed_at=instant(portfolio, on, manual=manual),
        note=note,
        manual=manual,
    )
    write_down(row, total, portfolio.revision)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        if manual:
            raise
        return PortfolioSnapshot.objects.get(portfolio=portfolio, on=total.on, manual=False)
    return row


def instant(portfolio: Portfolio, on: date | None, *, manual: bool) -> datetime:
    """Now, or noon of another day; the next moment where one of the other kind, by hand or by the clock, has that."""
    if on is None or on == today_of(portfolio):
        return timezone.now()
    at = noon(on, portfolio.time_zone)
    others = PortfolioSnapshot.objects.filter(portfolio=portfolio, on=on, manual=not manual)
    while others.filter(observed_at=at).exists():
        at += timedelta(microseconds=1)
    return at


def write_down(row: PortfolioSnapshot, total: PortfolioTotal, revision: int) -> bool:
    """Put the total on the row, unsaved; whether it is another than before."""
    before = [getattr(row, name) for name in COUNTED[:-1]]
    row.value, row.currency = money_text(total.value), total.currency
    row.complete, row.missing_rates, row.revision = total.complete, total.missing_rates, revision
    return before != [getattr(row, name) for name in COUNTED[:-1]]


def bring_up_to_date(rows: Iterable[PortfolioSnapshot]) -> list[PortfolioSnapshot]:
    """Count anew, in memory alone, what was counted under another revision; the rows that came out different.

    The portfolios must have been read with the rows, before anything is counted: so what changes meanwhile makes a
    total look older than it is, never newer.
    """
    stale: dict[Portfolio, list[PortfolioSnapshot]] = {}
    for row in rows:
        if row.revision != row.portfolio.revision or clock.known_at():  # what is stored may be of later
            stale.setdefault(row.portfolio, []).append(row)
    different = []
    for portfolio, own_rows in stale.items():
        totals = totals_of_days(portfolio, {row.on for row in own_rows})
        different += [row for row in own_rows if write_down(row, totals[row.on], portfolio.revision)]
    return different


def totals_of_days(portfolio: Portfolio, days: Collection[date]) -> dict[date, PortfolioTotal]:
    """What portfolio_total gives for each of the days, in a fixed number of queries."""
    days = sorted(days)
    totals = totals_on([portfolio.pk], days)
    currency = portfolio.base_currency
    rates = rate_book_on({currency, *(code for _, code in totals.columns)}, days)
    return {
        on: presented(convert_total(amounts(totals, number), currency, on=on, rates=rates), currency, on)
        for number, on in enumerate(days)
    }


def amounts(totals: Totals, number: int):
    """By currency, on the day of that number; ungrouped, so that each currency has one column."""
    return {
        currency: money(column.owned[number] + column.owed[number])
        for (_, currency), column in totals.columns.items()
    }


def refresh(portfolio: Portfolio) -> int:
    """Store anew what was counted under another revision; how many totals came out different.

    Only those leave a line in the journal: that a total was looked at and stands is no change.
    """
    changed = 0
    for batch in batched(outdated(portfolio), AT_A_TIME):
        different = bring_up_to_date(batch)
        with transaction.atomic():
            rest = {row.pk for row in batch} - {row.pk for row in different}
            PortfolioSnapshot.objects.filter(pk__in=rest).update_unrecorded(revision=portfolio.revision)
            if different:
                PortfolioSnapshot.objects.bulk_update(different, COUNTED)
        changed += len(different)
    return changed


def outdated(portfolio: Portfolio) -> list[PortfolioSnapshot]:
    rows = list(PortfolioSnapshot.objects.filter(portfolio=portfolio).exclude(revision=portfolio.revision))
    for row in rows:
        row.portfolio = portfolio
    return sorted(rows, key=lambda row: row.on)
