"""REPLICA_URL: a standby answers reads that are up to date, and goes on while the primary is away."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection, IncompleteRead
from time import monotonic
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from django.db import DatabaseError, connections

from strata.audit.past import statements
from strata.db.backends.postgresql.base import COMMIT_SECONDS, DatabaseWrapper
from strata.db.durability import durability
from strata.environment.database_url import database as configured
from tests.databases import PostgresqlStandby, free_port
from tests.load_clients import Client, create, create_asset
from tests.serving import environment, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.on_postgresql, pytest.mark.chaos]
DEFAULTS = {"TIME_ZONE": None, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "TEST": {}}
AT_ONCE = 1.5  # seconds: no timeout was waited for, on a slow machine
STALE = "Strata-Stale"
FIRST, MANY, LONG = date(2000, 1, 1), 9_000, "long" * 150  # a file that no buffer of a connection holds
# Categories that were deleted since.
MANY_IMAGES = """
    INSERT INTO strata_change (at, actor_name, request_id, road, model, object_id, household_id, action, before)
    SELECT now(), '', '', '', 'assets.Category', gen_random_uuid(), household_id, 'delete',
        jsonb_build_object('id', gen_random_uuid(), 'created_at', '2020-01-01T00:00:00+00:00', 'name', 'x')
    FROM portfolios_portfolio, generate_series(1, {count})
"""


@pytest.fixture(scope="module")
def standby(database):
    server = PostgresqlStandby(database)
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def replica_url(database, standby, url):
    """After the standby has the database."""
    standby_url = standby.url_of(url)
    wait_for(lambda: exists(standby_url))
    return standby_url


def exists(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def served(url: str, replica_url: str):
    env = environment(url, REPLICA_URL=replica_url, WEB_CONCURRENCY="1", WEB_THREADS="4")
    with serving(env) as server:
        yield server


@contextmanager
def client_of(server, token):
    client = Client(server.port, token)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def primary_dead(database):
    database.kill()
    try:
        yield
    finally:
        database.start()


def reads_of(standby, url: str) -> int:
    """How many transactions the standby's database has had."""
    name = url.rpartition("/")[2]
    query = f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{name}'"
    return standby.rows(standby._url("postgres"), query)[0][0]


def test_reads_after_writes_are_never_stale_and_a_revoked_token_is_refused_at_once(
    database, standby, url, replica_url, figures
):
    with served(url, replica_url) as server, client_of(server, database.token) as client:
        asset = create_asset(client)
        before, waits = reads_of(standby, url), []
        for number in range(30):
            client.ask("PATCH", f"assets/{asset}", {"notes": str(number)})
            began = monotonic()
            assert client.ask("GET", f"assets/{asset}")[1]["notes"] == str(number)
            waits.append(monotonic() - began)
        figures(f"slowest read after a write {max(waits) * 1000:.0f} ms")
        wait_for(lambda: reads_of(standby, url) - before >= 30)  # it is counted once a second
        lines = [line for line in server.logged("strata.requests") if line["method"] == "GET"]
        assert [line["read_from"] for line in lines[-30:]].count("replica") > 20
        assert lines[-1]["queries"] > 2
        for _ in range(5):
            assert client.ask("GET", f"assets/{asset}")[0] == 200
        without_write = server.logged("strata.requests")[
            -5:
        ]  # what is known of the standby is not asked again
        assert fewest_queries(without_write) == fewest_queries(lines[-30:]) - 1
        with standby.paused():
            for number in range(5):
                client.ask("PATCH", f"assets/{asset}", {"notes": f"paused {number}"})
                assert client.ask("GET", f"assets/{asset}")[1]["notes"] == f"paused {number}"
            assert ready(client)["replica"] == "lagging"
            execute(url, "UPDATE strata_user SET is_active = FALSE")
            assert client.ask("GET", f"assets/{asset}")[0] == 401
            execute(url, "UPDATE strata_user SET is_active = TRUE")
            assert client.ask("GET", f"assets/{asset}")[0] == 200
            execute(url, "DELETE FROM strata_apitoken")
            assert client.ask("GET", f"assets/{asset}")[0] == 401


