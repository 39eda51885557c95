"""load_rates: loads exchange rates from the file shipped with Strata, from the ECB, or from a file of yours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from assets.rates import readers, writer
from strata.commands import EXIT_CODES, UNREACHABLE, StrataCommand


class Command(StrataCommand):
    help = (
        "Load exchange rates. Without arguments these are the ECB's reference rates since 1999, installed with Strata; "
        "--download fetches the ECB's newest file; a path names a CSV file with the columns "
        "currency,on,units_per_euro and an optional fourth, lasting: true for a rate that holds until a newer one. "
        "Rates are only added: those already stored stay as they are. A file with a bad line is refused as a whole."
    )
    examples = ("load_rates", "load_rates --download", "load_rates my-rates.csv --dry-run")
    exit_codes = f"{EXIT_CODES}, 3 the address did not answer"
    writes = True
    finishes_deletions = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "path", nargs="?", type=Path, help="A CSV file, or the ECB's own zip or CSV file."
        )
        source.add_argument("--download", action="store_true", help="Fetch the newest file from the ECB.")
        parser.add_argument(
            "--url", default=readers.ECB_URL, help="Where --download fetches it (default: the ECB)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            quotes, source = readers.quotes_in(self.content(options))
        except readers.BadRates as error:
            raise CommandError(f"Nothing was loaded.\n{error}") from None
        if options["dry_run"]:
            count = len(writer.unknown_rates(quotes, source))
            self.say(f"Would add {count:,} of {len(quotes):,} rates ({source}).")
            return
        progress = self.progress("Rates", len(quotes))
        count = self.in_transaction(lambda: writer.add_rates(quotes, source, advance=progress.advance))
        progress.end()
        self.say(f"Added {count:,} of {len(quotes):,} rates ({source}).")

    def content(self, options: dict[str, Any]) -> bytes:
        path: Path | None = options["path"]
        if path:
            try:
                return path.read_bytes()
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}") from None
        if not options["download"]:
            return readers.shipped_file()
        try:
            return readers.downloaded(options["url"])
        except OSError as error:
            raise CommandError(f"{options['url']}: {error}", returncode=UNREACHABLE) from None
