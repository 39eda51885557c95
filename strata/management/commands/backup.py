"""backup: makes a checked copy of the database while it is in use."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection

from strata.commands import StrataCommand, positive
from strata.db.private_files import files_of, open_private
from strata.management.scratch import (
    NotTried,
    ToolFailed,
    dump_database,
    failures_of_doctor,
    is_behind_pooler,
    restored_postgresql,
    restored_sqlite,
)

MAGIC = b"SQLite format 3\0"
BEGINNINGS = (b"", MAGIC, bytes(len(MAGIC)))  # of an unfinished copy: SQLite writes the first page last
# Requests that got such a connection afterwards would not find a table.
BEHIND_POOLER = (
    "DATABASE_URL names a pooler, and pg_dump would leave its settings on connections that others use. "
    "Run this command with the server itself: DATABASE_URL=postgres://user:password@server:5432/name"
)
DUMP = b"PGDMP"  # how a file of pg_dump begins
UNFINISHED = re.compile(r".+\.[0-9]+\.part")
FAILED = ".failed"  # at the end of the name of a backup that is not in order
OWN = re.compile(r"strata-[0-9]{8}T[0-9]{6}Z\.(sqlite3|dump)")


class Command(StrataCommand):
    help = (
        "Copy the database into one file while it is in use, and check the copy. Nothing is overwritten. With --to the "
        "file is strata-<UTC time>.sqlite3, or on PostgreSQL strata-<UTC time>.dump in pg_dump's custom format."
    )
    examples = (
        "backup --to backups --keep 7 --verify",
        "backup --sqlite backups/strata-$(date +%F).db",
    )
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--to", metavar="DIR", type=Path, help="The folder of the new file.")
        where.add_argument("--sqlite", metavar="PATH", type=Path, help="The new file, of SQLite alone.")
        parser.add_argument(
            "--keep", metavar="N", type=positive, help="Delete all but the newest N files that --to has made."
        )
        parser.add_argument(
            "--verify", action="store_true", help="Restore it into a scratch database, and run doctor there."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path | None = options["to"]
        if folder is None and (options["keep"] or options["verify"]):
            raise CommandError("--keep and --verify go with --to.")
        if options["sqlite"] and connection.vendor != "sqlite":
            raise CommandError("The database is not SQLite: use --to, which calls pg_dump.")
        if connection.vendor == "postgresql" and is_behind_pooler():
            raise CommandError(BEHIND_POOLER)
        target: Path = options["sqlite"] if folder is None else folder / name_of_backup()
        if target.exists() or target.is_symlink():
            raise CommandError(f"{target} exists already, and is left as it is.")
        if not target.parent.is_dir():
            raise CommandError(f"There is no folder {target.parent}.")
        if options["dry_run"]:
            self.say(f"Would copy the database to {target}.")
            return
        for abandoned in remove_abandoned(target.parent):
            self.say(f"Removed {abandoned}, left over from an interrupted backup.")
        size = self.copied(target)
        self.say(f"Copied and checked: {target} ({size:,} bytes).")
        if options["verify"]:
            self.verify(target)
        if folder is not None and options["keep"]:
            for old in remove_older(folder, options["keep"]):
                self.say(f"Removed {old}.")

    def copied(self, target: Path) -> int:
        """The copy has another name until it is complete and checked, so that `target` is always a good file."""
        copy = copy_database if connection.vendor == "sqlite" else dump_database
        try:
            with unfinished_copy(target) as unfinished:
                copy(unfinished)
                os.link(unfinished, target)  # unlike a rename it does not replace an existing file
        except FileExistsError:
            raise CommandError(f"{target} exists already, and is left as it is.") from None
        except (OSError, sqlite3.Error, ToolFailed) as error:
            raise CommandError(f"The copy failed: {error}") from error
        return target.stat().st_size

    def verify(self, target: Path) -> None:
        """Older files are deleted only after this, so that a bad backup never replaces a good one."""
        restore = restored_sqlite if connection.vendor == "sqlite" else restored_postgresql
        try:
            with restore(target) as url:
                failures = failures_of_doctor(url)
        except (OSError, NotTried) as error:
            raise CommandError(f"{target} is kept, but could not be verified: {error}") from error
        except ToolFailed as error:
            raise CommandError(f"{set_aside(target)} is kept, but cannot be restored: {error}") from error
        if failures:
            kept = set_aside(target)
            raise CommandError(f"{kept} is kept, but doctor finds in it:\n" + "\n".join(failures))
        self.say(f"Restored into a scratch database and found in order: {target}.")


def set_aside(target: Path) -> Path:
    """Under another name it is none of the newest that --keep counts, nor what somebody restores in a hurry."""
    failed = target.with_name(f"{target.name}{FAILED}")
    target.rename(failed)
    return failed


def name_of_backup() -> str:
    ending = "sqlite3" if connection.vendor == "sqlite" else "dump"
    return f"strata-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{ending}"


def remove_older(folder: Path, keep: int) -> list[Path]:
    """Delete all but the newest of the files that --to makes. Others stay."""
    named = [path for path in folder.iterdir() if OWN.fullmatch(path.name) and not path.is_symlink()]
    old = sorted(named, key=lambda path: path.name)[:-keep]
    for path in old:
        path.unlink()
    return old


@contextmanager
def unfinished_copy(target: Path) -> Iterator[Path]:
    """An empty file beside `target`, locked in the block. It is removed at the end, with the files that SQLite adds."""
    path = target.with_name(f"{target.name}.{os.getpid()}.part")
    file = created_and_locked(path)
    try:
        yield path
    finally:
        remove(path)
        os.close(file)


def created_and_locked(path: Path) -> int:
    """Repeated where another backup removed the file as abandoned before it was locked."""
    while True:
        file = open_private(path, os.O_RDWR | os.O_EXCL)
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
            return file
        os.close(file)


def remove(path: Path) -> None:
    for file in files_of(path):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> list[Path]:
    """Remove the unfinished copies of killed backups, that is, those that no process writes. Other files stay."""
    named = [path for path in sorted(folder.glob("*.part")) if UNFINISHED.fullmatch(path.name)]
    return [path for path in named if not path.is_symlink() and removed_if_abandoned(path)]


def removed_if_abandoned(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            beginning = file.read(len(MAGIC))
            if beginning not in BEGINNINGS and not beginning.startswith(DUMP):
                return False
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(path)
    except OSError:  # another process writes it, or it belongs to another user
        return False
    return not path.exists()


def copy_database(path: Path) -> None:
    """Copy in one step of SQLite's backup, so that the copy is consistent. Raises where the copy is damaged."""
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
