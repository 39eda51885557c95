"""kill -9 under write load: every acknowledged write is stored once, and the server becomes ready again.

A test kills only processes that it started, by their ids: workers, the master, the PostgreSQL server.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlencode
from uuid import UUID

import pytest

from conftest import PASS
from tests.load_clients import Client, create_asset, writers
from tests.serving import TIMEOUT_SECONDS, Server, environment, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.chaos]
ROUNDS = max(5, int(os.environ.get("CHAOS_ROUNDS", "5")))
READY_SECONDS = 5  # promised for a machine on which a start takes USUAL_SECONDS
USUAL_SECONDS = 2
WRITERS = 4
WRITES = 5  # between two kills
DURABLE = {
    "sqlite": "journal_mode=wal, synchronous=2, foreign_keys=1",
    "postgresql": "fsync=on, synchronous_commit=on",
}


def seconds_until_ready(port: int, began: float) -> float:
    """The seconds from `began` until the port answers /health/ready with 200."""
    while monotonic() - began < TIMEOUT_SECONDS:
        try:
            if Client(port, "").ask("GET", "health/ready")[0] == 200:
                return monotonic() - began
        except (OSError, HTTPException):
            pass
        sleep(0.02)
    raise AssertionError("never ready again")


def wait_for_writes(log, count: int) -> None:
    target = len(log.acknowledged) + count
    wait_for(lambda: len(log.acknowledged) >= target)


def assert_all_stored(database, url: str, log) -> str:
    """Each acknowledged value is stored once. Requests without a response may have been stored too, once each."""
    query = "SELECT value FROM assets_assetsnapshot"
    stored = [value // 10_000 for (value,) in database.rows(url, query)]
    assert len(stored) == len(set(stored))
    assert set(log.acknowledged) <= set(stored)
    assert len(stored) - len(log.acknowledged) <= WRITERS
    assert database.damage(url) == []
    lost = len(set(log.acknowledged) - set(stored))
    return f"acknowledged {len(log.acknowledged)}, lost {lost}, without an answer {log.failures()}"


def assert_ready_in_time(waits: list[float], first: float) -> str:
    """`first` is how long the first start took. Other work on the machine slows both, so the limit grows with it."""
    assert max(waits) < READY_SECONDS * max(1, first / USUAL_SECONDS), (waits, first)
    return f"{len(waits)} kills, ready after at most {max(waits):.1f} s, the first time after {first:.1f} s"


@contextmanager
def restarting(env: dict[str, str]):
    """Yields a server and a function that kills its master and starts another server on the same port."""
    with ExitStack() as servers:
        running: list[Server] = [servers.enter_context(serving(env))]

        def restart() -> list[int]:
            killed = running[-1]
            orphans = killed.workers()
            os.kill(killed.process.pid, signal.SIGKILL)
            killed.process.wait(TIMEOUT_SECONDS)
            running.append(servers.enter_context(serving(env, killed.port)))
            return orphans

        yield running[0], restart


def test_workers_killed_under_load_lose_nothing(database, url, figures):
    """One of the two workers, or both."""
    began = monotonic()
    with serving(environment(url)) as server:
        first = seconds_until_ready(server.port, began)
        asset, waits = create_asset(Client(server.port, database.token)), []
        with writers(WRITERS, server.port, database.token, asset) as log:
            for kill in range(ROUNDS):
                wait_for_writes(log, WRITES)
                for pid in server.workers()[: 1 + kill % 2]:
                    os.kill(pid, signal.SIGKILL)
                waits.append(seconds_until_ready(server.port, monotonic()))
            wait_for_writes(log, WRITES)
        figures(assert_all_stored(database, url, log))
        figures(assert_ready_in_time(waits, first))


def test_master_killed_under_load_loses_nothing_and_leaves_no_worker(database, url, figures):
    """The orphaned workers end by themselves, while the new master waits for their port."""
    began = monotonic()
    with restarting(environment(url)) as (server, restart):
        first = seconds_until_ready(server.port, began)
        asset, waits, orphans = create_asset(Client(server.port, database.token)), [], []
        with writers(WRITERS, server.port, database.token, asset) as log:
            for _ in range(ROUNDS):
                wait_for_writes(log, WRITES)
                began = monotonic()
                orphans += restart()
                waits.append(seconds_until_ready(server.port, began))
            wait_for_writes(log, WRITES)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))
        figures(assert_all_stored(database, url, log))
        figures(assert_ready_in_time(waits, first))


@pytest.mark.on_postgresql
def test_postgresql_killed_under_load_loses_nothing(database, url, figures):
    """The workers keep running and reconnect as soon as the database has recovered."""
    began = monotonic()
    with serving(environment(url)) as server:
        first = seconds_until_ready(server.port, began)
        asset, waits = create_asset(Client(server.port, database.token)), []
        with writers(WRITERS, server.port, database.token, asset) as log:
            for _ in range(ROUNDS):
                wait_for_writes(log, WRITES)
                database.kill()
                refused, _, headers = Client(server.port, database.token).ask("GET", "portfolios")
                assert (refused, "Retry-After" in headers) == (503, True)
                assert Client(server.port, "").ask("GET", "health/live")[0] == 200
                database.start()  # returns when PostgreSQL accepts connections; the time of its recovery does not count
                waits.append(seconds_until_ready(server.port, monotonic()))
            wait_for_writes(log, WRITES)
        figures(assert_all_stored(database, url, log))
        assert set(log.failures()) <= {503}
        figures(assert_ready_in_time(waits, first))


# --- durability in a crash of the machine, which kill -9 cannot show ---


def test_workers_connection_syncs_every_commit(database, url):
    with serving(environment(url, WEB_CONCURRENCY="1"), 0, "tests.hooks") as server:
        client = Client(server.port, database.token)
        status, _, headers = client.ask("POST", "tags", {"name": "x"}, X_Durability="tell")
        client.close()
    assert (status, headers["X-Durability"]) == (201, DURABLE[PASS])


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("setting", "reported"),
    [("synchronous=OFF", "synchronous=0"), ("journal_mode=DELETE", "journal_mode=delete")],
)
def test_server_is_not_ready_on_a_sqlite_file_that_is_not_synced(url, setting, reported):
    pragmas = {"journal_mode": "WAL", "synchronous": "FULL", "foreign_keys": "ON"} | dict(
        [setting.split("=")]
    )
    init_command = ";".join(f"PRAGMA {name}={value}" for name, value in pragmas.items())
    unsafe_url = f"{url}?{urlencode({'init_command': init_command})}"
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        # The journal mode belongs to the file. Changing it needs a lock that running workers would hold.
        connection.execute(f"PRAGMA {setting}")
    with serving(environment(unsafe_url, WEB_CONCURRENCY="1")) as server:
        assert reported in durability_refused(server.port)


@pytest.mark.on_postgresql
def test_server_is_not_ready_while_postgresql_does_not_sync(database, url):
    """An administrator changes the setting while the server runs."""
    with serving(environment(url, WEB_CONCURRENCY="1")) as server:
        assert Client(server.port, "").ask("GET", "health/ready")[0] == 200
        with database.with_setting("fsync", "off"):
            wait_for(lambda: Client(server.port, "").ask("GET", "health/ready")[0] == 503)
            assert "fsync=off" in durability_refused(server.port)
        wait_for(lambda: Client(server.port, "").ask("GET", "health/ready")[0] == 200)


def durability_refused(port: int) -> str:
    """The message of health/ready, which must refuse because of durability."""
    status, answer, _ = Client(port, "").ask("GET", "health/ready")
    assert (status, [error["field"] for error in answer["errors"]]) == (503, ["durability"])
    return answer["message"]


# --- Idempotency-Key, on a real server ---


def test_worker_killed_between_commit_and_response_has_written_once(database, url):
    """It is killed at its first commit, so a response stored by a second commit would be lost."""
    with serving(environment(url), 0, "tests.hooks") as server:
        client = Client(server.port, database.token)
        path = f"assets/{create_asset(client)}/snapshots"
        with pytest.raises((OSError, HTTPException)):
            client.ask("POST", path, {"value": "1"}, Idempotency_Key="k1", X_Die="yes")
        query = "SELECT id FROM assets_assetsnapshot"
        [row] = database.rows(url, query)
        again, answer, headers = client.ask("POST", path, {"value": "1"}, Idempotency_Key="k1")
        assert (again, headers["Idempotency-Replayed"]) == (201, "true")
        assert str(UUID(str(row[0]))) == answer["id"]
        assert database.rows(url, query) == [row]


def test_key_of_an_unfinished_request_is_a_conflict_in_every_worker(database, url, tmp_path):
    hold_file = tmp_path / "held"
    with serving(environment(url, HELD_WHILE=str(hold_file)), 0, "tests.hooks") as server:

        def send(_):
            return Client(server.port, database.token).ask(
                "POST", "tags", {"name": "x"}, Idempotency_Key="k1"
            )

        hold_file.touch()
        with ThreadPoolExecutor(5) as clients:
            first = clients.submit(send, 0)
            wait_for(hold_file.with_suffix(".reached").exists)
            others = list(clients.map(send, range(4)))
            hold_file.unlink()
            assert first.result()[0] == 201
        assert [(status, answer["code"]) for status, answer, _ in others] == [
            (409, "IDEMPOTENCY_IN_PROGRESS")
        ] * 4
        assert send(0)[2]["Idempotency-Replayed"] == "true"
