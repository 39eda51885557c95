"""Stores the totals of portfolios, and keeps them correct: a value of a past day may still change.

A snapshot has the revision that its portfolio had when the total was calculated. If the portfolio still has that
revision, the total is current. Otherwise it is calculated again when it is read, but only `refresh` stores it: reading
never writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.rates.store import rate_book_on
from assets.valuation import price_gaps, totals_on
from assets.valuation.series import Totals, convert_total, money
from portfolios.models import Portfolio
from reports.models import PortfolioSnapshot
from reports.queries.defaults import today_of
from reports.queries.totals import PortfolioTotal, portfolio_total, presented
from strata.audit import clock
from strata.exceptions import Conflict, Invalid
from strata.fields.active_formats import day_text
from strata.fields.dates import noon
from strata.fields.numbers import money_text
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    conflict_if_duplicate,
    locked_parent,
    locked_row,
    save_changes,
)

DUPLICATE = Conflict("DUPLICATE_SNAPSHOT", _("There is a snapshot of this day."), "on")
COUNTED = ("value", "currency", "complete", "missing_rates", "missing_prices", "revision")
AT_A_TIME = 500  # days calculated together: limits time and memory for a portfolio of many years


@atomic_write
def take_snapshot(
    portfolio_id: UUID,
    *,
    on: date | None = None,
    note: str = "",
    manual: bool = True,
    precondition: Precondition = always,
) -> PortfolioSnapshot:
    """Store the portfolio's total. There is one automatic snapshot per day: taking it again returns the first.

    400 for a day in the future, in the portfolio's time zone. 409 DUPLICATE_SNAPSHOT for a second manual one of a past
    day.
    """
    portfolio = locked_parent(PortfolioSnapshot, Portfolio.objects.all(), portfolio_id, "portfolio")
    precondition(portfolio)
    today = today_of(portfolio)
    if on is not None and on > today:
        message = gettext("It lies after %(day)s, the portfolio's today.")
        raise Invalid("on", message % {"day": day_text(today)})
    if not manual and (taken := automatic_snapshot(portfolio, on or today)):
        return taken
    total = portfolio_total(portfolio, on)
    row = PortfolioSnapshot(
        portfolio=portfolio,
        on=total.on,
        observed_at=instant(portfolio, on, manual=manual),
        note=note,
        manual=manual,
    )
    write_down(row, total, portfolio.revision)
    with conflict_if_duplicate(
        PortfolioSnapshot, DUPLICATE, key={"on": row.on, "observed_at": row.observed_at}
    ):
        row.save()
    return row


@atomic_write
def update_snapshot(
    snapshot_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> PortfolioSnapshot:
    """Change the note of a manual snapshot. 409 TAKEN_SNAPSHOT for an automatic one."""
    row = locked_row(PortfolioSnapshot.objects.select_related("portfolio"), snapshot_id, "snapshot")
    precondition(row)
    require_manual(row)
    save_changes(row, changes)
    return row


@atomic_write
def delete_snapshot(snapshot_id: UUID, *, precondition: Precondition = always) -> None:
    """Delete a manual snapshot. 409 TAKEN_SNAPSHOT for an automatic one."""
    rows = PortfolioSnapshot.objects.select_related("portfolio")
    row = locked_row(rows, snapshot_id, "snapshot", for_delete=True)
    precondition(row)
    require_manual(row)
    row.delete()


SNAPSHOTS = Service(create=take_snapshot, update=update_snapshot, delete=delete_snapshot)


def require_manual(row: PortfolioSnapshot) -> None:
    if not row.manual:
        message = gettext("It was taken automatically: only those taken by hand can be changed.")
        raise Conflict("TAKEN_SNAPSHOT", message)


def automatic_snapshot(portfolio: Portfolio, on: date) -> PortfolioSnapshot | None:
    return PortfolioSnapshot.objects.filter(portfolio=portfolio, on=on, manual=False).first()


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
    row.complete, row.revision = total.complete, revision
    row.missing_rates, row.missing_prices = total.missing_rates, total.missing_prices
    return before != [getattr(row, name) for name in COUNTED[:-1]]


def bring_up_to_date(rows: Iterable[PortfolioSnapshot]) -> list[PortfolioSnapshot]:
    """Calculate outdated totals again, in memory only. Returns the rows whose total has changed.

    The portfolios must have been read together with the rows, before this calculates: then a concurrent change makes a
    total look older than it is, never newer.
    """
    stale: dict[Portfolio, list[PortfolioSnapshot]] = {}
    for row in rows:
        # The stored total may be of a later state.
        if row.revision != row.portfolio.revision or clock.known_at():
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
    rates = rate_book_on({currency, *(code for _, code in totals.columns)}, days, portfolios=[portfolio])
    missing = price_gaps(totals.gaps, days)
    return {
        on: presented(
            convert_total(amounts(totals, number), currency, on=on, rates=rates),
            currency,
            on,
            missing.get(on, ()),
        )
        for number, on in enumerate(days)
    }


def amounts(totals: Totals, number: int) -> dict[str, Decimal]:
    """The amounts by currency on the day with that number. `totals` is not grouped: each currency has one column."""
    return {
        currency: money(column.owned[number] + column.owed[number])
        for (_, currency), column in totals.columns.items()
    }


@atomic_write
def refresh(portfolio_id: UUID) -> int:
    """Calculate the portfolio's outdated totals again and store them. Returns how many have changed.

    Only totals that have changed are recorded in the journal.
    """
    portfolio = locked_parent(PortfolioSnapshot, Portfolio.objects.all(), portfolio_id, "portfolio")
    changed = 0
    for batch in batched(outdated(portfolio), AT_A_TIME):
        different = bring_up_to_date(batch)
        rest = {row.pk for row in batch} - {row.pk for row in different}
        PortfolioSnapshot.objects.filter(pk__in=rest).update_unrecorded(revision=portfolio.revision)
        if different:
            PortfolioSnapshot.objects.bulk_update(different, COUNTED)
        changed += len(different)
    return changed


def count_outdated(portfolio: Portfolio) -> int:
    """How many totals `refresh` would change. It writes nothing."""
    return sum(len(bring_up_to_date(batch)) for batch in batched(outdated(portfolio), AT_A_TIME))


def outdated(portfolio: Portfolio) -> list[PortfolioSnapshot]:
    rows = list(PortfolioSnapshot.objects.filter(portfolio=portfolio).exclude(revision=portfolio.revision))
    for row in rows:
        row.portfolio = portfolio
    return sorted(rows, key=lambda row: row.on)
