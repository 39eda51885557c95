"""PostgreSQL as Django has it, but with an end to waiting: a server that hangs costs a refusal, not a thread.

The server's own timeouts (statement_timeout) say nothing when the server itself has stopped, so these are kept here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base

HEALTH_CHECK_SECONDS = 2
DOUBT_SECONDS = 3  # of waiting, until the server is asked whether it is there at all
PAUSE_SECONDS = 1  # after a connection that timed out, others fail at once for as long


class BoundedConnection(psycopg.Connection):
    """Every wait ends: a little after the server should have ended the statement itself. None is for ever."""

    patience: int | None = None
    server_answers: Callable[[], None]

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
    _closed_until = 0.0

    def get_new_connection(self, conn_params):
        connection = self._connect(lambda: super(DatabaseWrapper, self).get_new_connection(conn_params))
        connection.server_answers = lambda: self._look_in(conn_params)
        connection.patience = (
            settings.DATABASE_TIMEOUT + HEALTH_CHECK_SECONDS if settings.DATABASE_TIMEOUT else None
        )
        return connection

    def _look_in(self, conn_params):
        """Raises ConnectionTimeout where nobody answers; a refusal, such as of one client too many, is an answer."""
        try:
            self._connect(lambda: psycopg.connect(**conn_params)).close()
        except psycopg.errors.ConnectionTimeout:
            raise
        except psycopg.OperationalError:
            return

    def _connect(self, connect):
        if time.monotonic() < DatabaseWrapper._closed_until:
            raise psycopg.errors.ConnectionTimeout("The database did not answer a moment ago.")
        try:
            return connect()
        except psycopg.errors.ConnectionTimeout:
            DatabaseWrapper._closed_until = time.monotonic() + PAUSE_SECONDS
            raise

    def is_usable(self):
        if self.connection is None:
            return False
        usual, self.connection.patience = self.connection.patience, HEALTH_CHECK_SECONDS
        try:
            return super().is_usable()
        finally:
            if self.connection is not None:
                self.connection.patience = usual
