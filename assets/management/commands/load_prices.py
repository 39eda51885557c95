"""load_prices: loads prices of instruments from a file, or from the sources that are set up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from assets.models import Instrument, PriceSource
from assets.models.querysets import zones_of
from assets.prices.fetch_process import slot
from assets.prices.planning import Plan
from assets.prices.readers import BadTable, Line, lines_of
from assets.services.instruments.price_fetching import fetch_each, linked_instruments, pending
from assets.services.instruments.price_rows import (
    by_instrument,
    latest_today,
    names_found,
    rows_by_name,
    table_rows,
)
from assets.services.instruments.prices import LoadTerms, Recorded, record_prices
from portfolios.models import Portfolio
from strata.commands import StrataCommand, calendar_day
from strata.fields.ids import CANONICAL_ID
from strata.fields.names import name_key, validate_name
from strata.tenancy.batches import AllRowsRefused, Refusals

SOURCE_LENGTH = 100
MOST_NAMED = 1000


class Command(StrataCommand):
    help = (
        "Load prices of instruments from a CSV file with the columns instrument,on,price, where the instrument is an "
        "id, an ISIN or a symbol. Prices are only added: a newer price of the same day replaces the older one. Bad "
        "lines are named, and the others are loaded together. --provider asks one price source for all its "
        "instruments, --all asks the sources of every instrument in turn, for example once a day."
    )
    examples = (
        "load_prices --all",
        "load_prices --provider bar --dry-run",
        "load_prices prices.csv --dry-run",
        "load_prices prices.csv --source broker",
        "load_prices adjusted.csv --split-adjusted --adjusted-to 2026-01-31",
    )
    writes = True
    finishes_deletions = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        origin = parser.add_mutually_exclusive_group(required=True)
        origin.add_argument("path", nargs="?", type=Path, help="A CSV file.")
        origin.add_argument("--provider", metavar="NAME", help="Ask this price source.")
        origin.add_argument("--all", action="store_true", help="Ask the sources of every instrument.")
        origin.add_argument("--instrument", metavar="ID", help="Ask the sources of this instrument.")
        parser.add_argument("--source", default="file", help="Where the prices are from (default: file).")
        parser.add_argument(
            "--split-adjusted",
            action="store_true",
            help="The prices are divided by later splits: they are converted back.",
        )
        parser.add_argument(
            "--adjusted-to",
            type=calendar_day,
            metavar="DAY",
            help="Up to which day they are divided by splits (default: today).",
        )
        parser.add_argument(
            "--accept-jumps", action="store_true", help="Also load prices a hundred times off."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        latest = latest_today(timezone.now(), zones_of(Portfolio.objects.all()))
        if options["path"] is None:
            self.ask_sources(latest, options)
        else:
            self.load_file(latest, options)

    # --- from sources ---

    def ask_sources(self, latest: date, options: dict[str, Any]) -> None:
        """A line for each instrument. Exit 1 where one has failed."""
        instruments, source = self.wanted(options)
        if options["instrument"]:
            with slot() as is_free:
                failed = self.fetch(instruments, latest, source, options) if is_free else 0
        else:
            failed = self.fetch(instruments, latest, source, options)
        if failed:
            raise CommandError(f"{failed:,} of the instruments have failed.")

    def wanted(self, options: dict[str, Any]) -> tuple[list[Instrument], PriceSource | None]:
        if options["instrument"]:
            pk = options["instrument"]
            rows = Instrument.objects.filter(pk=pk) if CANONICAL_ID.fullmatch(pk) else ()
            if not rows:
                raise CommandError("There is no instrument with this id.")
            return list(rows), None
        if options["all"]:
            return list(linked_instruments()), None
        source = PriceSource.objects.filter(name_key=name_key(options["provider"])).first()
        if source is None:
            raise CommandError(f"There is no price source {options['provider']}.")
        if not source.enabled:
            raise CommandError(f"The price source {source} is not enabled.")
        return list(linked_instruments(source)), source

    def fetch(
        self,
        instruments: list[Instrument],
        latest: date,
        source: PriceSource | None,
        options: dict[str, Any],
    ) -> int:
        """Fetch, and then what users have requested meanwhile. Returns how many have failed."""
        progress = self.progress("Instruments", len(instruments))
        failed, done = 0, set[UUID]()
        while instruments:
            for fetched in fetch_each(instruments, latest, source=source, dry_run=options["dry_run"]):
                progress.advance()
                self.say(f"{fetched.instrument}: {fetched.outcome}")
                failed += fetched.plan is None
            done |= {instrument.pk for instrument in instruments}
            source, instruments = None, [] if options["dry_run"] else list(pending().exclude(pk__in=done))
        progress.end()
        return failed

    # --- from a file ---

    def load_file(self, latest: date, options: dict[str, Any]) -> None:
        terms = terms_of(options, latest)
        refusals, bad_rows = Refusals(), Counter[str]()
        rows = counting_refused(table_rows(self.lines(options["path"]), refusals), refusals, bad_rows)
        by_name = rows_by_name(rows, refusals, latest=latest)
        if not by_name and not refusals:
            raise CommandError(f"{options['path']}: it has no prices.")
        ids_by_name = names_found(by_name.keys(), Instrument.objects.all())
        prices = by_instrument(by_name, ids_by_name, refusals)

        def record() -> Recorded:
            return record_prices(prices, terms, refusals=refusals, dry_run=options["dry_run"])

        try:
            recorded = self.in_transaction(record)
        except AllRowsRefused:
            recorded = Recorded(None, {}, refusals)
        for name, pk in ids_by_name.items():
            if isinstance(pk, UUID) and (plan := recorded.plans.get(pk)):
                plan.refused += bad_rows[name]
        self.report(recorded, would="Would load: " if options["dry_run"] else "")

    def lines(self, path: Path) -> Iterator[Line]:
        """The lines of the file, with progress."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                progress = self.progress("Prices", path.stat().st_size)

                def text() -> Iterator[str]:
                    for line in file:
                        progress.advance(len(line))
                        yield line

                yield from lines_of(text())
                progress.end()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise CommandError(f"{path}: it is not UTF-8. Nothing was loaded.") from None
        except BadTable as error:
            raise CommandError(f"{path}: {error} Nothing was loaded.") from None

    def report(self, recorded: Recorded, would: str) -> None:
        """A line for each instrument, and one for each refused line of the file. Exit 1 where any was refused."""
        refused = recorded.refusals.one_for_each_row()
        symbols = dict(
            Instrument.objects.filter(pk__among=list(recorded.plans)).values_list("pk", "symbol").order_by()
        )
        for pk, plan in sorted(recorded.plans.items(), key=lambda item: symbols[item[0]]):
            self.say(f"{would}{symbols[pk]}: {counts_text(plan)}")
        for row, error in refused[:MOST_NAMED]:
            self.say(f"line {row}: {error.message}")
        if more := refused[MOST_NAMED:]:
            self.say(f"and {len(more):,} more lines")
        if refused:
            raise CommandError(f"{len(refused):,} lines were refused.")


def counting_refused[Row: tuple[Any, ...]](
    rows: Iterable[Row], refusals: Refusals, bad_rows: Counter[str]
) -> Iterator[Row]:
    """The rows; counts those, by the instrument that they name, which whoever reads them refuses at once."""
    for row in rows:
        yield row
        if row[0] in refusals:
            bad_rows[row[1]] += 1


def counts_text(plan: Plan) -> str:
    """As in: 12 created, 0 replaced, 3 skipped, 2 refused."""
    outcomes = ("created", "replaced", "skipped", "refused")
    return ", ".join(f"{getattr(plan, outcome):,} {outcome}" for outcome in outcomes)


def terms_of(options: dict[str, Any], latest: date) -> LoadTerms:
    if options["adjusted_to"] and not options["split_adjusted"]:
        raise CommandError("--adjusted-to is only for --split-adjusted.")
    try:
        source = validate_name(options["source"], max_length=SOURCE_LENGTH)
    except ValidationError as error:
        raise CommandError(f"--source: {error.messages[0]}") from None
    adjusted_to = options["adjusted_to"] or latest
    return LoadTerms(
        source=source,
        adjusted_to=adjusted_to if options["split_adjusted"] else None,
        accept_jumps=options["accept_jumps"],
    )
