"""Two concurrent `migrate` on one database, as two containers start them: one works, the other waits."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import StringIO
from pathlib import Path
from threading import Thread
from time import monotonic
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError

from conftest import PASS
from strata.db.backends.postgresql.timeouts import begin
from strata.db.command_locks import number_of
from strata.management.commands import migrate as migrate_command
from strata.management.commands.migrate import LOCK_SECONDS
from tests.serving import ROOT, TIMEOUT_SECONDS, environment, manage, wait_for

pytestmark = pytest.mark.server
WAITS = "Another migrate is running on this database: waiting for it."


@pytest.fixture
def empty(database, tmp_path) -> str:
    """A database without a table."""
    if PASS == "sqlite":
        return f"sqlite:///{tmp_path}/strata.db"
    name = f"strata_{uuid4().hex}"
    database.execute(f'CREATE DATABASE "{name}"')
    return database._url(name)


@contextmanager
def lock_held(url: str) -> Iterator[None]:
    """Holds the lock of `migrate` for the duration of the block."""
    if PASS == "sqlite":
        with open(f"{url.removeprefix('sqlite:///')}.migrate.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    else:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [number_of("migrate")])
            yield


class Migrate:
    """A `migrate` that runs in the background, with the lines that it has written."""

    def __init__(self, url: str, *target: str) -> None:
        command = [sys.executable, "manage.py", "migrate", "--no-color", *target]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment(url), **pipes)
        self.lines: list[str] = []
        self.reader = Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def is_waiting(self) -> bool:
        assert self.process.poll() is None, self.lines
        return WAITS in self.lines

    def end(self) -> list[str]:
        code = self.process.wait(3 * TIMEOUT_SECONDS)
        self.reader.join(TIMEOUT_SECONDS)
        assert code == 0, self.lines
        return self.lines


def test_second_migrate_waits_and_has_nothing_to_do(empty):
    with lock_held(empty):
        runs = [Migrate(empty), Migrate(empty)]
        wait_for(lambda: all(migrate.is_waiting() for migrate in runs))
    outputs = [migrate.end() for migrate in runs]
    assert sorted("No migrations to apply." in lines for lines in outputs) == [False, True]
    applied = [line for lines in outputs for line in lines if line.startswith("Applying strata.0001_")]
    assert len(applied) == 1
    assert WAITS not in manage(environment(empty), "migrate").stdout
    assert PASS != "sqlite" or not Path(f"{empty.removeprefix('sqlite:///')}.migrate.lock").exists()


def test_plan_and_check_do_not_wait(url):
    with lock_held(url):
        assert "No planned migration operations." in manage(environment(url), "migrate", "--plan").stdout
        manage(environment(url), "migrate", "--check")


@pytest.mark.on_postgresql
def test_migration_that_waits_for_a_read_does_not_stop_the_others(url):
    """Without its own limit the ALTER TABLE waits behind the read, and every later read behind the ALTER TABLE."""
    with psycopg.connect(url) as long_read, psycopg.connect(url, autocommit=True) as other:
        long_read.execute("SELECT count(*) FROM strata_deletion")
        migrating = Migrate(url, "strata", "0016")  # which drops the table
        wait_for(lambda: "Others use the table: trying again in 1 s." in migrating.lines)
        started = monotonic()
        other.execute("SELECT count(*) FROM strata_deletion")
        assert monotonic() - started < 2 * (LOCK_SECONDS + 1)
        assert migrating.process.poll() is None
        long_read.commit()
        migrating.end()
        assert other.execute("SELECT to_regclass('strata_deletion')").fetchone() == (None,)


def test_migration_that_never_gets_its_lock_ends(monkeypatch):
    monkeypatch.setattr(migrate_command, "PAUSES", (0, 0))
    monkeypatch.setattr(migrate_command, "LOCK_SECONDS", 0.05)
    tries = []

    def fail(*args, **options):
        tries.append(begin())
        raise OperationalError("lock timeout") from psycopg.errors.LockNotAvailable()

    monkeypatch.setattr("django.core.management.commands.migrate.Command.execute", fail)
    monkeypatch.setattr(migrate_command, "one_at_a_time", lambda *_, **__: nullcontext())
    monkeypatch.setattr(migrate_command.Command, "_set_defaults", lambda *_: None)
    with pytest.raises(OperationalError):
        call_command("migrate", stderr=StringIO())
    assert len(tries) == 3
    assert "lock_timeout = '0.05s'" in tries[0]
    assert "lock_timeout = '10s'" in begin()
