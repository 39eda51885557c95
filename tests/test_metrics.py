"""/metrics of a real server: counts over workers, also of those that ended, on an address of its own, without names."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection

import pytest

from tests.databases import PASSWORD, free_port
from tests.serving import ROOT, environment, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.on_sqlite]
TAGS = r'strata_requests_total\{method="GET",route="api/v1/tags[^"]*",status="200"\}'
NAMES = ("dora", "smiths", "strata_")


def read(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def figure(port: int, name: str) -> float:
    """0 where there is no such line. `name` is a regular expression."""
    match = re.search(rf"^{name} (\S+)$", read(port)[1], re.MULTILINE)
    return float(match[1]) if match else 0


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(database, port):
    url = database.fresh("strata_metrics")
    with serving(environment(url, METRICS="on", METRICS_PORT=str(port), API_THROTTLE="100000/min")) as server:
        yield server


@pytest.fixture(scope="module")
def token(server) -> dict[str, str]:
    body = json.dumps({"username": "alice", "password": PASSWORD})
    answer = server.ask("POST", "/api/v1/auth/token", body, {"Content-Type": "application/json"})[1]
    return {"Authorization": f"Bearer {json.loads(answer)['token']}", "Content-Type": "application/json"}


def test_requests_of_all_workers_are_counted_also_of_those_that_end(server, port, token):
    before = figure(port, TAGS)
    for _ in range(10):
        assert server.ask("GET", "/api/v1/tags", headers=token)[0].status == 200
    assert figure(port, TAGS) == before + 10
    old = set(server.workers())
    for pid in old:
        os.kill(pid, signal.SIGTERM)  # children of the server that this test started
    wait_for(lambda: len(set(server.workers()) - old) == 2 and not old & set(server.workers()))
    assert figure(port, TAGS) == before + 10
    assert server.ask("GET", "/api/v1/tags", headers=token)[0].status == 200
    assert figure(port, TAGS) == before + 11


def test_what_is_counted_has_no_name(server, port, token):
    body = json.dumps({"name": "The Smiths"})
    key = {"Idempotency-Key": "k1"}
    for _ in range(2):
        assert server.ask("POST", "/api/v1/households", body, token | key)[0].status == 201
    wrong = json.dumps({"username": "dora", "password": "wrong"})
    assert (
        server.ask("POST", "/api/v1/auth/token", wrong, {"Content-Type": "application/json"})[0].status == 401
    )
    assert server.ask("BREW", "/api/v1/tags/The-Smiths", headers=token)[0].status in (404, 405)
    status, text = read(port)
    assert status == 200
    assert not [name for name in NAMES if name.lower() in re.sub(r"\bstrata_[a-z_]+\b", "", text).lower()]
    assert "alice" not in text
    assert 'outcome="made"' in text
    assert 'outcome="replayed"' in text
    assert 'method="other"' in text
    assert figure(port, "strata_login_failures_total") == 1
    assert figure(port, "strata_migrations_pending") == 0


def test_the_address_of_the_users_has_no_metrics_and_that_of_the_metrics_nothing_else(server, port, token):
    assert server.ask("GET", "/metrics")[0].status == 404
    assert [read(port, path)[0] for path in ("/", "/api/v1/health/live", "/metrics/", "/admin/")] == [404] * 4
    assert read(port, method="POST")[0] == 404


def test_the_log_says_how_many_queries_a_request_made_and_how_long_they_took(server, token):
    server.ask("GET", "/api/v1/tags", headers=token | {"X-Request-Id": "counted"})
    wait_for(lambda: [line for line in server.logged("strata.requests") if line["request_id"] == "counted"])
    (line,) = [line for line in server.logged("strata.requests") if line["request_id"] == "counted"]
    assert line["queries"] == 2
    assert 0 < line["db_ms"] < line["ms"]


def test_users_and_metrics_cannot_have_one_port(database):
    """On two addresses too: the users would get nothing but the metrics."""
    port = str(free_port())
    env = environment(
        database.fresh("strata_one_port"), METRICS="on", BIND="127.0.0.2", PORT=port, METRICS_PORT=port
    )
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--check-config"]
    checked = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert checked.returncode == 1
    assert "METRICS_PORT: " in checked.stderr
    assert "must be another port than PORT" in checked.stderr


def test_folder_of_the_counts_is_made_where_the_operator_wants_it(database, tmp_path):
    port, folder = free_port(), tmp_path / "run" / "metrics"
    env = environment(
        database.fresh("strata_folder"), METRICS="on", METRICS_PORT=str(port), WEB_CONCURRENCY="1"
    )
    with serving(env | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}) as server:
        assert server.ask("GET", "/api/v1/health/live")[0].status == 200
        assert figure(port, r'strata_requests_total\{method="GET",route="[^"]*live[^"]*",status="200"\}') == 1
    assert folder.is_dir()
