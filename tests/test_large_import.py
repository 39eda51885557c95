"""A large import beside other users of a real server, and one whose process is killed in the middle."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from http.client import HTTPException
from time import monotonic

import pytest

from tests.load_clients import Client, create, create_asset
from tests.serving import environment, manage, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.chaos]
ROWS, ACCOUNTS = 40_000, 20
WRITTEN = "SELECT count(*) FROM assets_assetsnapshot"
LET_TIME_PASS = (
    "from django.utils import timezone; from strata.audit.models import Deletion;"
    "Deletion.objects.update(written_until=timezone.now())"
)


def preview_of(server, token: str, portfolio: str) -> str:
    """The id of the preview of a table: each day has a value of each account, all of which are new."""
    lines = ["date,account,balance,currency"]
    for number in range(ROWS):
        day, account = divmod(number, ACCOUNTS)
        lines.append(f"{date(2000, 1, 1) + timedelta(days=day)},Account {account},{number}.25,EUR")
    part = 'Content-Disposition: form-data; name="{}"'
    body = "\r\n".join(
        [
            f"--limit\r\n{part.format('portfolio_id')}\r\n\r\n{portfolio}",
            f'--limit\r\n{part.format("file")}; filename="values.csv"\r\n\r\n' + "\n".join(lines),
            "--limit--\r\n",
        ]
    )
    kind = {"Content-Type": "multipart/form-data; boundary=limit", "Authorization": f"Bearer {token}"}
    response, content = server.ask("POST", "/api/v1/imports", body.encode(), kind.items())
    assert response.status == 201, content
    location: str = response.headers["Location"]
    return location.rpartition("/")[2]


@pytest.fixture
def server(url):
    with serving(environment(url)) as server:
        yield server


@pytest.fixture
def client(server, database):
    return Client(server.port, database.token)


@pytest.fixture
def portfolio(client):
    return create(client, "portfolios", {"name": "Imported", "base_currency": "EUR"})


def test_others_write_while_it_is_committed(server, client, database, url, portfolio, figures):
    asset, other = create_asset(client), Client(server.port, database.token)
    new_import = preview_of(server, database.token, portfolio)
    waits = []
    with ThreadPoolExecutor(1) as pool:
        begun = monotonic()
        committed = pool.submit(other.ask, "POST", f"imports/{new_import}/commit", {})
        while not committed.done():
            asked = monotonic()
            status, answer, _ = client.ask("POST", f"assets/{asset}/snapshots", {"value": "1"})
            assert status == 201, answer
            waits.append(monotonic() - asked)
        took = monotonic() - begun
    status, answer, _ = committed.result()
    assert (status, answer["made"]["value"]) == (200, ROWS)
    figures(f"{len(waits)} writes beside an import of {took:.1f} s, the longest took {max(waits):.2f} s")
    assert max(waits) < took / 2
    assert database.rows(url, WRITTEN) == [(ROWS + len(waits),)]
    assert database.damage(url) == []


def test_a_kill_in_the_middle_leaves_nothing(server, client, database, url, portfolio):
    new_import = preview_of(server, database.token, portfolio)
    before = client.ask("GET", "assets")[1], client.ask("GET", "net-worth")[1]
    killed = server.workers()
    with ThreadPoolExecutor(1) as pool:
        other = Client(server.port, database.token)
        committed = pool.submit(other.ask, "POST", f"imports/{new_import}/commit", {})
        wait_for(lambda: database.rows(url, WRITTEN) > [(0,)])
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert isinstance(committed.exception(), OSError | HTTPException)
    client.close()
    assert 0 < database.rows(url, WRITTEN)[0][0] < ROWS
    wait_for(lambda: server.workers() and not {*server.workers()} & {*killed})
    assert (client.ask("GET", "assets")[1], client.ask("GET", "net-worth")[1]) == before
    assert client.ask("GET", f"imports/{new_import}")[1]["status"] == "preview"

    manage(environment(url), "shell", "-c", LET_TIME_PASS)
    manage(environment(url), "finish_deletions")
    assert database.rows(url, WRITTEN) == [(0,)]
    assert database.rows(url, "SELECT count(*) FROM assets_asset") == [(0,)]
    assert database.damage(url) == []

    status, answer, _ = client.ask("POST", f"imports/{new_import}/commit", {})
    assert (status, answer["made"]["value"]) == (200, ROWS)
    assert client.ask("POST", f"imports/{new_import}/commit", {})[1] == answer
    assert database.rows(url, WRITTEN) == [(ROWS,)]
