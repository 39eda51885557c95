"""archive: writes the archive of a household into a file."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from archives.services.writing import write_archive
from portfolios.models import Household
from strata.commands import StrataCommand
from strata.db.private_files import FILE_MODE
from strata.fields.ids import CANONICAL_ID


class Command(StrataCommand):
    help = (
        "Write a household with its history and the rates it needs into one file, while it is in use. Only the owner "
        "of the file may read it. restore reads it."
    )
    examples = ("archive Home home.zip", "archive 0190a5b0-5f2c-7c3e-8a51-3f1f2b1c9d10 - > home.zip")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "household", metavar="HOUSEHOLD", help="Its id, or its name if no other has the name."
        )
        parser.add_argument("file", metavar="FILE", help="The new file; - is standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        household = household_called(options["household"])
        if options["file"] == "-":
            with tempfile.TemporaryFile() as file:
                write_archive(household.pk, file)
                file.seek(0)
                shutil.copyfileobj(file, sys.stdout.buffer)
            return
        path = Path(options["file"])
        try:
            rows = self.written(household, path)
        except FileExistsError:
            raise CommandError(f"{path} exists already, and is left as it is.") from None
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        self.say(f"Wrote {household.name} with {rows:,} rows to {path} ({path.stat().st_size:,} bytes).")

    def written(self, household: Household, path: Path) -> int:
        """The file has another name until it is complete."""
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        try:
            with open(descriptor, "w+b") as file:
                manifest = write_archive(household.pk, file)
                file.flush()
                os.fsync(file.fileno())
            os.link(unfinished, path)  # unlike a rename it does not replace an existing file
        finally:
            unfinished.unlink(missing_ok=True)
        return manifest.rows


def household_called(text: str) -> Household:
    # nosemgrep: rows-through-for-user - a command sees all households
    rows = Household.objects.all()
    rows = rows.filter(pk=text) if CANONICAL_ID.fullmatch(text) else rows.filter(name=text)
    households = list(rows[:2])
    if not households:
        raise CommandError(f"There is no household {text}.")
    if len(households) > 1:
        raise CommandError(f"Several households are called {text}: give the id of one.")
    return households[0]
