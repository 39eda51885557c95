"""What the database has to be set to, so that what was answered 201 is there after a crash or a power cut.

Read on the connection at hand: a URL's options, the server's own file or an administrator may say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

# WAL lets readers and the writer work at once; FULL syncs every commit, where NORMAL may lose the last ones.
SQLITE = {"journal_mode": ("wal", "memory"), "synchronous": ("2", "3"), "foreign_keys": ("1",)}
POSTGRESQL = {"fsync": ("on",), "synchronous_commit": ("on", "local", "remote_write", "remote_apply")}


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    value: str
    is_safe: bool

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


def durability() -> Iterator[Setting]:
    show, wanted = ("PRAGMA", SQLITE) if connection.vendor == "sqlite" else ("SHOW", POSTGRESQL)
    with connection.cursor() as cursor:
        for name, safe in wanted.items():
            cursor.execute(f"{show} {name}")
            value = str(cursor.fetchone()[0])
            yield Setting(name, value, value in safe)
