"""NamedLocks: one holder for each name on this machine, and the lock of a dead process is released."""

from __future__ import annotations

import subprocess
import sys
from threading import Event, Thread

import pytest
from django.conf import settings

from strata.db.named_locks import NamedLocks

pytestmark = pytest.mark.on_sqlite  # no database can change it

HOLDER = """
import sys
from pathlib import Path
from django.conf import settings
settings.configure(SECRET_KEY=sys.argv[2])
from strata.db.named_locks import NamedLocks
with NamedLocks(Path(sys.argv[1])).acquire("name", timeout=1):
    print("taken", flush=True)
    sys.stdin.read()
"""


def taken(named_locks: NamedLocks, name: str = "name", timeout: float = 0) -> bool:
    try:
        with named_locks.acquire(name, timeout=timeout):
            return True
    except TimeoutError:
        return False


@pytest.fixture
def another_process(tmp_path):
    """A process that holds the lock until its input or the process ends."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "named-locks"), settings.SECRET_KEY]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, **pipes) as process:
        assert process.stdout.readline() == b"taken\n"
        yield process
        process.stdin.close()


def test_one_thread_holds_a_lock(tmp_path):
    named_locks = NamedLocks(tmp_path / "named-locks")
    with named_locks.acquire("name", timeout=0):
        assert not taken(named_locks)
        assert taken(named_locks, "another name")
    assert taken(named_locks)


def test_an_exception_releases_the_lock(tmp_path):
    named_locks = NamedLocks(tmp_path / "named-locks")
    with pytest.raises(KeyError), named_locks.acquire("name", timeout=0):
        raise KeyError
    assert taken(named_locks)


def test_a_waiting_thread_gets_the_lock_when_it_is_released(tmp_path):
    named_locks, begun, got = NamedLocks(tmp_path / "named-locks"), Event(), []
    waiting = Thread(target=lambda: (begun.set(), got.append(taken(named_locks, timeout=30))))
    with named_locks.acquire("name", timeout=0):
        waiting.start()
        assert begun.wait(10) and not got
    waiting.join(30)
    assert got == [True]


def test_one_process_holds_a_lock(another_process, tmp_path):
    named_locks = NamedLocks(tmp_path / "named-locks")
    assert not taken(named_locks)
    assert taken(named_locks, "another name")
    another_process.stdin.close()
    assert taken(named_locks, timeout=30)


def test_a_killed_process_releases_its_lock(another_process, tmp_path):
    named_locks = NamedLocks(tmp_path / "named-locks")
    assert not taken(named_locks)
    another_process.kill()
    assert taken(named_locks, timeout=30)


def test_nothing_is_written_for_a_lock(tmp_path):
    named_locks = NamedLocks(tmp_path / "named-locks")
    with named_locks.acquire("name", timeout=0):
        assert (tmp_path / "named-locks").stat().st_size == 0


def test_without_a_file_the_lock_still_works_between_threads(tmp_path):
    named_locks = NamedLocks(tmp_path)  # a folder cannot be opened for writing
    with named_locks.acquire("name", timeout=0):
        assert not taken(named_locks)
    assert taken(named_locks)
