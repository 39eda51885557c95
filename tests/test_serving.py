"""Behaviour of a real gunicorn, started as `make run` and the container start it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

import pytest

from strata import __version__
from tests.databases import PASSWORD
from tests.serving import ROOT, Server, environment, serving, start_server, wait_for

pytestmark = pytest.mark.server
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "1"))  # `make chaos` asks for more
JSON = {"Content-Type": "application/json"}
HALF_A_HEADER = b"GET / HT"
HALF_A_BODY = b"POST /api/v1/tags HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"


@pytest.fixture(scope="module")
def env(database):
    return environment(database.fresh("strata_serving"))


@pytest.fixture(scope="module")
def server(env):
    with serving(env) as server:
        yield server


def login(server: Server, **headers: str) -> tuple[int, dict]:
    body = json.dumps({"username": "alice", "password": PASSWORD})
    response, content = server.ask("POST", "/api/v1/auth/token", body, JSON | headers)
    return response.status, json.loads(content)


@pytest.mark.on_sqlite
def test_gunicorn_serves_static_files_and_pages(server):
    for path in (
        "/static/admin/css/base.css",
        "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js",
    ):
        response, content = server.ask("GET", path)
        assert (response.status, len(content) > 1000) == (200, True)
    for path in ("/swagger", "/admin/login/", "/api/v1/openapi.json"):
        assert server.ask("GET", path)[0].status == 200


@pytest.mark.on_sqlite
def test_body_sent_in_chunks_is_read(server):
    body = json.dumps({"username": "alice", "password": PASSWORD}).encode()
    response, content = server.ask("POST", "/api/v1/auth/token", iter([body[:10], body[10:]]), JSON)
    assert (response.status, json.loads(content)["scope"]) == (201, "write")


@pytest.mark.on_sqlite
@pytest.mark.parametrize("megabytes", [3, 30])
@pytest.mark.parametrize("chunked", [False, True])
def test_body_that_is_too_large_gets_a_response(server, megabytes, chunked):
    part = b"x" * 1_000_000
    body = iter([part] * megabytes) if chunked and megabytes < 10 else part * megabytes
    response, content = server.ask("POST", "/api/v1/tags", body, JSON)
    assert (response.status, json.loads(content)["code"]) == (413, "TOO_LARGE")
    assert server.ask("GET", "/api/v1/health/live")[0].status == 200


@pytest.mark.on_sqlite
def test_query_with_a_hundred_and_fifty_portfolios_is_accepted(server):
    query = "&".join([f"portfolio={uuid4()}"] * 150)
    response, content = server.ask("GET", f"/api/v1/net-worth?{query}")
    assert (response.status, json.loads(content)["code"]) == (401, "NOT_AUTHENTICATED")


def test_every_log_line_is_json_with_a_request_id_and_no_secret(server):
    status, answer = login(server, **{"X-Request-Id": "line-1"})
    assert status == 201
    listed, _ = server.ask(
        "GET", "/api/v1/portfolios", headers={"Authorization": f"Bearer {answer['token']}"}
    )
    assert listed.status == 200
    server.ask("GET", "/api/v1/version", headers={"X-Request-Id": "line-2"})
    [line] = [line for line in server.logged("strata.requests") if line["request_id"] == "line-1"]
    assert (line["method"], line["route"], line["status"]) == ("POST", "api/v1/auth/token/?$", 201)
    output = "\n".join(server.lines)
    assert not [secret for secret in (PASSWORD, answer["token"], "alice") if secret in output]
    assert {line["logger"] for line in map(json.loads, server.lines)} <= {"gunicorn.error", "strata.requests"}


@pytest.mark.on_sqlite
def test_silent_clients_do_not_delay_others(server):
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    try:
        assert server.ask("GET", "/api/v1/health/live", timeout=4)[0].status == 200
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.on_sqlite
def test_clients_that_do_not_close_their_connection_do_not_delay_others(server):
    lingering = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    try:
        for connection in lingering:
            connection.sendall(
                b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert server.ask("GET", "/api/v1/health/live", timeout=4)[0].status == 200
    finally:
        for connection in lingering:
            connection.close()


@pytest.mark.on_sqlite
def test_clients_that_stop_in_a_request_hold_a_thread_only_for_a_while(env):
    """As many clients as threads: without a timeout nobody else would get a response.

    On one server the clients stop in a header, on the other in a body.
    """
    small = env | {"WEB_CONCURRENCY": "1", "WEB_THREADS": "2"}
    with serving(small) as first, serving(small) as second, ExitStack() as stopped:
        for server, sent in ((first, HALF_A_HEADER), (second, HALF_A_BODY)):
            assert server.ask("GET", "/api/v1/health/live")[0].status == 200
            for _ in range(2):
                connection = socket.create_connection(("127.0.0.1", server.port))
                stopped.enter_context(connection).sendall(sent)
        for server, sent in ((first, HALF_A_HEADER), (second, HALF_A_BODY)):
            assert server.ask("GET", "/api/v1/health/live")[0].status == 200, sent


@pytest.mark.chaos
@pytest.mark.on_sqlite
def test_new_code_is_loaded_without_a_failed_request(env):
    with serving(env) as server, ThreadPoolExecutor(4) as clients:
        for _ in range(ROUNDS):
            statuses = [
                clients.submit(lambda: server.ask("GET", "/api/v1/health/live")[0].status) for _ in range(400)
            ]
            server.process.send_signal(signal.SIGHUP)
            assert {status.result() for status in statuses} == {200}
        workers = [line for line in server.logged("gunicorn.error") if "Booting worker" in line["message"]]
        assert len(workers) >= 2


@pytest.mark.on_sqlite
def test_terminated_server_exits_with_0(env):
    with serving(env | {"WEB_CONCURRENCY": "1"}) as server:
        assert server.ask("GET", "/api/v1/health/live")[0].status == 200
        server.process.terminate()
        assert server.process.wait(30) == 0


@pytest.mark.on_postgresql
def test_database_that_never_answers_is_503_and_liveness_stays():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = f"postgres://u:p@127.0.0.1:{silent.getsockname()[1]}/strata?sslmode=disable"
        with serving(environment(url)) as server:
            ready, _ = server.ask("GET", "/api/v1/health/ready")
            token = {"Authorization": "Bearer strata_" + "x" * 43}
            refused, content = server.ask("GET", "/api/v1/portfolios", headers=token)
            live, _ = server.ask("GET", "/api/v1/health/live")
    assert (ready.status, refused.status, live.status) == (503, 503, 200)
    assert json.loads(content)["code"] == "UNAVAILABLE"
    assert refused.getheader("Retry-After")


@pytest.mark.on_sqlite
def test_server_listens_on_an_ipv6_address(url):
    with serving(environment(url, BIND="::1", ALLOWED_HOSTS="[::1]", WEB_CONCURRENCY="1")) as server:
        assert server.host == "::1"
        assert server.ask("GET", "/api/v1/version")[0].status == 200


@pytest.mark.on_sqlite
def test_reload_serves_the_new_code(url, tmp_path):
    """The workers load all modules again, whatever the master has loaded."""
    for name in ("strata", "portfolios", "assets", "investments", "reports", "imports", "archives", "demo"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    shutil.copy(ROOT / "gunicorn.conf.py", tmp_path)

    def version_of(server: Server) -> str:
        return json.loads(server.ask("GET", "/api/v1/version")[1])["version"]

    with serving(environment(url), folder=tmp_path) as server:
        assert version_of(server) == __version__
        (tmp_path / "strata" / "__init__.py").write_text('"""The next one."""\n\n__version__ = "99.0"\n')
        old = set(server.workers())
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(set(server.workers()) - old) == 2 and not old & set(server.workers()))
        assert version_of(server) == "99.0"


@pytest.mark.on_sqlite
def test_garbage_collector_skips_the_loaded_program(url):
    """More than 100,000 objects live as long as the worker. Scanning them took a third of a long list's time."""
    with serving(environment(url, WEB_CONCURRENCY="1"), 0, "tests.collector:application") as server:
        settings = json.loads(server.ask("GET", "/")[1])
    assert settings["frozen"] > 80_000
    assert settings["threshold"][0] == 20_000


@pytest.mark.on_sqlite
@pytest.mark.parametrize("name", ["ALLOWED_HOSTS", "BIND"])
def test_server_that_does_not_start_names_the_wrong_setting(url, name):
    server = start_server(environment(url, **{name: "https://x.example.org"}))
    _, output = server.process.communicate(timeout=60)
    assert server.process.returncode != 0
    assert f"{name}: 'https://x.example.org' has a scheme" in output
