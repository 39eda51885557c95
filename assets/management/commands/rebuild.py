"""rebuild: calculates the daily deltas and the monthly values again from the values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from assets.valuation import upkeep
from strata.commands import StrataCommand
from strata.db.command_locks import one_at_a_time
from strata.db.snapshot import one_snapshot
from strata.fields.ids import CANONICAL_ID

WAITS = "Another rebuild is running on this database: waiting for it."


class Command(StrataCommand):
    help = (
        "Rebuild the daily deltas and the monthly values of every portfolio from its values. Long series are read from "
        "them. Strata updates them with every write: run this only if doctor finds them wrong, or after rows were "
        "written without Strata. Stored totals are then calculated again as well, and reports get a new ETag."
    )
    examples = ("rebuild --dry-run", "rebuild", "rebuild --portfolio 0190a5b0-5f2c-7c3e-8a51-3f1f2b1c9d10")
    writes = True

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--portfolio", metavar="ID", help="Only this one.")

    def act(self, **options):
        if options["dry_run"]:
            with one_snapshot():  # a write during the comparison is not an error
                return self.go_through(upkeep.is_outdated, "Would rebuild", options)
        with one_at_a_time("rebuild", lambda: self.say(WAITS, options)):
            return self.go_through(self.rebuild_was_needed, "Rebuilt", options)

    def rebuild_was_needed(self, portfolio_id: UUID) -> bool:
        return self.in_transaction(lambda: upkeep.rebuild_was_needed(portfolio_id))

    def go_through(self, is_outdated: Callable[[UUID], bool], done: str, options: dict[str, Any]) -> None:
        ids = self.chosen(options["portfolio"])
        progress = self.progress("Portfolios", len(ids))
        wrong = []
        for portfolio_id in ids:
            if is_outdated(portfolio_id):
                wrong.append(portfolio_id)
            progress.advance()
        progress.end()
        self.say("\n".join([f"{done} {len(ids):,}; wrong were {len(wrong):,}.", *map(str, wrong)]), options)

    def chosen(self, portfolio_id: str | None) -> list:
        if portfolio_id is None:
            return list(upkeep.portfolios().values_list("pk", flat=True))
        known = CANONICAL_ID.fullmatch(portfolio_id) and upkeep.portfolios().filter(pk=portfolio_id).exists()
        if not known:
            raise CommandError("--portfolio: there is none with this id.")
        return [upkeep.portfolios().get(pk=portfolio_id).pk]
