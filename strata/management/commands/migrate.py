"""migrate: Django's, but one at a time and without stopping traffic.

On PostgreSQL, an ALTER TABLE that waits for a long read makes every later read wait behind it. So a migration waits
LOCK_SECONDS for a lock, and is tried again after a pause, in which the others go on. `migrate` also sets the timeouts
for statements outside transactions, and that none is compiled.
"""

from __future__ import annotations

from time import sleep
from typing import Any

from django.core.management.commands import migrate
from django.db import DatabaseError, OperationalError, connections

from strata.db.backends.postgresql.timeouts import (
    compiles_statements,
    jit_default,
    timeout_default,
    timeouts,
    transactions_wait,
)
from strata.db.command_locks import one_at_a_time
from strata.management.migration_changes import WithoutWords

LOCK_SECONDS = 2
PAUSES = (1, 2, 4, 8)  # seconds before the second to the fifth try
LOCK_NOT_AVAILABLE = "55P03"


class Command(migrate.Command):
    autodetector = WithoutWords  # else it would advise to run makemigrations

    def execute(self, *args: Any, **options: Any) -> str | None:
        """The lock is taken before Django's checks, which connect. The plan is made while the lock is held."""
        if options["check_unapplied"] or options["plan"]:
            return super().execute(*args, **options)
        with one_at_a_time("migrate", lambda: self._say_that_it_waits(options), using=options["database"]):
            self._set_defaults(connections[options["database"]].copy())
            return self._try_again_and_again(*args, **options)

    def _try_again_and_again(self, *args: Any, **options: Any) -> str | None:
        """What was applied before stays applied: a later try goes on from there."""
        with transactions_wait(LOCK_SECONDS):
            for pause in PAUSES:
                try:
                    return super().execute(*args, **options)
                except OperationalError as error:
                    if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                        raise
                    self.stderr.write(f"\nOthers use the table: trying again in {pause} s.")
                    sleep(pause)
            return super().execute(*args, **options)

    def _say_that_it_waits(self, options: dict[str, Any]) -> None:
        if options["verbosity"] > 0:
            out = options.get("stdout") or self.stdout
            out.write("Another migrate is running on this database: waiting for it.\n")
            out.flush()

    def _set_defaults(self, connection: Any) -> None:
        """On a separate connection, which is closed inside a transaction: a pooler does not keep such a connection, so
        its next ones begin with the new defaults.
        """
        try:
            for timeout in timeouts(connection):
                if timeout.value != timeout.wanted:
                    self._set(connection, timeout_default(connection, timeout))
            if compiles_statements(connection):
                self._set(connection, jit_default(connection))
            if connection.vendor == "postgresql":
                connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        finally:
            connection.close()

    def _set(self, connection: Any, statement: str) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError as error:
            self.stderr.write(
                f"Not done ({str(error).strip()}). As the administrator of the database run: {statement}"
            )
