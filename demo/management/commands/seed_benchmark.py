"""seed_benchmark: creates invented households with many assets and values, for measurements."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from demo.benchmark import Size, analyze, make_benchmark_household
from strata.commands import StrataCommand, positive
from strata.fields.dates import FIRST_YEAR

MOST_SPAN_DAYS = 365 * 200


class Command(StrataCommand):
    help = (
        "Add invented households with many values to the database, for measurements. Prints the id of each new "
        "portfolio. The owners (benchmark-N) cannot log in: create a token with create_token."
    )
    examples = (
        "seed_benchmark --households 1 --assets 1000 --snapshots 365",
        "seed_benchmark --households 14 --assets 1000 --snapshots 365 --span-days 365",
    )
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--households", type=positive, default=1)
        parser.add_argument("--assets", type=positive, default=1000, help="Per household (default 1000).")
        parser.add_argument("--snapshots", type=positive, default=365, help="Per asset (default 365).")
        parser.add_argument(
            "--span-days", type=positive, default=365, help="The days they spread over (default 365)."
        )
        parser.add_argument("--no-journal", action="store_true", help="Leave out the snapshots' history.")

    def handle(self, *args: Any, **options: Any) -> None:
        size = Size(options["assets"], options["snapshots"], options["span_days"])
        if size.span_days > MOST_SPAN_DAYS:
            raise CommandError(
                f"--span-days: at most {MOST_SPAN_DAYS}, as days begin in the year {FIRST_YEAR}."
            )
        total = options["households"] * size.assets * size.snapshots
        if options["dry_run"]:
            self.say(f"Would make {options['households']:,} households with {total:,} snapshots.")
            return
        progress, now = self.progress("Snapshots", total), timezone.now()
        for name in self.free_names(options["households"]):
            make = partial(make_benchmark_household, name, size, now=now, journal=not options["no_journal"])
            portfolio = self.in_transaction(partial(make, advance=progress.advance))
            self.say(f"{name} {portfolio.pk}")
        progress.end()
        analyze()

    def free_names(self, count: int) -> list[str]:
        taken = set(get_user_model().objects.values_list("username", flat=True))
        names = (f"benchmark-{number}" for number in range(1, len(taken) + count + 1))
        return [name for name in names if name not in taken][:count]
