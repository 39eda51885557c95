"""PostgreSQL as Django has it, but with an end to waiting: a server that hangs costs a refusal, not a thread.

The server's own timeouts (statement_timeout) say nothing when the server itself has stopped, so these are kept here.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base

HEALTH_CHECK_SECONDS = 2
PAUSE_SECONDS = 1  # after a connection that timed out, others fail at once for as long


class BoundedConnection(psycopg.Connection):
    """Every wait ends: a little after the server should have ended the statement itself. None is for ever."""

    patience: int | None = None

    def wait(self, gen, *args, **kwargs):
        kwargs.setdefault("timeout", self.patience)
        try:
            return super().wait(gen, *args, **kwargs)
        except psycopg.errors._WaitTimeout:
            self.close()  # its answer, should it come, would be taken for another statement's
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    Database = SimpleNamespace(**{**vars(psycopg), "connect": BoundedConnection.connect})
    _closed_until = 0.0

    def get_new_connection(self, conn_params):
        if time.monotonic() < DatabaseWrapper._closed_until:
            raise psycopg.OperationalError("The database did not answer a moment ago.")
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.errors.ConnectionTimeout:
            DatabaseWrapper._closed_until = time.monotonic() + PAUSE_SECONDS
            raise
        connection.patience = (
            settings.DATABASE_TIMEOUT + HEALTH_CHECK_SECONDS if settings.DATABASE_TIMEOUT else None
        )
        return connection

    def is_usable(self):
        if self.connection is None:
            return False
        usual, self.connection.patience = self.connection.patience, HEALTH_CHECK_SECONDS
        try:
            return super().is_usable()
        finally:
            if self.connection is not None:
                self.connection.patience = usual
