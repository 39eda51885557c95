"""import_file: imports a file into a portfolio, as the API does in several requests."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from assets.models import Asset
from imports.api.shown import question_as_json, row_as_json, warning_as_json
from imports.formats.detection import format_names
from imports.models import Import
from imports.services import errors
from imports.services.drafts import Draft
from imports.services.previews import Upload, create_import, plan_import
from imports.services.writing.commits import commit_import
from imports.services.writing.hidden_values import HiddenValues, source_of_draft, values_hidden
from portfolios.models import Portfolio
from strata.accounts.models import User
from strata.audit import actor
from strata.commands import StrataCommand
from strata.exceptions import StrataError
from strata.fields.ids import CANONICAL_ID, uuid7
from strata.tenancy.writes import locked_parent

MOST_REFUSED = 1_000
WITH_REFUSED, NOTHING = 1, 2


class Command(StrataCommand):
    help = (
        "Import a file into a portfolio: a spreadsheet of net worth, or bookings of a bank. It shows what would be "
        "made and asks before it writes; --yes does not ask, and --dry-run writes nothing. Rows that cannot be read "
        "are listed and left out."
    )
    examples = (
        "import_file worth.xlsx --portfolio 01890a5d-ac96-774b-bcce-b302099a8057 --dry-run",
        "import_file worth.csv --portfolio 01890a5d-ac96-774b-bcce-b302099a8057 --option currency=EUR --yes",
    )
    exit_codes = "exit codes: 0 all is imported, 1 imported but for refused rows, 2 nothing is written"
    writes = True
    finishes_deletions = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("path", metavar="FILE", type=Path, help="The file.")
        parser.add_argument(
            "--portfolio", metavar="ID", required=True, help="The portfolio that it goes into."
        )
        parser.add_argument(
            "--format", choices=format_names(), help="What it is, if that is not to be found out."
        )
        parser.add_argument(
            "--option",
            metavar="KEY=VALUE",
            action="append",
            default=[],
            help="An answer, such as currency=EUR; its value may be JSON. Can be repeated.",
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--user", metavar="NAME", help="Who imports, for the history.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = self.import_file(options)
        except StrataError as error:
            for entry in error.errors or [{"field": error.field, "message": error.message}]:
                self.stderr.write(f"{place_of(entry)}{entry['message']}")
            raise CommandError("Nothing was written.", returncode=NOTHING) from None
        if code:
            sys.exit(code)

    def import_file(self, options: dict[str, Any]) -> int:
        """Preview, ask, write. Nothing is locked until somebody has said yes. Returns the exit code."""
        with ExitStack() as stack:
            if options["user"]:
                stack.enter_context(
                    actor.acting(user=self.user(options["user"]), channel=f"command:{self.name}")
                )
            upload = Upload(
                self.portfolio(options["portfolio"]).pk,
                data=self.data(options["path"]),
                file_name=options["path"].name,
                format_name=options["format"],
                options=dict(map(pair, options["option"])),
                most_rows=settings.IMPORT_MAX_ROWS,
            )
            draft = plan_import(upload)
            self.show(draft)
            self.show_questions(draft.row)
            if options["dry_run"]:
                return 0
            self.require_answers(draft.row, asks=not options["yes"])
            import_id = uuid7()
            with values_hidden(source_of_draft(draft, import_id)) as hidden:
                done = self.in_transaction(lambda: write(upload, draft, import_id, hidden))
        self.say(last_line(done))
        return WITH_REFUSED if done.result["refused"] else 0

    # --- what is given ---

    def portfolio(self, text: str) -> Portfolio:
        row = Portfolio.objects.filter(pk=text).first() if CANONICAL_ID.fullmatch(text) else None
        if row is None:
            raise CommandError("There is no portfolio with this id.", returncode=NOTHING)
        return row

    def user(self, name: str) -> User:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError("There is no user of this name.", returncode=NOTHING)
        return user

    def data(self, path: Path) -> bytes:
        """The bytes of the file, with progress."""
        try:
            size = path.stat().st_size
            progress, pieces = self.progress("Reading", size), []
            with path.open("rb") as file:
                while piece := file.read(1024 * 1024):
                    pieces.append(piece)
                    progress.advance(len(piece))
            progress.end()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}", returncode=NOTHING) from None
        return b"".join(pieces)

    # --- what is shown ---

    def show(self, draft: Draft) -> None:
        summary = draft.row.summary
        for account in summary["accounts"]:
            what = "there already" if account["asset_id"] else f"new, {account['asset_type']}"
            self.say(f"{account['name']} ({account['currency'] or '?'}): {account['rows']:,} rows, {what}")
        for warning in summary["warnings"]:
            shown = warning_as_json(*warning)
            self.say(f"{place_of(shown)}{shown['code']} {shown['message']}")
        for text in refused_lines(draft):
            self.say(text)
        counts = summary["counts"]
        bookings = counts["transaction"]
        new, changed = counts["value"]["create"], counts["value"]["update"]
        self.say(
            f"would make: {counts['asset']['create']:,} assets, {new:,} values, {bookings['create']:,} transactions"
            f"{securities(counts)};"
            f" would update: {changed + bookings['update']:,};"
            f" skipped: {summary['skipped']:,}; refused: {summary['refused']:,}"
        )

    def show_questions(self, row: Import) -> None:
        """What has to be answered before anything can be written, each with its option."""
        for question in row.summary["questions"]:
            if question["required"]:
                shown = question_as_json(question)
                examples = "; ".join(
                    f"line {example['line']}: {example['text']}" for example in shown["examples"]
                )
                self.stderr.write(f"--option {shown['option']}=...: {shown['message']} {examples}".rstrip())

    def require_answers(self, row: Import, *, asks: bool) -> None:
        """Raise CommandError where a question is open, or nobody says yes."""
        if any(question["required"] for question in row.summary["questions"]):
            raise CommandError("Nothing was written: answer the questions first.", returncode=NOTHING)
        if asks and not (sys.stdin.isatty() and input("Import? [y/N] ").strip().lower() in ("y", "yes")):
            raise CommandError("Nothing was written.", returncode=NOTHING)


def securities(counts: Mapping[str, Any]) -> str:
    """How many instruments, prices and actions would be made, where there are any."""
    created = {
        noun: counts[noun.removesuffix("s")]["create"] for noun in ("instruments", "prices", "actions")
    }
    return "".join(f", {number:,} {noun}" for noun, number in created.items() if number)


def pair(text: str) -> tuple[str, Any]:
    """ "currency=EUR" as a name and a value; a value that is JSON is read as such."""
    name, _, value = text.partition("=")
    try:
        read = json.loads(value, parse_float=Decimal)
    except ValueError:
        return name, value
    return name, read if isinstance(read, dict | list | bool) or name == "header_row" else value


def write(upload: Upload, draft: Draft, import_id: UUID, hidden: HiddenValues | None) -> Import:
    """The import of what was shown. Raises IMPORT_STALE where something has changed since."""
    portfolio = locked_parent(Asset, Portfolio.objects.all(), upload.portfolio_id, "portfolio")
    if not draft.is_current(portfolio):
        raise errors.again(errors.STALE)
    create_import(upload, draft=draft, keeps_file=False, import_id=import_id)
    return commit_import(import_id, hidden=hidden)


def refused_lines(draft: Draft) -> Iterator[str]:
    """A line for each refused row: line 6, date: BAD_DATE 2026-02-30 is no day."""
    for record in draft.blocks.rows(MOST_REFUSED, ["refuse"], []):
        reason = row_as_json(record)["reason"]
        place = f"line {record['l']}" + (f", {reason['field']}" if reason["field"] else "")
        yield f"{place}: {reason['code']} {reason['message']}"


def place_of(entry: Mapping[str, Any]) -> str:
    place = f"line {entry['line']}" if entry.get("line") else entry.get("field")
    return f"{place}: " if place else ""


def last_line(row: Import) -> str:
    created, updated = row.result["made"], row.result["updated"]
    nouns = {"asset": "assets", "value": "values", "transaction": "transactions", "instrument": "instruments"}
    nouns |= {"price": "prices", "action": "actions"}
    shown = ", ".join(
        f"{created[name]} {noun}"
        for name, noun in nouns.items()
        if created[name] or name in ("asset", "value")
    )
    return (
        f"made: {shown}; updated: {sum(updated.values())}; skipped: {row.result['skipped']};"
        f" refused: {row.result['refused']}"
    )
