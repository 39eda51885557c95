"""What one connection has read of a standby holds for those to the same server that were open then, and no others."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from strata.db.standby import replay

pytestmark = pytest.mark.on_sqlite
BEFORE, AFTER = replay.bytes_before("0/FFFFFFFF"), replay.bytes_before("1/0")


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(replay, "_read_positions", {})


class Standby:
    """A connection to a server that has replayed up to `position`."""

    def __init__(self, position: str | None, *, server: str = "one", is_primary: bool = False, pooler=False):
        self.row = is_primary, position, 2 if pooler else 1, server
        self.connection = SimpleNamespace(info=SimpleNamespace(backend_pid=1))

    @contextmanager
    def cursor(self):
        yield SimpleNamespace(execute=lambda sql: None, fetchone=lambda: self.row)


def test_positions_are_in_order():
    assert BEFORE + 1 == AFTER
    assert replay.bytes_before("16/B374D848") == 0x16B374D848


def test_position_that_was_read_is_not_asked_for_again():
    standby = Standby("0/FFFFFFFF")
    assert not replay.is_known_to_reach(standby, BEFORE)
    assert replay.reaches(standby, BEFORE)
    assert replay.is_known_to_reach(standby, BEFORE)
    assert not replay.is_known_to_reach(standby, AFTER)
    assert not replay.reaches(standby, AFTER)


def test_what_another_thread_has_read_is_known():
    first, second = Standby("0/1"), Standby("1/0")
    assert replay.reaches(first, 1) and replay.reaches(second, AFTER)
    assert replay.is_known_to_reach(first, AFTER)


def test_what_was_read_before_a_connection_was_opened_is_not_known_of_it():
    """The server may have been started again since, and then it may have replayed less."""
    earlier, later = Standby("1/0"), Standby("0/1")
    assert replay.reaches(earlier, AFTER)
    assert not replay.is_known_to_reach(later, AFTER)
    assert not replay.reaches(later, AFTER)
    assert not replay.is_known_to_reach(earlier, AFTER)


def test_other_server_has_a_position_of_its_own():
    behind, other_server = Standby("0/1"), Standby("1/0", server="other")
    assert replay.reaches(behind, 1) and replay.reaches(other_server, AFTER)
    assert not replay.is_known_to_reach(behind, AFTER)


@pytest.mark.parametrize("standby", [Standby("1/0", pooler=True), Standby(None, is_primary=True)])
def test_pooler_and_primary_are_asked_each_time(standby):
    assert replay.reaches(standby, AFTER)
    assert not replay.is_known_to_reach(standby, AFTER)


def test_standby_that_has_replayed_nothing_has_reached_nothing():
    assert not replay.reaches(Standby(None), 0)


def test_nothing_is_known_without_a_connection():
    assert not replay.is_known_to_reach(SimpleNamespace(connection=None), 0)
