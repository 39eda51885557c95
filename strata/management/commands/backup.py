"""backup: a checked copy of the SQLite database, taken while others read and write."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection

from strata.commands import StrataCommand


class Command(StrataCommand):
    help = (
        "Copy the SQLite database into one file while it is in use, check the copy, and never overwrite anything. "
        "For PostgreSQL use pg_dump."
    )
    examples = ("backup --sqlite backups/strata-$(date +%F).db",)
    writes = True

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--sqlite", metavar="PATH", type=Path, required=True, help="The new file.")

    def act(self, **options):
        target: Path = options["sqlite"]
        if connection.vendor != "sqlite":
            raise CommandError("The database is not SQLite: use pg_dump --format=custom.")
        if target.exists() or target.is_symlink():
            raise CommandError(f"{target} exists already, and is left as it is.")
        if not target.parent.is_dir():
            raise CommandError(f"There is no folder {target.parent}.")
        if options["dry_run"]:
            self.say(f"Would copy the database to {target}.", options)
            return
        size = self.copied(target)
        self.say(f"Copied and checked: {target} ({size:,} bytes).", options)

    def copied(self, target: Path) -> int:
        """Under another name until it is whole and checked, so that a file called `target` is always a good one."""
        unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            copy_database(unfinished)
            os.link(unfinished, target)  # unlike a rename it refuses to replace what came in between
        except FileExistsError:
            raise CommandError(f"{target} exists already, and is left as it is.") from None
        except (OSError, sqlite3.Error) as error:
            raise CommandError(f"The copy failed: {error}") from error
        finally:
            unfinished.unlink(missing_ok=True)
        return target.stat().st_size


def copy_database(path: Path) -> None:
    """One step of SQLite's backup: a consistent state, whoever writes meanwhile. Raises when the copy is unsound."""
    connection.ensure_connection()
    copy = sqlite3.connect(path)
    try:
        connection.connection.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no -wal beside it
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
        dangling = copy.execute("PRAGMA foreign_key_check").fetchone()
    finally:
        copy.close()
    if verdict != "ok" or dangling:
        raise sqlite3.IntegrityError(f"integrity_check: {verdict}; foreign_key_check: {dangling or 'ok'}")
    with path.open("rb") as file:
        os.fsync(file.fileno())
