"""The database settings that are needed so that saved data survives a crash or a power cut.

They are read from the connection: the options in the URL, the server's file or an administrator may change them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

# WAL lets readers work during a write. FULL syncs every commit; with NORMAL the last commits may be lost.
SQLITE = {"journal_mode": ("wal", "memory"), "synchronous": ("2", "3"), "foreign_keys": ("1",)}
POSTGRESQL = {"fsync": ("on",), "synchronous_commit": ("on", "local", "remote_write", "remote_apply")}


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    value: str
    is_safe: bool

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


def is_local_beside_standbys(name: str, value: str) -> bool:
    """`local` does not wait for the synchronous standbys: a failover then loses what was acknowledged."""
    if (name, value) != ("synchronous_commit", "local"):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_standby_names")
        return bool(cursor.fetchone()[0])


def durability() -> Iterator[Setting]:
    show, wanted = ("PRAGMA", SQLITE) if connection.vendor == "sqlite" else ("SHOW", POSTGRESQL)
    with connection.cursor() as cursor:
        for name, safe in wanted.items():
            cursor.execute(f"{show} {name}")
            value = str(cursor.fetchone()[0])
            yield Setting(name, value, value in safe and not is_local_beside_standbys(name, value))
