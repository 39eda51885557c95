"""Sixteen concurrent HTTP writers: no acknowledged write is lost, and no client gets a lock error."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from tests.load_clients import Client, create_asset
from tests.serving import environment, serving

pytestmark = [pytest.mark.server, pytest.mark.chaos]
WRITERS = 16
SECONDS = float(os.environ.get("CHAOS_SECONDS", "6"))  # `make chaos` asks for 30


@pytest.fixture
def server(url):
    with serving(environment(url)) as server:
        yield server


def run_for(seconds: float, work) -> Counter:
    """The outcomes of sixteen threads that repeat `work`. An exception in a thread fails the test."""
    end = monotonic() + seconds

    def repeat(number: int) -> Counter:
        statuses = Counter()
        while monotonic() < end:
            statuses.update(work(number))
        return statuses

    with ThreadPoolExecutor(WRITERS) as pool:
        return sum(pool.map(repeat, range(WRITERS)), Counter())


def test_sixteen_writers_lose_nothing_and_get_no_lock_error(server, database, url, figures):
    clients = [Client(server.port, database.token) for _ in range(WRITERS)]
    asset = create_asset(clients[0])
    clients[0].ask("PATCH", f"assets/{asset}", {"quantity": "0"})

    def add_one_and_write_a_value(number: int) -> list:
        client = clients[number]
        _, current, headers = client.ask("GET", f"assets/{asset}")
        raised = {"quantity": str(int(float(current["quantity"])) + 1)}
        changed, _, _ = client.ask("PATCH", f"assets/{asset}", raised, If_Match=headers["ETag"])
        written, _, _ = client.ask("POST", f"assets/{asset}/snapshots", {"value": "1"})
        return [("changed", changed), ("written", written)]

    statuses = run_for(SECONDS, add_one_and_write_a_value)
    figures(f"{WRITERS} writers, {SECONDS:.0f} s: {dict(statuses)}")
    assert set(statuses) <= {("changed", 200), ("changed", 412), ("written", 201)}
    assert statuses["changed", 200] > 1 and statuses["changed", 412] > 1
    assert float(clients[0].ask("GET", f"assets/{asset}")[1]["quantity"]) == statuses["changed", 200]
    [(rows, total)] = database.rows(url, "SELECT count(*), sum(value) FROM assets_assetsnapshot")
    assert (rows, total) == (statuses["written", 201], statuses["written", 201] * 10_000)
    assert database.damage(url) == []
    for client in clients:
        client.close()
