"""The primary is killed under load and its synchronous standby promoted: nothing that was acknowledged is lost."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from http.client import HTTPException
from threading import Event, Lock, Thread
from time import monotonic, sleep
from uuid import uuid4

import pytest

from tests.databases import PostgresqlStandby
from tests.load_clients import Client
from tests.pooler import pooled_url, pooling
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


@pytest.mark.parametrize("way", ["hosts", "pooler"])
def test_acknowledged_writes_survive_the_primary(database, url, standby, way, figures):
    with ExitStack() as stack:
        if way == "pooler":
            pooler = stack.enter_context(pooling(database, size=8))
            address = pooled_url(url, pooler.port)
        else:
            hosts = f"127.0.0.1:{database.port},127.0.0.1:{standby.port}"
            address = f"postgres://postgres@{hosts}/{url.rpartition('/')[2]}?target_session_attrs=read-write"
        wait_for(lambda: database.rows(url, "SELECT count(*) FROM pg_stat_replication") == [(1,)])
        stack.enter_context(database.with_setting("synchronous_standby_names", standby.NAME))
        wait_for(lambda: database.rows(url, "SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        env = environment(address, REPLICA_URL=standby.url_of(url), WEB_CONCURRENCY="1", WEB_THREADS="8")
        server = stack.enter_context(serving(env))
        with Writers(server.port, database.token) as writers:
            wait_for(lambda: len(writers.acknowledged_at) > 10)
            sleep(SECONDS_BEFORE)
            database.kill()
            stack.callback(database.start)  # before its setting is reset
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
    lost = [name for name in acknowledged if not stored[name]]
    figures(
        f"{way}: {len(acknowledged)} acknowledged, {len(lost)} lost, {len(unknown)} refused or unknown; "
        f"first write {first:.2f} s after the promotion"
    )
    assert lost == []
    assert unknown
    assert set(repeated) == {201}
    assert {name: stored[name] for name in writers.outcomes} == dict.fromkeys(writers.outcomes, 1)
    assert first < 2 * FIRST_WRITE_WITHIN