def fewest_queries(lines: list[dict]) -> int:
    return min(line["queries"] for line in lines if line["read_from"] == "replica")


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def ready(client: Client) -> dict:
    return client.ask("GET", "health/ready")[1]


def test_primary_that_is_away_stops_writes_at_once_and_no_read(database, standby, url, replica_url):
    with served(url, replica_url) as server:
        client = Client(server.port, database.token)
        asset = create_asset(client)
        create(client, f"assets/{asset}/snapshots", {"value": "5", "on": "2020-01-01"})
        before_many = quote(datetime.now(UTC).isoformat())
        execute(url, MANY_IMAGES.format(count=statements.MOST_IMAGES + 1))
        known_at = quote(datetime.now(UTC).isoformat())
        client.ask("PATCH", f"assets/{asset}", {"notes": "later"})
        assert ready(client)["replication"] == "asynchronous"
        many = f"categories?known_at={before_many}"  # more than statements carry: for the primary
        assert client.ask("GET", many)[0] == 200
        paths = [f"assets/{asset}", "assets?page_size=50", "tags", "net-worth", "allocation?group_by=type",
                 f"assets/{asset}/history", "assets?format=csv", "values"]  # fmt: skip
        present = {path: client.ask("GET", path)[0] for path in paths if "csv" not in path}
        assert set(present.values()) == {200}
        with primary_dead(database):
            began = monotonic()
            assert client.ask("GET", "tags")[2][STALE] == "primary-away"
            for path in paths:
                connection = server.ask("GET", f"/api/v1/{path}", headers=bearer(database.token))
                assert (connection[0].status, connection[0].headers[STALE]) == (200, "primary-away"), path
                past = f"{path}{'&' if '?' in path else '?'}known_at={known_at}"
                if "history" not in path:
                    answer, _ = server.ask("GET", f"/api/v1/{past}", headers=bearer(database.token))
                    assert (answer.status, answer.headers[STALE]) == (200, "primary-away"), past
            assert client.ask("GET", f"assets/{asset}?known_at={known_at}")[1]["notes"] == ""
            status, _, headers = client.ask("GET", many)
            assert (status, headers["Retry-After"], headers[STALE]) == (503, "5", "primary-away")
            writing = monotonic()
            status, _, headers = client.ask("PATCH", f"assets/{asset}", {"notes": "never"})
            assert (status, headers["Retry-After"]) == (503, "5")
            assert monotonic() - writing < AT_ONCE
            assert monotonic() - began < 20 * AT_ONCE
            answer = ready(client)
            assert (answer["status"], answer["writes"], answer["replica"]) == ("ready", "unavailable", "ok")
        client = Client(server.port, database.token)  # the server has closed the connection meanwhile
        wait_for(lambda: client.ask("PATCH", f"assets/{asset}", {"notes": "again"})[0] == 200)
        status, row, headers = client.ask("GET", f"assets/{asset}")
        assert (status, row["notes"], STALE in headers) == (200, "again", False)
        wait_for(lambda: ready(client).get("replica") == "ok")


