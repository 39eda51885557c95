"""Counts in Redis: exact over machines, without a wait or an error where Redis is away, and without names."""

from __future__ import annotations

import logging
import socket
from time import monotonic

import pytest

from strata.api.http import shared_counts
from strata.api.http.shared_counts import SharedCounts
from strata.api.http.throttles import Counts
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.server, pytest.mark.on_sqlite]
NEVER_LONGER = 0.6  # seconds for one count; twice what is promised
SECONDS = 60


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(running):
    running.client.flushall()
    return running


@pytest.fixture
def machine(tmp_path):
    """A machine with a folder of its own, by its name and the URL of Redis."""
    return lambda name, url: SharedCounts(url, Counts(tmp_path / name / "throttle"))


def timed(counts, who="alice") -> tuple[int, float]:
    started = monotonic()
    return counts.add(who, 1, SECONDS), monotonic() - started


def test_two_machines_count_together(server, machine):
    first, second = machine("first", server.url), machine("second", server.url)
    assert [counts.add("alice", 1, SECONDS) for _ in range(25) for counts in (first, second)] == [
        *range(1, 51)
    ]
    assert (first.add("alice", 2, SECONDS), second.add("bob", 1, SECONDS)) == (1, 1)


def test_counts_expire_and_have_no_name(server, machine):
    machine("first", server.url).add("alice", 1, SECONDS)
    (key,) = server.client.keys()
    assert b"alice" not in key
    assert SECONDS * 1000 < server.client.pttl(key) <= 2 * SECONDS * 1000


def test_a_connection_that_redis_closed_is_no_outage(server, machine, caplog):
    counts = machine("first", server.url)
    counts.add("alice", 1, SECONDS)
    server.client.client_kill_filter(_type="normal", skipme=True)
    assert counts.add("alice", 1, SECONDS) == 2
    assert not caplog.records


def test_redis_that_goes_away_and_comes_back(tmp_path, machine, caplog, monkeypatch):
    server = RedisServer(tmp_path)
    server.start()
    counts = machine("first", server.url)
    try:
        assert counts.add("alice", 1, SECONDS) == 1
        server.stop()
        with caplog.at_level(logging.WARNING):
            away = [timed(counts) for _ in range(5)]
        assert [count for count, _ in away] == [1, 2, 3, 4, 5]  # of the machine's own file
        assert max(took for _, took in away) < NEVER_LONGER
        assert len(caplog.records) == 1
        server.start()
        assert counts.add("alice", 1, SECONDS) == 6  # not asked yet
        monkeypatch.setattr(counts, "_away_until", 0)
        assert [counts.add("alice", 1, SECONDS) for _ in range(2)] == [1, 2]
        assert [record.message for record in caplog.records][1:] == [
            "SHARED_URL answers again: the machines count together"
        ]
    finally:
        server.stop()


def test_redis_that_hangs_costs_one_caller_a_moment_and_the_others_nothing(machine, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        counts = machine("first", f"redis://127.0.0.1:{silent.getsockname()[1]}")
        count, took = timed(counts)
        assert (count, took < NEVER_LONGER) == (1, True)
        monkeypatch.setattr(
            shared_counts.redis.Redis, "execute_command", lambda *_, **__: pytest.fail("asked")
        )
        assert counts.add("alice", 1, SECONDS) == 2


@pytest.mark.parametrize("command", ["CONFIG SET maxmemory 1", "REPLICAOF 127.0.0.1 1"])
def test_redis_that_refuses_to_write_is_away(tmp_path, machine, command):
    server = RedisServer(tmp_path)
    server.start()
    try:
        server.client.execute_command(command)
        counts = machine("first", server.url)
        assert [counts.add("alice", 1, SECONDS) for _ in range(2)] == [1, 2]
        assert not server.client.dbsize()
    finally:
        server.stop()
