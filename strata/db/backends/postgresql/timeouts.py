"""The timeouts that PostgreSQL keeps: set with each BEGIN, and by a default of the role for what runs outside of one.

Never for a session: behind a pooler the next transaction on the connection is another client's (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

LOCK_SECONDS = 10


def begin() -> str:
    """BEGIN, with the timeouts of this process until the transaction ends: one message, one round trip."""
    return (
        f"BEGIN; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; "
        f"SET LOCAL statement_timeout = '{settings.DATABASE_TIMEOUT}s'"
    )


@dataclass(frozen=True, slots=True)
class Timeout:
    """What holds outside a transaction. Both in seconds; 0 is no limit."""

    name: str
    value: float
    wanted: int

    @property
    def is_unset(self) -> bool:
        return self.wanted > 0 and not self.value

    def __str__(self) -> str:
        return f"{self.name}={self.value:g}s"


def timeouts(connection: Any) -> Iterator[Timeout]:
    """Those of the connection, as they are outside a transaction; none on another database."""
    if connection.vendor != "postgresql":
        return
    wanted = {"lock_timeout": LOCK_SECONDS, "statement_timeout": settings.REQUEST_TIMEOUT}
    with connection.cursor() as cursor:
        # reset_val: what the session began with, whatever SET LOCAL says just now.
        cursor.execute("SELECT name, reset_val::bigint FROM pg_settings WHERE name = ANY(%s)", [list(wanted)])
        milliseconds = dict(cursor.fetchall())
    for name, seconds in wanted.items():
        yield Timeout(name, milliseconds[name] / 1000, seconds)


def role_default(connection: Any, timeout: Timeout) -> str:
    """The statement that sets it for whoever is connected, in this database, from the next connection on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER ROLE %%I IN DATABASE %%I SET %%s = %%L', current_user, current_database(), %s, %s)",
            [timeout.name, f"{timeout.wanted}s"],
        )
        return cursor.fetchone()[0]