@pytest.mark.parametrize("is_changed", [False, True], ids=["unchanged", "changed"])
def test_file_that_the_standby_stops_sending_is_continued_by_the_primary(
    database, standby, url, replica_url, is_changed
):
    """Where what was sent is still so. Else the client sees that the file is not complete."""
    with served(url, replica_url) as server, client_of(server, database.token) as client:
        asset = create_asset(client)
        rows = [
            {"asset_id": asset, "on": str(FIRST + timedelta(number)), "value": str(number), "note": LONG}
            for number in range(MANY)
        ]
        assert client.ask("POST", "values:batch", {"rows": rows})[0] == 200
        path = f"/api/v1/assets/{asset}/snapshots?format=csv"
        whole = server.ask("GET", path, headers=bearer(database.token))[1]
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", path, headers=bearer(database.token))
        response = connection.getresponse()
        read = response.read(100)
        if is_changed:
            newest = client.ask("GET", f"assets/{asset}/snapshots?page_size=1")[1]["results"][0]["id"]
            execute(url, f"UPDATE assets_assetsnapshot SET note = 'other' WHERE id = '{newest}'")
        ended = [
            standby.execute(f"SELECT pg_terminate_backend({pid})") for pid in standby.sessions(replica_url)
        ]
        assert ended
        if is_changed:
            with pytest.raises(IncompleteRead):
                response.read()
        else:
            read += response.read()
            assert len(read) == len(whole)
            assert read == whole
        connection.close()
        assert client.ask("GET", "tags")[0] == 200


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_primary_that_hangs_delays_one_read_alone(database, url, replica_url, figures):
    with served(url, replica_url) as server, client_of(server, database.token) as client:
        assert client.ask("GET", "tags")[0] == 200
        with database.hanging():
            seconds = []
            for _ in range(3):
                began = monotonic()
                status, _, headers = client.ask("GET", "tags")
                assert (status, headers[STALE]) == (200, "primary-away")
                seconds.append(monotonic() - began)
            assert ready(client)["writes"] == "unavailable"
        figures(f"first read {seconds[0]:.1f} s, then {max(seconds[1:]):.2f} s")
        assert max(seconds[1:]) < AT_ONCE


def test_standby_that_is_away_costs_nothing(database, url, figures):
    nobody = f"postgres://postgres@127.0.0.1:{free_port()}/strata"
    with served(url, nobody) as server, client_of(server, database.token) as client:
        seconds = []
        for _ in range(20):
            began = monotonic()
            assert client.ask("GET", "tags")[0] == 200
            seconds.append(monotonic() - began)
        figures(f"median {sorted(seconds)[10] * 1000:.0f} ms")
        assert (ready(client)["replica"], ready(client)["writes"]) == ("away", "ok")


def test_commit_that_a_standby_holds_up_is_refused_and_takes_effect_once(
    database, standby, url, replica_url, figures
):
    with (
        database.with_setting("synchronous_standby_names", standby.NAME),
        served(url, replica_url) as server,
        client_of(server, database.token) as client,
    ):
        assert ready(client)["replication"] == "synchronous"
        body, key = {"name": uuid4().hex, "base_currency": "EUR"}, uuid4().hex
        with standby.hanging():
            began = monotonic()
            status, _, _ = client.ask("POST", "portfolios", body, Idempotency_Key=key)
            seconds = monotonic() - began
        figures(f"refused after {seconds:.1f} s")
        assert status == 503
        assert COMMIT_SECONDS - 1 < seconds < 3 * COMMIT_SECONDS
        wait_for(lambda: client.ask("POST", "portfolios", body, Idempotency_Key=key)[0] == 201)
        names = [row["name"] for row in client.ask("GET", "portfolios")[1]["results"]]
        assert names.count(body["name"]) == 1


@pytest.fixture
def wrapper():
    """Makes a connection to a URL that this thread uses by default."""
    usual = connections["default"]
    opened = []

    def connect(url: str) -> DatabaseWrapper:
        connections["default"] = DatabaseWrapper(DEFAULTS | configured(url), alias="default")
        opened.append(connections["default"])
        return connections["default"]

    yield connect
    for connection in opened:
        connection.close()
    connections["default"] = usual


@pytest.mark.django_db
def test_local_commits_beside_a_synchronous_standby_are_not_safe(database, standby, url, wrapper):
    def unsafe() -> list[str]:
        return [str(setting) for setting in durability() if not setting.is_safe]

    execute(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET synchronous_commit = local')
    connection = wrapper(url)
    assert unsafe() == []
    with database.with_setting("synchronous_standby_names", standby.NAME):
        connection.close()
        wait_for(lambda: database.rows(url, "SHOW synchronous_standby_names") == [(standby.NAME,)])
        assert unsafe() == ["synchronous_commit=local"]


@pytest.mark.django_db
def test_server_that_became_a_standby_is_left(replica_url, wrapper):
    """The next connection finds the primary, where DATABASE_URL names several hosts."""
    connection = wrapper(replica_url)
    with connection.cursor() as cursor, pytest.raises(DatabaseError):
        cursor.execute("DELETE FROM strata_change")
    connection.close_if_unusable_or_obsolete()
    assert connection.connection is None
