"""The primary is killed under load and its synchronous standby promoted: nothing that was acknowledged is lost."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPException
from threading import Event, Lock, Thread
from time import monotonic, sleep
from uuid import uuid4

import pytest

from tests.databases import PostgresqlStandby
from tests.load_clients import Client
from tests.pooler import pooling
from tests.serving import environment, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.on_postgresql, pytest.mark.chaos]
WRITERS, SECONDS_BEFORE = 4, 1.0
FIRST_WRITE_WITHIN = 2  # seconds after the promotion, on a quiet machine


class Writers:
    """Clients that create portfolios, each with a key and a name of its own."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.outcomes: dict[str, int | None] = {}  # by name, which is the key too; None without an answer
        self.acknowledged_at: list[float] = []
        self.stopping, self._lock = Event(), Lock()
        self.threads = [Thread(target=self.write, daemon=True) for _ in range(WRITERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def write(self) -> None:
        client = Client(self.port, self.token)
        while not self.stopping.is_set():
            name = uuid4().hex
            status = send(client, name)
            with self._lock:
                self.outcomes[name] = status
                if status == 201:
                    self.acknowledged_at.append(monotonic())
            sleep(0.02)
        client.close()


def send(client: Client, name: str) -> int | None:
    try:
        body = {"name": name, "base_currency": "EUR"}
        return client.ask("POST", "portfolios", body, Idempotency_Key=name)[0]
    except (OSError, HTTPException):
        return None


@pytest.fixture
def standby(database):
    server = PostgresqlStandby(database)
    try:
        yield server
    finally:
        server.remove()


@dataclass
class Outcome:
    """Of the writers' portfolios by name: how often each is stored on the new primary, and what clients were told."""

    acknowledged: list[str]
    unknown: list[str]  # refused, or without an answer
    repeated: Counter  # the statuses of the unknown ones, sent again
    stored: Counter
    first: float  # seconds from the promotion to the first write

    @property
    def lost(self) -> list[str]:
        return [name for name in self.acknowledged if not self.stored[name]]

    def __str__(self) -> str:
        return (
            f"{len(self.acknowledged)} acknowledged, {len(self.lost)} lost, {len(self.unknown)} refused or unknown; "
            f"first write {self.first:.2f} s after the promotion"
        )


def kill_and_promote(database, standby, url: str, way: str) -> Outcome:
    """Kills the primary under load, and promotes the standby."""
    with ExitStack() as stack:
        if way == "pooler":
            pooler = stack.enter_context(pooling(database._url("postgres"), size=8))
            address = pooler.url_of(url)
        else:
            hosts = f"127.0.0.1:{database.port},127.0.0.1:{standby.port}"
            address = f"postgres://postgres@{hosts}/{url.rpartition('/')[2]}?target_session_attrs=read-write"
        env = environment(address, REPLICA_URL=standby.url_of(url), WEB_CONCURRENCY="1", WEB_THREADS="8")
        server = stack.enter_context(serving(env))
        with Writers(server.port, database.token) as writers:
            wait_for(lambda: len(writers.acknowledged_at) > 10)
            sleep(SECONDS_BEFORE)
            database.kill()
            stack.callback(database.start)
            standby.promote()
            promoted = monotonic()
            if way == "pooler":
                pooler.point_to(standby)
            wait_for(lambda: writers.acknowledged_at[-1] > promoted)
            first = writers.acknowledged_at[-1] - promoted
            sleep(SECONDS_BEFORE)
        client = Client(server.port, database.token)
        unknown = [name for name, status in writers.outcomes.items() if status != 201]
        repeated = Counter(send(client, name) for name in unknown)
        client.close()
    name_of = "SELECT name FROM portfolios_portfolio"
    stored = Counter(name for (name,) in standby.rows(standby.url_of(url), name_of))
    acknowledged = [name for name, status in writers.outcomes.items() if status == 201]
    return Outcome(acknowledged, unknown, repeated, stored, first)


@pytest.mark.parametrize("way", ["hosts", "pooler"])
def test_acknowledged_writes_survive_the_primary(database, url, standby, way, figures):
    wait_for(lambda: database.rows(url, "SELECT count(*) FROM pg_stat_replication") == [(1,)])
    with database.with_setting("synchronous_standby_names", standby.NAME):
        wait_for(lambda: database.rows(url, "SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        outcome = kill_and_promote(database, standby, url, way)  # and starts the old primary again
    figures(f"{way}: {outcome}")
    assert outcome.lost == []
    assert outcome.unknown
    assert set(outcome.repeated) == {201}
    names = [*outcome.acknowledged, *outcome.unknown]
    assert {name: outcome.stored[name] for name in names} == dict.fromkeys(names, 1)
    assert outcome.first < 2 * FIRST_WRITE_WITHIN


@pytest.mark.skipif(
    "CHAOS_ROUNDS" not in os.environ, reason="for `make chaos`: it shows a figure, and proves nothing"
)
def test_writes_that_an_asynchronous_standby_does_not_have_are_counted(database, url, standby, figures):
    """How many are lost is not promised: that is what asynchronous means. None is stored twice."""
    wait_for(lambda: database.rows(url, "SELECT state FROM pg_stat_replication") == [("streaming",)])
    outcome = kill_and_promote(database, standby, url, "hosts")
    figures(f"asynchronous: {outcome}")
    assert set(outcome.repeated) <= {201}
    assert max(outcome.stored.values()) == 1
