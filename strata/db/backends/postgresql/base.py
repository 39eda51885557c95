"""PostgreSQL as Django has it, but with an end to waiting: a server that hangs costs a refusal, not a thread.

The server's own timeouts (timeouts.py) say nothing when the server itself has stopped, so these are kept here. Nothing
is kept in a session, so that a pooler may give each transaction another connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction

from strata.db.backends.postgresql.timeouts import begin

HEALTH_CHECK_SECONDS = 2
DOUBT_SECONDS = 3  # of waiting, until the server is asked whether it is there at all
PAUSE_SECONDS = 1  # after a connection that timed out, others to the same server fail at once for as long


def never() -> None:
    """The answer of a connection that is itself the question."""


class BoundedConnection(psycopg.Connection):
    """Every wait ends: a little after the server should have ended the statement itself. None is for ever."""

    patience: int | None = None
    server_answers: Callable[[], None] = staticmethod(never)

    def wait(self, gen, *args, **kwargs):
        if self.patience is None:
            return super().wait(gen, *args, **kwargs)
        kwargs.setdefault("timeout", self.patience)
        try:
            return super().wait(self._doubting(gen), *args, **kwargs)
        except (psycopg.errors._WaitTimeout, psycopg.errors.ConnectionTimeout):
            self.close()  # its answer, should it come, would be taken for another statement's
            raise

    def _doubting(self, gen):
        """The same generator. psycopg wakes it with nothing ten times a second: then the waiting is looked at.

        A statement may take its time where the server answers others. Where it answers nobody, the wait is over: or
        a server that hangs would take every thread of ours with it, for as long as the slowest statement may take.
        """
        doubt = time.monotonic() + DOUBT_SECONDS
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > doubt:
                    self.server_answers()
                    doubt = time.monotonic() + DOUBT_SECONDS
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


class DatabaseWrapper(base.DatabaseWrapper):
    Database = SimpleNamespace(**{**vars(psycopg), "connect": BoundedConnection.connect})
    closed_until: dict[str, float] = {}  # by alias, for all threads: one server that hangs closes no other

    def get_new_connection(self, conn_params):
        connection = self._connect(lambda: super(DatabaseWrapper, self).get_new_connection(conn_params))
        connection.server_answers = lambda: self._look_in(conn_params)
        connection.patience = (
            settings.DATABASE_TIMEOUT + HEALTH_CHECK_SECONDS if settings.DATABASE_TIMEOUT else None
        )
        return connection

    def _look_in(self, conn_params):
        """Raises ConnectionTimeout where nobody answers; a refusal, such as of one client too many, is an answer.

        A question, not a connection alone: a pooler lets clients in while the server behind it hangs.
        """
        try:
            self._connect(lambda: ask(conn_params))
        except psycopg.errors.ConnectionTimeout:
            raise
        except psycopg.OperationalError:
            return

    def _connect(self, connect):
        if time.monotonic() < self.closed_until.get(self.alias, 0):
            raise psycopg.errors.ConnectionTimeout("The database did not answer a moment ago.")
        try:
            return connect()
        except psycopg.errors.ConnectionTimeout:
            self.closed_until[self.alias] = time.monotonic() + PAUSE_SECONDS
            raise

    def _start_transaction_under_autocommit(self):
        """Django calls it where it would leave BEGIN to psycopg, which says nothing else with it."""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            try:
                self.connection.execute(begin())
            except psycopg.Error:
                self.connection.close()  # it may have begun, which nobody would end
                raise

    def create_cursor(self, name=None):
        cursor = super().create_cursor(name)
        if name:
            # It is in a transaction, of which psycopg, in autocommit all along, knows nothing.
            cursor._withhold = False
        return cursor

    def chunked_cursor(self):
        """A cursor of the server's own lives in a transaction: outside of one the next FETCH may reach another server
        connection of a pooler. There the client takes in all rows at once.
        """
        return self.cursor() if self.get_autocommit() else super().chunked_cursor()

    def is_usable(self):
        if self.connection is None:
            return False
        usual, self.connection.patience = self.connection.patience, HEALTH_CHECK_SECONDS
        try:
            return super().is_usable()
        finally:
            if self.connection is not None:
                self.connection.patience = usual


def ask(conn_params) -> None:
    """One question on a connection of its own, with two seconds for the answer."""
    with BoundedConnection.connect(**conn_params | {"autocommit": True}) as connection:
        connection.patience = HEALTH_CHECK_SECONDS
        try:
            connection.execute("SELECT 1")
        except psycopg.errors._WaitTimeout as error:
            raise psycopg.errors.ConnectionTimeout("The database does not answer.") from error
