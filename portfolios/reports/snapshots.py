"""A portfolio's total, written down."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from portfolios.models import Portfolio, PortfolioSnapshot
from portfolios.reports.totals import portfolio_total, today_of
from strata.days import noon
from strata.money import money_text


def take_snapshot(portfolio: Portfolio, *, on: date | None = None, note: str = "", manual: bool = True):
    """Write the portfolio's total down. A snapshot that is not manual is taken once a day; again gives the first."""
    total = portfolio_total(portfolio, on)
    row = PortfolioSnapshot(
        portfolio=portfolio,
        on=total.on,
        observed_at=noon(on, portfolio.time_zone) if on and on != today_of(portfolio) else timezone.now(),
        value=money_text(total.value),
        currency=total.currency,
        complete=total.complete,
        missing_rates=total.missing_rates,
        note=note,
        manual=manual,
    )
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        if manual:
            raise
        return PortfolioSnapshot.objects.get(portfolio=portfolio, on=total.on, manual=False)
    return row
