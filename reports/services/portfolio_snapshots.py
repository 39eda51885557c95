"""Stores the totals of portfolios, and keeps them correct: a value of a past day may still change.

A snapshot has the revision that its portfolio had when the total was calculated. If the portfolio still has that
revision, the total is current. Otherwise it is calculated again when it is read, but only `refresh` stores it: reading
never writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
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
AT_A_TIME = 500  # days calculated together: limits time and memory for a portfolio of many years


def take_snapshot(
    portfolio: Portfolio, *, on: date | None = None, note: str = "", manual: bool = True
) -> PortfolioSnapshot:
    """Store the portfolio's total. There is one automatic snapshot per day: taking it again returns the first.

    Refuses a day in the future, in the portfolio's time zone.
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
    """Now, or noon of another day; a microsecond later if the day's manual (or automatic) snapshot has that instant."""
    if on is None or on == today_of(portfolio):
        return timezone.now()
    at = noon(on, portfolio.time_zone)
    others = PortfolioSnapshot.objects.filter(portfolio=portfolio, on=on, manual=not manual)
    while others.filter(observed_at=at).exists():
        at += timedelta(microseconds=1)
    return at


def write_down(row: PortfolioSnapshot, total: PortfolioTotal, revision: int) -> bool:
    """Set the total on the row without saving it. Returns whether it differs from before."""
    before = [getattr(row, name) for name in COUNTED[:-1]]
    row.value, row.currency = money_text(total.value), total.currency
    row.complete, row.missing_rates, row.revision = total.complete, total.missing_rates, revision
    return before != [getattr(row, name) for name in COUNTED[:-1]]


def bring_up_to_date(rows: Iterable[PortfolioSnapshot]) -> list[PortfolioSnapshot]:
    """Calculate outdated totals again, in memory only. Returns the rows whose total has changed.

    The portfolios must have been read together with the rows, before this calculates: then a concurrent change makes a
    total look older than it is, never newer.
    """
    stale: dict[Portfolio, list[PortfolioSnapshot]] = {}
    for row in rows:
        if (
            row.revision != row.portfolio.revision or clock.known_at()
        ):  # the stored total may be of a later state
            stale.setdefault(row.portfolio, []).append(row)
    different = []
    for portfolio, own_rows in stale.items():
        totals = totals_of_days(portfolio, {row.on for row in own_rows})
        different += [row for row in own_rows if write_down(row, totals[row.on], portfolio.revision)]
    return different


def totals_of_days(portfolio: Portfolio, days: Collection[date]) -> dict[date, PortfolioTotal]:
    """The same as portfolio_total for each of the days, in a fixed number of queries."""
    days = sorted(days)
    totals = totals_on([portfolio.pk], days)
    currency = portfolio.base_currency
    rates = rate_book_on({currency, *(code for _, code in totals.columns)}, days)
    return {
        on: presented(convert_total(amounts(totals, number), currency, on=on, rates=rates), currency, on)
        for number, on in enumerate(days)
    }


def amounts(totals: Totals, number: int) -> dict[str, Decimal]:
    """The amounts by currency on the day with that number. `totals` is not grouped: each currency has one column."""
    return {
        currency: money(column.owned[number] + column.owed[number])
        for (_, currency), column in totals.columns.items()
    }


def refresh(portfolio: Portfolio) -> int:
    """Calculate the portfolio's outdated totals again and store them. Returns how many have changed.

    Only totals that have changed are recorded in the journal.
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
