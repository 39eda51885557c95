"""rebuild: calculates packed prices, deltas, monthly values and gaps again from what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import batched
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from assets.models import RatesVersion
from assets.prices import store as prices
from assets.valuation import months, upkeep
from assets.valuation.forgotten.changed_settings import notice_changed_settings
from strata.commands import StrataCommand
from strata.db.command_locks import one_at_a_time
from strata.db.consistent_read import consistent_read
from strata.fields.ids import CANONICAL_ID

WAITS = "Another rebuild is running on this database: waiting for it."


class Command(StrataCommand):
    help = (
        "Rebuild the internal tables that reports read from. Safe at any time. Strata updates them with every write: "
        "needed only if doctor finds them wrong, or after rows were written without Strata. --forget empties them and "
        "ends: what the next report needs is then made again, from what was recorded."
    )
    examples = (
        "rebuild --dry-run",
        "rebuild",
        "rebuild --portfolio 0190a5b0-5f2c-7c3e-8a51-3f1f2b1c9d10",
        "rebuild --forget",
    )
    writes = True
    finishes_deletions = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--portfolio", metavar="ID", help="Only this one.")
        parser.add_argument(
            "--forget",
            action="store_true",
            help="Only empty the tables. Every answer stays right; the next one of a portfolio takes longer.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["forget"]:
            self.forget(options)
        elif options["dry_run"]:
            with consistent_read():  # a write during the comparison is not an error
                self.report_prices("Would rebuild", self.wrong_prices(options, prices.wrong_packs))
                ids = self.portfolio_ids(options["portfolio"])
                wrong = [pk for pk in self.with_progress(ids) if upkeep.is_outdated(pk)]
            self.report("Would rebuild", ids, wrong)
        else:
            with one_at_a_time("rebuild", lambda: self.say(WAITS)):
                notice_changed_settings()
                self.in_transaction(RatesVersion.renew)  # rates may have been written without Strata too
                # Values are calculated from prices, so these come first.
                self.report_prices("Rebuilt", self.wrong_prices(options, self.rebuild_prices))
                ids = self.portfolio_ids(options["portfolio"])
                if not options["portfolio"]:
                    self.in_transaction(months.of_no_asset().delete)
                wrong = [pk for pk in self.with_progress(ids) if self.compare_and_rebuild(pk)]
            self.report("Rebuilt", ids, wrong)

    def forget(self, options: dict[str, Any]) -> None:
        """A portfolio or some instruments in a transaction: a command that is killed has forgotten the first ones."""
        ids = self.portfolio_ids(options["portfolio"])
        instrument_ids = [] if options["portfolio"] else prices.instruments_with_prices()
        if not options["dry_run"]:
            for portfolio_id in self.with_progress(ids):
                self.in_transaction(partial(upkeep.forget, portfolio_id))
            for batch in batched(instrument_ids, prices.INSTRUMENTS_AT_A_TIME):
                self.in_transaction(partial(prices.forget_packs, batch))
        done = "Would forget" if options["dry_run"] else "Forgot"
        self.say(
            f"{done} what was derived of {len(ids):,} portfolios and {len(instrument_ids):,} instruments."
        )

    def portfolio_ids(self, given: str | None) -> list[UUID]:
        """The id given by --portfolio, or those of all portfolios."""
        rows = upkeep.portfolios()
        if given is not None:
            rows = rows.filter(pk=given) if CANONICAL_ID.fullmatch(given) else rows.none()
        ids = list(rows.values_list("pk", flat=True))
        if given is not None and not ids:
            raise CommandError("There is no portfolio with this id.")
        return ids

    def wrong_prices(
        self, options: dict[str, Any], compare: Callable[[Collection[UUID]], list[tuple[UUID, int]]]
    ) -> list[tuple[UUID, int]]:
        """The instruments and years whose packed prices are wrong. Instruments are in no portfolio."""
        ids = [] if options["portfolio"] else prices.instruments_with_prices()
        return [key for batch in batched(ids, prices.INSTRUMENTS_AT_A_TIME) for key in compare(batch)]

    def rebuild_prices(self, instrument_ids: Collection[UUID]) -> list[tuple[UUID, int]]:
        return self.in_transaction(lambda: prices.rebuild_packs(instrument_ids))

    def report_prices(self, done: str, wrong: list[tuple[UUID, int]]) -> None:
        for instrument_id, year in wrong:
            self.say(f"{done} the prices of instrument {instrument_id} in {year}.")

    def compare_and_rebuild(self, portfolio_id: UUID) -> bool:
        return self.in_transaction(lambda: upkeep.compare_and_rebuild(portfolio_id))

    def with_progress(self, ids: list[UUID]) -> Iterator[UUID]:
        progress = self.progress("Portfolios", len(ids))
        for portfolio_id in ids:
            yield portfolio_id
            progress.advance()
        progress.end()

    def report(self, done: str, ids: list[UUID], wrong: list[UUID]) -> None:
        """One line with the counts, and the id of each portfolio that needed repair."""
        self.say("\n".join([f"{done} {len(ids):,}; {len(wrong):,} needed repair.", *map(str, wrong)]))
