"""With several hosts in DATABASE_URL, Strata finds the writable one wherever it is in the list."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.databases import free_port
from tests.load_clients import Client, create_asset
from tests.serving import environment, manage, serving

pytestmark = [pytest.mark.server, pytest.mark.on_postgresql]


def with_ports(url: str, *ports: int) -> str:
    """The URL with a host for each port, of which a writable one is wanted."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
    return (
        urlsplit(url)
        ._replace(netloc=f"postgres@{addresses}", query="target_session_attrs=read-write")
        .geturl()
    )


@pytest.mark.parametrize("dead_first", [True, False])
def test_unreachable_host_is_skipped(database, url, dead_first):
    dead, alive = free_port(), database.port
    several_hosts = with_ports(url, *((dead, alive) if dead_first else (alive, dead)))
    assert "timeouts: statement_timeout=20s" in manage(environment(several_hosts), "doctor").stdout
    with serving(environment(several_hosts, WEB_CONCURRENCY="1")) as server:
        client = Client(server.port, database.token)
        create_asset(client)
        assert client.ask("GET", "health/ready")[0] == 200
        client.close()


def test_read_only_host_is_not_used(database, url):
    """The only host that can be reached is read-only, as a standby is: requests are refused until it is writable."""
    several_hosts = with_ports(url, free_port(), database.port)
    database.set_read_only(url, "on")
    with serving(environment(several_hosts, WEB_CONCURRENCY="1")) as server:
        client = Client(server.port, database.token)
        assert client.ask("GET", "portfolios")[0] == 503
        database.set_read_only(url, "off")
        create_asset(client)
        client.close()
