"""The last version and this one write on one database at the same time, which this one has migrated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.last_version import LAST_VERSION, last_version, unpack
from tests.load_clients import Client, create, create_asset
from tests.serving import ROOT, environment, manage, serving

pytestmark = [pytest.mark.server, pytest.mark.on_postgresql]
WRITERS = 4
ROUNDS = 2
DAYS = 25  # of a batch: its creations are one entry of the journal


@pytest.fixture
def ports(url, tmp_path, figures):
    """The ports of a server of the last version and of one of this version."""
    version = last_version()
    if version is None:
        figures(f"NOT RUN, this clone has no history and so no last version: set {LAST_VERSION}")
        pytest.skip("no last version")
    unpack(version, tmp_path)
    env = environment(url, SECRET_KEY="the same for both", WEB_CONCURRENCY="1")
    with ExitStack() as servers:
        yield [servers.enter_context(serving(env, folder=folder)).port for folder in (tmp_path, ROOT)]


def write(clients: list[Client], shared: str, portfolio: str, number: int) -> str:
    """Each request goes to another version than the one before: values, changes, deletions, trades, and an undo."""
    own = create_asset(clients[number % 2], portfolio)
    turn = number

    def ask(method: str, path: str, body: dict | None = None) -> dict:
        nonlocal turn
        turn += 1
        status, answer, headers = clients[turn % 2].ask(method, path, body)
        assert status in (200, 201, 204), (turn % 2, method, path, answer)
        return answer | {"request_id": headers["X-Request-Id"]}

    for step in range(ROUNDS):
        for asset in (own, shared):
            on = f"2026-{step + 1:02}-{number + 1:02}"
            value = ask("POST", f"assets/{asset}/snapshots", {"on": on, "value": str(number + step)})
            ask("PATCH", f"assets/{asset}/snapshots/{value['id']}", {"value": str(number + step + 1)})
            if step % 2:
                ask("DELETE", f"assets/{asset}/snapshots/{value['id']}")
        days = [f"2025-{2 * step + 1 + turn % 2:02}-{day + 1:02}" for day in range(DAYS)]
        rows = [{"asset_id": own, "on": on, "value": "10"} for on in days]
        ask("POST", "values:batch", {"if_exists": "replace", "rows": rows})
        tag = ask("POST", "tags", {"name": f"{number} {step}"})
        undone = ask("PATCH", f"assets/{own}", {"name": f"{own} {step}", "tag_ids": [tag["id"]]})
        ask("POST", f"undo/{undone['request_id']}")
    return own


def test_both_versions_write_on_one_database(ports, database, url, figures):
    clients = [Client(port, database.token) for port in ports]
    portfolio = create(clients[0], "portfolios", {"name": "Both", "base_currency": "EUR"})
    shared = create_asset(clients[1], portfolio)

    def run(number: int) -> str:
        own_clients = [Client(port, database.token) for port in ports]
        return write(own_clients, shared, portfolio, number)

    with ThreadPoolExecutor(WRITERS) as threads:
        assets = list(threads.map(run, range(WRITERS)))

    # Both have the same answers, also of what was known before the last write.
    entries = clients[1].ask("GET", f"assets/{assets[0]}/history")[1]["results"]
    for path in (
        f"portfolios/{portfolio}/net-worth?start=2025-01-01&end=2026-12-31",
        f"portfolios/{portfolio}/net-worth?start=2025-01-01&end=2026-12-31&known_at={entries[0]['at']}",
        f"assets/{assets[0]}/history",
        *(f"assets/{asset}/snapshots?page_size=200" for asset in [*assets, shared]),
    ):
        answers = [client.ask("GET", path) for client in clients]
        assert [status for status, _, _ in answers] == [200, 200]
        assert answers[0][1] == answers[1][1], path
    assert manage(environment(url), "doctor").returncode == 0
    assert database.damage(url) == []
    [[count]] = database.rows(url, "SELECT count(*) FROM assets_assetsnapshot")
    figures(f"{count} values, written by {last_version()[:9]} and this version")
