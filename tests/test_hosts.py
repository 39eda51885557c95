"""A DATABASE_URL that names several hosts: the one that may be written to is found, wherever it is in the list."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.databases import free_port
from tests.load_clients import Client, create_asset
from tests.serving import environment, manage, serving

pytestmark = [pytest.mark.server, pytest.mark.on_postgresql]


def hosts(url: str, *ports: int) -> str:
    places = ",".join(f"127.0.0.1:{port}" for port in ports)
    return (
        urlsplit(url)._replace(netloc=f"postgres@{places}", query="target_session_attrs=read-write").geturl()
    )


@pytest.mark.parametrize("dead_first", [True, False])
def test_a_host_that_is_away_is_passed_over(database, url, dead_first):
    dead, alive = free_port(), database.port
    several = hosts(url, *((dead, alive) if dead_first else (alive, dead)))
    assert "timeouts: statement_timeout=20s" in manage(environment(several), "doctor").stdout
    with serving(environment(several, WEB_CONCURRENCY="1")) as server:
        client = Client(server.port, database.token)
        create_asset(client)
        assert client.ask("GET", "health/ready")[0] == 200
        client.close()


def test_a_host_that_may_only_be_read_is_no_home_for_writes(database, url):
    """A standby says so by itself; here the only one does. Then nothing is written to it, and nothing lost."""
    several = hosts(url, free_port(), database.port)
    database.set_read_only(url, "on")
    with serving(environment(several, WEB_CONCURRENCY="1")) as server:
        client = Client(server.port, database.token)
        assert client.ask("GET", "portfolios")[0] == 503
        database.set_read_only(url, "off")
        create_asset(client)
        client.close()
