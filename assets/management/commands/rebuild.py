"""rebuild: makes what is derived from the values anew."""

from __future__ import annotations

from django.core.management.base import CommandError

from assets import derived
from strata.api.viewsets import CANONICAL_ID
from strata.commands import StrataCommand


class Command(StrataCommand):
    help = (
        "Make the daily steps and the packed months of every portfolio, from which long series are read, anew from its "
        "values. Strata keeps them by itself: this is for what doctor finds wrong, or after rows were written past "
        "Strata. Totals that were written down are counted anew as well, and reports have another ETag."
    )
    examples = ("rebuild --dry-run", "rebuild", "rebuild --portfolio 0190a5b0-5f2c-7c3e-8a51-3f1f2b1c9d10")
    writes = True

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--portfolio", metavar="ID", help="Only this one.")

    def act(self, **options):
        ids = self.chosen(options["portfolio"])
        progress = self.progress("Portfolios", len(ids))
        wrong = []
        for portfolio_id in ids:
            if derived.is_wrong(portfolio_id):
                wrong.append(portfolio_id)
            if not options["dry_run"]:
                derived.rebuild(portfolio_id)
            progress.advance()
        progress.end()
        done = "Would rebuild" if options["dry_run"] else "Rebuilt"
        self.say("\n".join([f"{done} {len(ids):,}; wrong were {len(wrong):,}.", *map(str, wrong)]), options)

    def chosen(self, portfolio_id: str | None) -> list:
        if portfolio_id is None:
            return list(derived.portfolios().values_list("pk", flat=True))
        known = CANONICAL_ID.fullmatch(portfolio_id) and derived.portfolios().filter(pk=portfolio_id).exists()
        if not known:
            raise CommandError("--portfolio: there is none with this id.")
        return [derived.portfolios().get(pk=portfolio_id).pk]
