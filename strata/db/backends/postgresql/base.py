"""Django's PostgreSQL engine with a limit for every wait: a server that hangs must not block our threads.

The server's own timeouts (timeouts.py) do not help when the server itself has stopped. So the client has these limits.
No setting belongs to a session, so that a pooler may give each transaction another connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper, debug_transaction
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from strata.db.backends.first_reads import HEALTH_CHECK_SECONDS
from strata.db.backends.postgresql.timeouts import begin
from strata.db.write_format import check

CHECK_SECONDS = 3  # of waiting, between two checks whether the server answers at all
# A synchronous standby that hangs holds up every COMMIT, which statement_timeout does not end.
COMMIT_SECONDS = 5
PAUSE_SECONDS = 1  # after a connection timed out, new ones to the same server fail at once for this time


def never() -> None:
    """No check: for the connection that makes the check."""


class BoundedConnection(psycopg.Connection):
    """A connection with a limit for every wait, a little above the server's own. `wait_seconds` None is no limit."""

    wait_seconds: int | None = None
    server_answers: Callable[[], None] = staticmethod(never)

    def wait[Result](self, gen: PQGen[Result], *args: Any, **kwargs: Any) -> Result:
        if self.wait_seconds is None:
            return super().wait(gen, *args, **kwargs)
        kwargs.setdefault("timeout", self.wait_seconds)
        try:
            return super().wait(self._checking_the_server(gen), *args, **kwargs)
        except (psycopg.errors._WaitTimeout, psycopg.errors.ConnectionTimeout):
            self.close()  # a late answer would be taken for that of the next statement
            raise

    def _checking_the_server[Result](self, gen: PQGen[Result]) -> PQGen[Result]:
        """Wrap psycopg's generator, which is woken ten times a second while it waits, and check the server then.

        A statement may take long as long as the server answers other connections. If it answers nobody, the wait ends.
        Otherwise a server that hangs would block all our threads, for as long as the slowest statement may take.
        """
        next_check = time.monotonic() + CHECK_SECONDS
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > next_check:
                    self.server_answers()
                    next_check = time.monotonic() + CHECK_SECONDS
                wanted = gen.send(ready)
        except StopIteration as end:
            result: Result = end.value
            return result


class DatabaseWrapper(base.DatabaseWrapper):
    Database = SimpleNamespace(  # type: ignore[assignment]  # replaces the module
        **{**vars(psycopg), "connect": BoundedConnection.connect}
    )
    # By alias, for all threads: a server that hangs does not affect others.
    closed_until: dict[str, float] = {}

    def get_new_connection(self, conn_params: dict[str, Any]) -> BoundedConnection:
        connection: BoundedConnection = self._connect(
            lambda: super(DatabaseWrapper, self).get_new_connection(conn_params)
        )
        connection.server_answers = lambda: self._look_in(conn_params)
        connection.wait_seconds = (
            settings.STATEMENT_TIMEOUT + HEALTH_CHECK_SECONDS if settings.STATEMENT_TIMEOUT else None
        )
        return connection

    def _look_in(self, conn_params: dict[str, Any]) -> None:
        """Raise ConnectionTimeout where the server does not answer. A refusal ("too many clients") is an answer.

        It sends a query, because a pooler accepts connections even while the server behind it hangs.
        """
        try:
            self._connect(lambda: ask(conn_params))
        except psycopg.errors.ConnectionTimeout:
            raise
        except psycopg.OperationalError:
            return

    def _connect[Result](self, connect: Callable[[], Result]) -> Result:
        if time.monotonic() < self.closed_until.get(self.alias, 0):
            raise psycopg.errors.ConnectionTimeout("The database did not answer a moment ago.")
        try:
            return connect()
        except psycopg.errors.ConnectionTimeout:
            self.closed_until[self.alias] = time.monotonic() + PAUSE_SECONDS
            raise

    def _start_transaction_under_autocommit(self) -> None:
        """Send BEGIN together with the timeouts, and with the question whether this version may write. Django calls
        this where psycopg would send BEGIN alone.
        """
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            try:
                self._begin()
            except psycopg.Error:
                self.connection.close()  # a transaction may have begun, and nobody would end it
                raise

    def _begin(self) -> None:
        if not check.is_checked():
            self.connection.execute(begin())
            return
        try:
            results = self.connection.execute("; ".join((begin(), check.NUMBER)))
        except psycopg.errors.UndefinedTable:  # before the first migrations
            self.connection.execute("; ".join(("ROLLBACK", begin())))
            return
        while results.nextset():
            pass  # to the answer of the last statement
        row = results.fetchone()
        if check.is_newer(row):
            self.connection.execute("ROLLBACK")
            raise check.newer_format(row[0])

    def _commit(self) -> None:
        """With a standby, COMMIT has a timeout of its own. What takes long for other reasons, the deferred checks, is
        done before, which is one more round trip.

        After the timeout nobody knows whether it was committed: an Idempotency-Key tells.
        """
        djangos: Any = super()  # the stubs have no _commit
        connection = self.connection
        if connection is None or connection.wait_seconds is None or not self._waits_for_a_standby():
            djangos._commit()
            return
        usual = connection.wait_seconds
        try:
            if connection.info.transaction_status == TransactionStatus.INTRANS:
                with self.wrap_database_errors:
                    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            connection.wait_seconds = min(usual, COMMIT_SECONDS)
            djangos._commit()
        finally:
            connection.wait_seconds = usual

    def _waits_for_a_standby(self) -> bool:
        """Whether its COMMIT may: not on the standby itself, and only where REPLICA_URL is set."""
        return self.alias == DEFAULT_DB_ALIAS and "replica" in settings.DATABASES

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        if name:
            # psycopg is in autocommit mode and does not know that there is a transaction.
            cursor._withhold = False
        return cursor

    def chunked_cursor(self) -> CursorWrapper:
        """A server-side cursor needs a transaction: without one, a pooler may send the next FETCH to another server
        connection. So outside of a transaction the client fetches all rows at once.
        """
        return self.cursor() if self.get_autocommit() else super().chunked_cursor()

    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        usual, self.connection.wait_seconds = self.connection.wait_seconds, HEALTH_CHECK_SECONDS
        try:
            return super().is_usable() and not (self.errors_occurred and self._was_demoted())
        finally:
            if self.connection is not None:
                self.connection.wait_seconds = usual

    def _was_demoted(self) -> bool:
        """Whether the server, after an error, turns out to be a standby: the next connection finds the primary."""
        if self.alias != DEFAULT_DB_ALIAS:
            return False
        try:
            return bool(self.connection.execute("SELECT pg_is_in_recovery()").fetchone()[0])
        except psycopg.Error:
            return True


def ask(conn_params: dict[str, Any]) -> None:
    """Send a query on a separate connection, and wait two seconds for the answer."""
    with BoundedConnection.connect(**conn_params | {"autocommit": True}) as connection:
        connection.wait_seconds = HEALTH_CHECK_SECONDS
        try:
            connection.execute("SELECT 1")
        except psycopg.errors._WaitTimeout as error:
            raise psycopg.errors.ConnectionTimeout("The database does not answer.") from error
