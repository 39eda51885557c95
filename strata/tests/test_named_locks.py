"""NamedLocks: one at a time under a name, whoever asks on this machine, and nobody waits for the dead."""

from __future__ import annotations

import subprocess
import sys
from threading import Event, Thread

import pytest
from django.conf import settings

from strata.db.named_locks import NamedLocks

HOLDER = """
import sys
from pathlib import Path
from django.conf import settings
settings.configure(SECRET_KEY=sys.argv[2])
from strata.db.named_locks import NamedLocks
with NamedLocks(Path(sys.argv[1])).acquire("name", patience=1):
    print("taken", flush=True)
    sys.stdin.read()
"""


def taken(named_locks: NamedLocks, name: str = "name", patience: float = 0) -> bool:
    try:
        with named_locks.acquire(name, patience=patience):
            return True
    except TimeoutError:
        return False


@pytest.fixture
def another_process(tmp_path):
    """It has the turn until its input ends, or it."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "turns"), settings.SECRET_KEY]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, **pipes) as process:
        assert process.stdout.readline() == b"taken\n"
        yield process
        process.stdin.close()


def test_a_turn_is_one_threads_until_it_ends(tmp_path):
    named_locks = NamedLocks(tmp_path / "turns")
    with named_locks.acquire("name", patience=0):
        assert not taken(named_locks)
        assert taken(named_locks, "another name")
    assert taken(named_locks)


def test_a_turn_ends_with_what_was_raised_in_it(tmp_path):
    named_locks = NamedLocks(tmp_path / "turns")
    with pytest.raises(KeyError), named_locks.acquire("name", patience=0):
        raise KeyError
    assert taken(named_locks)


def test_who_is_patient_gets_the_turn_when_it_ends(tmp_path):
    named_locks, begun, got = NamedLocks(tmp_path / "turns"), Event(), []
    waiting = Thread(target=lambda: (begun.set(), got.append(taken(named_locks, patience=30))))
    with named_locks.acquire("name", patience=0):
        waiting.start()
        assert begun.wait(10) and not got
    waiting.join(30)
    assert got == [True]


def test_a_turn_is_one_processs_until_it_ends(another_process, tmp_path):
    named_locks = NamedLocks(tmp_path / "turns")
    assert not taken(named_locks)
    assert taken(named_locks, "another name")
    another_process.stdin.close()
    assert taken(named_locks, patience=30)


def test_a_turn_ends_with_the_process_that_is_killed(another_process, tmp_path):
    named_locks = NamedLocks(tmp_path / "turns")
    assert not taken(named_locks)
    another_process.kill()
    assert taken(named_locks, patience=30)


def test_nothing_is_written_for_a_turn(tmp_path):
    named_locks = NamedLocks(tmp_path / "turns")
    with named_locks.acquire("name", patience=0):
        assert (tmp_path / "turns").stat().st_size == 0


def test_without_a_file_the_threads_still_take_turns(tmp_path):
    named_locks = NamedLocks(tmp_path)  # a folder cannot be opened for writing
    with named_locks.acquire("name", patience=0):
        assert not taken(named_locks)
    assert taken(named_locks)
