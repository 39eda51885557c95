"""Whether the primary is away. Who notices reports it; then nobody waits for it, and a thread asks until it answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from strata.db.errors.outages import is_lost

ASK_SECONDS = 0.5


class PrimaryIsAway(OperationalError):
    """The primary did not answer a moment ago, and was not asked."""


class Primary:
    """What this process knows of the primary."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.is_away = False

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Around what is sent to the primary. Raises PrimaryIsAway at once while it is known to be away."""
        if self.is_away:
            raise PrimaryIsAway("The primary did not answer a moment ago.")
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            if is_lost(error):
                self.report()
            raise

    def report(self) -> None:
        """It is away, until the thread that this starts finds it again. Without a standby, each request asks itself."""
        with self._lock:
            if self.is_away or "replica" not in settings.DATABASES:
                return
            self.is_away = True
        Thread(target=self._ask_until_it_answers, daemon=True, name="primary").start()

    def _ask_until_it_answers(self) -> None:
        while not accepts_writes():
            time.sleep(ASK_SECONDS)
        self.is_away = False


def accepts_writes() -> bool:
    """Asks by a new connection of this thread."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT NOT pg_is_in_recovery()")
            return bool(cursor.fetchone()[0])
    except (DatabaseError, InterfaceError):
        return False
    finally:
        connection.close()


primary = Primary()
