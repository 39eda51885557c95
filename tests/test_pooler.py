"""Strata behind PgBouncer in transaction mode: no startup options, and another connection for each transaction."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from uuid import uuid4

import psycopg
import pytest
from django.db import connections

from assets.models import Asset
from assets.valuation.sources import snapshots_sql
from strata.db import params
from strata.db.backends.postgresql.base import DatabaseWrapper
from strata.environment.database_url import database as configured
from strata.server.health import READY
from tests.databases import populate
from tests.load_clients import Client, create, create_asset
from tests.pooler import pooling
from tests.serving import ROOT, environment, manage, serving, wait_for
from tests.write_paths import WritePaths, statuses

pytestmark = [pytest.mark.server, pytest.mark.on_postgresql]
SMALLEST, THREADS, ROUNDS = 2, 8, 5
REFUSED_WITHIN = 7  # seconds, when the server behind the pooler hangs
LOCK_REFUSED_WITHIN = 10
DEFAULTS = {"TIME_ZONE": None, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "TEST": {}}


@pytest.fixture
def pooler(database):
    with pooling(database._url("postgres"), size=SMALLEST) as running:
        yield running


@pytest.fixture
def empty(database) -> str:
    """A database without a table."""
    name = f"strata_{uuid4().hex}"
    database.execute(f'CREATE DATABASE "{name}"')
    return database._url(name)


def without_defaults(url: str) -> str:
    return f'ALTER ROLE postgres IN DATABASE "{url.rpartition("/")[2]}" RESET ALL'


def one_worker(url: str) -> dict[str, str]:
    return environment(url, WEB_CONCURRENCY="1", WEB_THREADS=str(THREADS))


def test_migrate_and_all_paths_work_with_two_connections_for_eight_threads(database, empty, pooler):
    via_pooler = pooler.url_of(empty)
    token = populate(via_pooler)
    with serving(one_worker(via_pooler)) as server:
        paths = WritePaths(server, token)

        def round_of(number: int) -> Counter:
            client = Client(server.port, token)
            asset = create_asset(client)
            create(client, f"assets/{asset}/snapshots", {"value": "5", "on": "2020-01-01"})
            urls = (f"assets/{asset}", "assets", "portfolios", "net-worth?interval=day&start=2024-01-01",
                     "allocation?group_by=category", f"assets/{asset}/history", "assets?known_at=2026-01-01T00:00:00Z",
                     "health/ready")  # fmt: skip
            statuses_of_round = Counter(client.ask("GET", path)[0] for _ in range(ROUNDS) for path in urls)
            client.close()
            return statuses_of_round

        with ThreadPoolExecutor(THREADS) as pool:
            assert sum(pool.map(round_of, range(THREADS)), Counter()).keys() == {200}
        assert set(statuses(paths.reads()).values()) == {200}
        assert {status for status in statuses(paths.writes()).values() if status >= 500} == set()
        assert ready(server) == READY
    assert "waiting" not in manage(environment(via_pooler), "migrate").stdout
    assert database.damage(empty) == []


def ready(server) -> dict:
    client = Client(server.port, "")
    try:
        return client.ask("GET", "health/ready")[1]
    finally:
        client.close()


@pytest.mark.django_db(transaction=True)
def test_rows_fetched_in_chunks_come_from_one_connection(database, url, pooler, monkeypatch):
    """Other clients use the connection between transactions, so a server-side cursor needs one transaction."""
    monkeypatch.setattr(params, "LONG_ROWS_AT_A_TIME", 1)
    via_pooler = pooler.url_of(url)
    with serving(one_worker(url)) as server:
        client = Client(server.port, database.token)
        portfolio = create(client, "portfolios", {"name": "Main", "base_currency": "EUR"})
        for value in range(6):
            asset = create_asset(client, portfolio)
            create(client, f"assets/{asset}/snapshots", {"value": str(value), "on": "2020-01-01"})
        client.close()

    def read(_: int) -> list[int]:
        connections["default"] = DatabaseWrapper(DEFAULTS | configured(via_pooler), alias="default")
        try:
            counts = []
            for _ in range(ROUNDS):
                ids = [asset.pk for asset in Asset.objects.order_by("pk").iterator(chunk_size=1)]
                counts.append(sum(len(days) for _, days, _ in snapshots_sql.values_between(ids, *ALL_DAYS)))
            return counts
        finally:
            connections["default"].close()
            del connections["default"]

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(read, range(THREADS))) == [[6] * ROUNDS] * THREADS


ALL_DAYS = (params.date.min, params.date.max)


def test_write_that_waits_for_a_lock_is_refused(database, url, pooler, figures):
    """Its own BEGIN sets the timeout; the role has no default here."""
    database.execute(without_defaults(url))
    with serving(one_worker(pooler.url_of(url))) as server:
        client = Client(server.port, database.token)
        asset = create_asset(client)
        with psycopg.connect(url) as other:
            other.execute("SELECT 1 FROM portfolios_portfolio FOR UPDATE")
            began = monotonic()
            status, _, headers = client.ask("PATCH", f"assets/{asset}", {"notes": "x"})
            seconds = monotonic() - began
        figures(f"refused after {seconds:.1f} s")
        assert (status, "Retry-After" in headers) == (503, True)
        assert seconds < 2 * LOCK_REFUSED_WITHIN
        assert client.ask("PATCH", f"assets/{asset}", {"notes": "x"})[0] == 200
        client.close()


def test_hanging_server_behind_the_pooler_is_refusals(database, url, pooler, figures):
    with serving(one_worker(pooler.url_of(url))) as server:
        client = Client(server.port, database.token)
        assert client.ask("GET", "portfolios")[0] == 200
        seconds = []
        with database.hanging():
            for _ in range(2):
                began = monotonic()
                assert client.ask("GET", "portfolios")[0] == 503
                seconds.append(monotonic() - began)
            assert client.ask("GET", "health/live")[0] == 200
        figures(f"refused after {seconds[0]:.1f} s, the next after {seconds[1]:.1f} s")
        assert max(seconds) < 2 * REFUSED_WITHIN
        wait_for(lambda: client.ask("GET", "portfolios")[0] == 200)
        client.close()


def test_missing_timeouts_are_reported_and_set_by_migrate(database, url, pooler):
    name = url.rpartition("/")[2]
    database.execute(without_defaults(url))
    via_pooler = pooler.url_of(url)
    with serving(one_worker(via_pooler)) as server:
        errors = {(error["field"], error["code"]) for error in ready(server)["errors"]}
        assert errors == {("timeouts", "unset")}
        wait_for(lambda: [line for line in server.logged("strata.health") if "timeout" in line["message"]])
        command = [sys.executable, "manage.py", "doctor"]
        doctor = subprocess.run(
            command, cwd=ROOT, env=environment(via_pooler), capture_output=True, text=True
        )
        remedy = f"ALTER ROLE postgres IN DATABASE {name} SET statement_timeout = '20s'"
        assert f"statement_timeout=0 outside a transaction. Run: {remedy}\n" in doctor.stdout
        remedy = f"ALTER ROLE postgres IN DATABASE {name} SET jit = 'off'"
        assert "jit=on outside a transaction" in doctor.stdout
        assert f"Run: {remedy}\n" in doctor.stdout
        manage(environment(via_pooler), "migrate")
        for pid in database.sessions(url):  # the pooler keeps old connections, which have the old setting
            database.execute(f"SELECT pg_terminate_backend({pid}, 10000)")
        wait_for(lambda: ready(server)["status"] == "ready")
    assert database.rows(
        url,
        "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('jit')",
    ) == [("20s", "10s", "off")]
