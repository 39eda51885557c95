"""Two concurrent `migrate` on one database, as two containers start them: one works, the other waits."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psycopg
import pytest

from strata.db.command_locks import number_of
from tests.conftest import PASS
from tests.serving import PATIENCE, ROOT, environment, manage, wait_for

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

    def __init__(self, url: str) -> None:
        command = [sys.executable, "manage.py", "migrate", "--no-color"]
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
        code = self.process.wait(3 * PATIENCE)
        self.reader.join(PATIENCE)
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
