"""restore: makes a household from an archive, or replaces one by it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from archives.management.commands.archive import household_called
from archives.services.restoring import MODES, NEW, REPLACE, Request, Restored, restore
from strata.commands import StrataCommand
from strata.exceptions import StrataError


class Command(StrataCommand):
    help = (
        "Restore a household from a file of archive: as a new household, or as a replacement of what a household has. "
        "Everything is checked before anything is written. Members whose names are users here are members again, the "
        "others are invited."
    )
    examples = (
        "restore home.zip --owner alice",
        "restore home.zip --mode replace --household Home --confirm Home --dry-run",
    )
    writes = True
    finishes_deletions = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", help="- is standard input.")
        parser.add_argument("--mode", choices=MODES, default=NEW)
        parser.add_argument("--household", metavar="ID", help="Of replace: the household, by id or name.")
        parser.add_argument("--confirm", metavar="NAME", default="", help="Of replace: its present name.")
        parser.add_argument(
            "--owner", metavar="USER", help="A user who becomes an owner of the new household."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        mode = options["mode"]
        if (mode == REPLACE) != bool(options["household"]):
            raise CommandError("--household names the household that is replaced: give both, or none.")
        household = household_called(options["household"]) if options["household"] else None
        request = Request(
            owner=owner_called(options["owner"]),
            mode=mode,
            household_id=household.pk if household else None,
            confirm=options["confirm"],
            dry_run=options["dry_run"],
            is_operator=True,
            adds_rates=True,
        )
        with opened(options["file"]) as file:
            try:
                restored = restore(file, request)
            except StrataError as error:
                raise CommandError(f"{error.code}: {error.message}") from error
        self.report(restored)

    def report(self, restored: Restored) -> None:
        done = "Would restore" if restored.dry_run else "Restored"
        rows = sum(restored.counts.values())
        kept = "with other ids" if restored.remapped else "with its ids"
        self.say(f"{done} {restored.household_name} {restored.household_id}: {rows:,} rows, {kept}.")
        for person in restored.members:
            self.say(f"{person['username']}: {person['role']}, {person['state']}")
        for warning in restored.warnings:
            about = ", ".join([*warning["currencies"], *warning["instruments"]])
            self.say(f"{warning['message']} {about}".rstrip())


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    try:
        if name != "-":
            with Path(name).open("rb") as file:
                yield file
            return
        with tempfile.TemporaryFile() as spooled:
            while chunk := sys.stdin.buffer.read(2**20):
                spooled.write(chunk)
            yield spooled
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error


def owner_called(name: str | None) -> Any:
    if name is None:
        return None
    user = get_user_model()._default_manager.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name}.")
    return user
