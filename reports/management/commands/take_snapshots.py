"""take_snapshots: stores each portfolio's total once a day, and updates the earlier ones. For cron."""

from __future__ import annotations

from datetime import date
from functools import partial

from django.core.management.base import CommandError
from django.db import DatabaseError

from portfolios.models import Portfolio
from reports.models import PortfolioSnapshot
from reports.queries import today_of
from reports.services.portfolio_snapshots import count_outdated, refresh, take_snapshot
from strata.commands import StrataCommand, calendar_day
from strata.exceptions import StrataError


class Command(StrataCommand):
    help = (
        "Save today's total of each portfolio (for cron). Running it again adds nothing; totals saved before are "
        "recalculated if something that they depend on has changed."
    )
    examples = (
        "take_snapshots",
        "take_snapshots --on 2026-01-31 --dry-run",
        "take_snapshots -v 0   # for cron",
    )
    writes = True

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--on",
            type=calendar_day,
            metavar="YYYY-MM-DD",
            help="For this day instead of each portfolio's today.",
        )

    def handle(self, *args, **options):
        on, is_dry_run = options["on"], options["dry_run"]
        portfolios = Portfolio.objects.order_by("id")
        progress = self.progress("Portfolios", portfolios.count())
        taken = known = updated = 0
        failed: list[str] = []
        for portfolio in portfolios.iterator(chunk_size=500):
            new = not self.is_taken(portfolio, on)
            try:
                if new and not is_dry_run:
                    self.in_transaction(partial(take_snapshot, portfolio.pk, on=on, manual=False))
                if is_dry_run:
                    updated += count_outdated(portfolio)
                else:
                    updated += self.in_transaction(partial(refresh, portfolio.pk))
                if new:
                    taken += 1
                else:
                    known += 1
            except (DatabaseError, StrataError) as error:  # the other portfolios are still stored
                failed.append(f"{portfolio.pk}: {error}")
            progress.advance()
        progress.end()
        stored, recalculated = (
            ("Would store", "would recalculate") if is_dry_run else ("Stored", "recalculated")
        )
        self.say(f"{stored} {taken:,}; already there: {known:,}; {recalculated}: {updated:,}.")
        if failed:
            raise CommandError("\n".join(["Not stored:", *failed]))

    def is_taken(self, portfolio: Portfolio, on: date | None) -> bool:
        day = on or today_of(portfolio)
        return PortfolioSnapshot.objects.filter(portfolio=portfolio, on=day, manual=False).exists()
