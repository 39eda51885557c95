"""The timeouts of PostgreSQL: set with each BEGIN, and as a default of the role for statements outside transactions.

Never for a session: behind a pooler the next transaction on the connection may be another client's
(docs/decisions/0017). The same for `jit`, which is off: PostgreSQL compiles a statement that it expects to be long, and
for one with the values of a thousand assets that takes a hundred times as long as the statement itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings

LOCK_SECONDS = 10
_lock_seconds = ContextVar("lock_seconds", default=LOCK_SECONDS)


@contextmanager
def transactions_wait(seconds: int) -> Iterator[None]:
    """Transactions that begin in the block wait at most so long for a lock. In this thread alone."""
    token = _lock_seconds.set(seconds)
    try:
        yield
    finally:
        _lock_seconds.reset(token)


def begin() -> str:
    """BEGIN, with the settings of this process until the transaction ends, in one round trip."""
    return (
        f"BEGIN; SET LOCAL lock_timeout = '{_lock_seconds.get()}s'; "
        f"SET LOCAL statement_timeout = '{settings.STATEMENT_TIMEOUT}s'; SET LOCAL jit = off"
    )


@contextmanager
def shorter_lock_timeout(connection: Any, seconds: float) -> Iterator[None]:
    """Wait at most `seconds` for a lock in the block, which must be in a savepoint. Nothing on other databases.

    Where the block fails, the rollback of the savepoint also takes this setting back.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{int(seconds * 1000)}ms"])
        yield
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_SECONDS}s"])


@dataclass(frozen=True, slots=True)
class Timeout:
    """A timeout outside of transactions. `value` and `wanted` are in seconds; 0 is no limit."""

    name: str
    value: float
    wanted: int

    @property
    def is_unset(self) -> bool:
        return self.wanted > 0 and not self.value

    def __str__(self) -> str:
        return f"{self.name}={self.value:g}s"


def timeouts(connection: Any) -> Iterator[Timeout]:
    """The timeouts of the connection outside of transactions; none on other databases."""
    if connection.vendor != "postgresql":
        return
    wanted = {"lock_timeout": LOCK_SECONDS, "statement_timeout": settings.SERVER_STATEMENT_TIMEOUT}
    with connection.cursor() as cursor:
        # reset_val is the value from the start of the session, without SET LOCAL.
        cursor.execute("SELECT name, reset_val::bigint FROM pg_settings WHERE name = ANY(%s)", [list(wanted)])
        milliseconds = dict(cursor.fetchall())
    for name, seconds in wanted.items():
        yield Timeout(name, milliseconds[name] / 1000, seconds)


def compiles_statements(connection: Any) -> bool:
    """Whether `jit` is on outside of transactions; never on other databases."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT reset_val = 'on' FROM pg_settings WHERE name = 'jit'")
        return bool(cursor.fetchone()[0])


def timeout_default(connection: Any, timeout: Timeout) -> str:
    """The statement that sets the timeout for the present role in this database, from the next connection on."""
    return role_default(connection, timeout.name, f"{timeout.wanted}s")


def jit_default(connection: Any) -> str:
    """The same for `jit`, which it turns off."""
    return role_default(connection, "jit", "off")


def role_default(connection: Any, name: str, value: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER ROLE %%I IN DATABASE %%I SET %%s = %%L', current_user, current_database(), %s, %s)",
            [name, value],
        )
        statement: str = cursor.fetchone()[0]
    return statement
