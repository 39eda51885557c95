"""take_snapshots: stores each portfolio's total once a day, and updates the earlier ones. For cron."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import partial

from django.core.management.base import CommandError
from django.db import DatabaseError

from assets.valuation.forgotten.changed_settings import notice_changed_settings
from assets.valuation.forgotten.deriving_again import derive_again
from portfolios.models import Portfolio
from reports.models import PortfolioSnapshot
from reports.queries import today_of
from reports.services.portfolio_snapshots import count_outdated, refresh, take_snapshot
from strata.audit import deletions
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
    finishes_deletions = True

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--on",
            type=calendar_day,
            metavar="YYYY-MM-DD",
            help="For this day instead of each portfolio's today.",
        )

    def handle(self, *args, **options):
        if not options["dry_run"]:
            notice_changed_settings()
        # What is hidden is being removed, or written.
        portfolios = Portfolio.objects.exclude(household__in=deletions.hiding_households()).order_by("id")
        progress = self.progress("Portfolios", portfolios.count())
        counts, failed = Counter(), []
        for portfolio in portfolios.iterator(chunk_size=500):
            try:
                counts += self.store(portfolio, options["on"], dry_run=options["dry_run"])
            except (DatabaseError, StrataError) as error:  # the other portfolios are still stored
                failed.append(f"{portfolio.pk}: {error}")
            progress.advance()
        progress.end()
        stored, recalculated = "Stored", "recalculated"
        if options["dry_run"]:
            stored, recalculated = "Would store", "would recalculate"
        self.say(
            f"{stored} {counts['new']:,}; already there: {counts['known']:,}; {recalculated}: {counts['updated']:,}."
        )
        if failed:
            raise CommandError("\n".join(["Not stored:", *failed]))

    def store(self, portfolio: Portfolio, on: date | None, *, dry_run: bool) -> Counter[str]:
        """Store the total of the day, unless it is there, and update earlier ones. Returns what was done."""
        is_new = not self.is_taken(portfolio, on)
        if not dry_run:
            derive_again([portfolio.pk])
        if dry_run:
            updated = count_outdated(portfolio)
        else:
            if is_new:
                self.in_transaction(partial(take_snapshot, portfolio.pk, on=on, manual=False))
            updated = self.in_transaction(partial(refresh, portfolio.pk))
        return Counter(new=is_new, known=not is_new, updated=updated)

    def is_taken(self, portfolio: Portfolio, on: date | None) -> bool:
        day = on or today_of(portfolio)
        return PortfolioSnapshot.objects.filter(portfolio=portfolio, on=day, manual=False).exists()
