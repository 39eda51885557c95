"""Strata behind nginx with deploy/nginx.conf: slow clients, body sizes, client addresses, and restarts under load."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from itertools import chain
from time import monotonic

import pytest

from strata.settings import BODY_BYTES_OF_ROUTES as LARGER
from strata.settings import MAX_BODY_BYTES
from tests.databases import PASSWORD, free_port
from tests.load_clients import API, Client, create_asset, writers
from tests.nginx import proxying
from tests.serving import environment, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.chaos]
SLOW = 200  # clients of each kind
REQUESTS = int(os.environ.get("CHAOS_REQUESTS", "400"))
HELD_SECONDS = 7  # nginx lets slow clients go after ten
WITHIN_SECONDS = 1.0
SHARE = 0.99  # of the requests, as promised
STORED = "a client request body is buffered to a temporary file"
FORM = "multipart/form-data; boundary=x"
PUBLIC = {"ALLOWED_HOSTS": "127.0.0.1,localhost,strata.example.org", "TRUSTED_PROXIES": "127.0.0.1"}


@contextmanager
def two_behind_nginx(env: dict[str, str], folder):
    """Two servers with one database behind nginx; yields (nginx, [server, server])."""
    with ExitStack() as stack:
        running = [stack.enter_context(serving(env)) for _ in range(2)]
        ports = [server.port for server in running]
        yield stack.enter_context(proxying(folder / "nginx", *ports)), running


@pytest.fixture(scope="module")
def servers(database, tmp_path_factory):
    """nginx and two servers for tests that do not stop them."""
    env = environment(database.fresh("strata_behind_nginx"), **PUBLIC)
    with two_behind_nginx(env, tmp_path_factory.mktemp("proxy")) as servers:
        yield servers


def client_of_nginx(nginx, token: str = "") -> Client:
    return Client(nginx.port, token, connect=nginx.connect)


# --- slow clients ---


def open_connections(nginx, count: int, content: bytes) -> list[socket.socket]:
    """Connections that have sent `content` and nothing more. From ten addresses: nginx takes a hundred from each."""
    connections = []
    for number in range(count):
        address = f"127.0.0.{2 + number % 10}"
        plain = socket.create_connection(("127.0.0.1", nginx.port), timeout=60, source_address=(address, 0))
        connections.append(nginx.context.wrap_socket(plain))
        connections[-1].sendall(content)
    return connections


def seconds_of_a_request(nginx, token: str) -> float:
    """The seconds that a normal client's request takes, including its connection."""
    began = monotonic()
    client = client_of_nginx(nginx, token)
    assert client.ask("GET", "portfolios")[0] == 200
    client.close()
    return monotonic() - began


def waits_until(end: float, nginx, token: str) -> list[float]:
    """The seconds of each request of four normal clients that ask until `end`."""

    def ask_repeatedly(_) -> list[float]:
        waits = [seconds_of_a_request(nginx, token)]
        while monotonic() < end:
            waits.append(seconds_of_a_request(nginx, token))
        return waits

    with ThreadPoolExecutor(4) as pool:
        return list(chain.from_iterable(pool.map(ask_repeatedly, range(4))))


@pytest.mark.on_sqlite
def test_four_hundred_slow_clients_do_not_delay_others(servers, database, figures):
    nginx, _ = servers
    header = b"POST /api/v1/tags HTTP/1.1\r\nHost: strata.example.org\r\n"
    token = f"Authorization: Bearer {database.token}\r\n".encode()  # without it the body is not read
    body = header + token + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    waits: list[float] = []
    while len(waits) < REQUESTS:
        held_until = monotonic() + HELD_SECONDS
        slow = open_connections(nginx, SLOW, header) + open_connections(nginx, SLOW, body)
        waits += waits_until(held_until, nginx, database.token)
        for connection in slow[-1 :: -SLOW // 4]:
            connection.sendall(b"X")  # fails if nginx has closed the connection
        for connection in slow:
            connection.close()
    waits.sort()
    in_time = sum(wait < WITHIN_SECONDS for wait in waits)
    figures(
        f"{2 * SLOW} slow clients; {in_time} of {len(waits)} requests within a second, slowest {waits[-1]:.2f} s"
    )
    assert in_time >= SHARE * len(waits)


@pytest.mark.on_sqlite
def test_slow_client_is_disconnected(servers):
    """Whether it stops in the header or in the body."""
    nginx, _ = servers
    header = b"POST / HTTP/1.1\r\nHost: strata.example.org\r\n"
    beginnings = (header, header + b"Content-Length: 1000\r\n\r\n{")
    slow = [*chain.from_iterable(open_connections(nginx, 1, beginning) for beginning in beginnings)]
    for connection, beginning in zip(slow, beginnings, strict=True):
        with connection, suppress(ConnectionResetError):  # a reset ends it too
            response = connection.recv(4096)
            assert response == b"" or b" 408 " in response, beginning


# --- sizes, ids and addresses of requests ---


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("route", "most"),
    [("tags", MAX_BODY_BYTES), *((path.split("/")[-1], most) for path, most in LARGER.items())],
)
def test_nginx_and_strata_agree_on_how_large_a_body_may_be(servers, database, route, most):
    nginx, _ = servers
    for size, expected in ((most, 400), (most + 1, 413)):
        body = json.dumps({"name": ""}).ljust(size).encode()
        status, answer, headers = send_body(nginx, database.token, body, route)
        assert (status, answer["status"]) == (expected, expected)
        assert answer["request_id"] == headers["X-Request-Id"] != ""
    assert answer["code"] == "TOO_LARGE"


@pytest.mark.on_sqlite
@pytest.mark.parametrize("chunked", [False, True])
def test_nginx_stores_no_file_before_strata_knows_who_sends_it(servers, database, chunked):
    nginx, _ = servers
    megabyte = bytes(1024 * 1024)

    def stored_by(token: str) -> tuple[set[int], int]:
        """The answers, and how many bodies nginx has written to its disk."""
        before = nginx.errors().count(STORED)
        answers = {
            send_body(nginx, token, iter([megabyte] * 60) if chunked else megabyte * 60, route, FORM)[0]
            for route in ("imports", "archives")
        }
        return answers, nginx.errors().count(STORED) - before

    assert stored_by("") == stored_by(f"{database.token}x") == ({401}, 0)
    assert stored_by(database.token) == ({400}, 2)


LOGIN = "/admin/login/?next="
PORTFOLIO = "portfolio=0190a5b0-5f2c-7c3e-8a51-3f1f2b1c9d10"


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/admin/import/", f"{LOGIN}/admin/import/"),
        ("/admin/archives/", f"{LOGIN}/admin/archives/"),
        (f"/admin/import/?{PORTFOLIO}", f"{LOGIN}/admin/import/%3F{PORTFOLIO}"),
        (f"/admin/import/?{PORTFOLIO}&next=//evil.example.org", f"{LOGIN}/admin/import/"),
        ("/admin%0d%0aSet-Cookie:x=1/admin/import/", None),
        ("//evil.example.org/admin/import/", None),
        ("/api/v1/imports", None),
    ],
)
def test_pages_that_take_a_file_send_a_stranger_to_the_login(servers, path, location):
    """Also one whose session has expired, and after nothing of the file was stored."""
    nginx, _ = servers
    before = nginx.errors().count(STORED)
    for method, body in (("GET", None), ("POST", bytes(1024 * 1024))):
        status, headers, _ = raw(nginx, path, method, body, Cookie="sessionid=expired", Content_Type=FORM)
        assert (status, headers["Location"]) == ((302, location) if location else (401, None))
        assert headers["Set-Cookie"] is None
    assert nginx.errors().count(STORED) == before


def send_body(
    nginx, token: str, body: bytes | Iterator[bytes], route: str, kind: str = "application/json"
) -> tuple[int, dict, dict]:
    connection = nginx.connect("127.0.0.1", nginx.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    with suppress(BrokenPipeError, ConnectionResetError):  # who is refused need not send the rest
        connection.request("POST", f"{API}/{route}", body, headers)
    response = connection.getresponse()
    answer = response.status, json.loads(response.read()), dict(response.getheaders())
    connection.close()
    return answer


@pytest.mark.on_sqlite
def test_request_keeps_its_id_or_gets_a_new_one(servers):
    nginx, running = servers
    client = client_of_nginx(nginx)
    assert client.ask("GET", "version", X_Request_Id="mine-1")[2]["X-Request-Id"] == "mine-1"
    new_id = client.ask("GET", "version", X_Request_Id="not an id")[2]["X-Request-Id"]
    assert len(new_id) == 32
    client.close()

    def logged_ids() -> set[str]:
        return {line["request_id"] for server in running for line in server.logged("strata.requests")}

    wait_for(lambda: {"mine-1", new_id} <= logged_ids())


@pytest.mark.on_sqlite
def test_clients_address_and_https_come_from_the_proxy_only(url, tmp_path):
    """Too many failed logins from one address; a forged X-Forwarded-For does not help."""
    env = environment(url, LOGIN_FAILURE_LIMIT="2", SECURE_SSL_REDIRECT="on", **PUBLIC)
    with serving(env) as server, proxying(tmp_path / "nginx", server.port, server.port) as nginx:
        client = client_of_nginx(nginx)
        wrong = {"username": "alice", "password": "wrong"}
        statuses = [
            client.ask("POST", "auth/token", wrong, X_Forwarded_For=f"203.0.113.{number}")[0]
            for number in range(4)
        ]
        assert statuses[0] == 401 and statuses[-1] == 429
        # Strata knows from nginx that it came by https.
        assert client.ask("GET", "version", X_Forwarded_Proto="http")[0] == 200
        client.close()
        assert server.ask("GET", f"{API}/version")[0].status == 301


@pytest.mark.on_sqlite
def test_plain_http_is_redirected_to_https(servers):
    nginx, _ = servers
    plain = HTTPConnection("127.0.0.1", nginx.plain_port, timeout=60)
    plain.request("GET", "/swagger")
    response = plain.getresponse()
    plain.close()
    assert (response.status, response.getheader("Location")) == (308, "https://127.0.0.1/swagger")


@pytest.mark.on_sqlite
def test_without_a_server_nginx_answers_in_the_common_format(tmp_path):
    with proxying(tmp_path / "nginx", free_port(), free_port()) as nginx:
        status, answer, headers = client_of_nginx(nginx).ask("GET", "portfolios", X_Request_Id="mine-1")
        replaced = client_of_nginx(nginx).ask("GET", "portfolios", X_Request_Id="strata_x0x0")[1][
            "request_id"
        ]
    assert (status, answer["code"], answer["request_id"]) == (503, "UNAVAILABLE", "mine-1")
    assert headers["Retry-After"] == "5"
    assert len(replaced) == 32  # so a token in that header is not logged


@pytest.mark.on_sqlite
def test_links_have_the_port_of_the_request(servers, database):
    nginx, _ = servers
    headers_of_alice = {
        "Authorization": f"Bearer {database.token}",
        "Host": f"strata.example.org:{nginx.port}",
    }
    _, _, content = raw(
        nginx, f"{API}/asset-types?page_size=1", **headers_of_alice | {"Accept_Encoding": "identity"}
    )
    assert json.loads(content)["next"].startswith(f"https://strata.example.org:{nginx.port}/")


# --- compressed answers ---


def raw(nginx, path: str, method: str = "GET", body: bytes | None = None, **headers: str):
    """The response as it is on the wire, with gzip accepted: status, headers and body."""
    connection = nginx.connect("127.0.0.1", nginx.port, timeout=60)
    sent_headers = {"Accept-Encoding": "gzip", "Host": "strata.example.org", **headers}
    connection.request(
        method, path, body, {name.replace("_", "-"): value for name, value in sent_headers.items()}
    )
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "path", [f"{API}/asset-types", f"{API}/openapi.json", "/static/admin/css/base.css", "/admin/login/"]
)
def test_long_text_is_compressed(servers, database, path):
    nginx, _ = servers
    headers_of_alice = {"Authorization": f"Bearer {database.token}"}
    status, headers, content = raw(nginx, path, **headers_of_alice)
    plain = raw(nginx, path, **headers_of_alice | {"Accept_Encoding": "identity"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert "Accept-Encoding" in headers["Vary"]
    assert len(content) * 2 < len(plain[2])
    if "login" not in path:  # a form's token differs each time
        assert gzip.decompress(content) == plain[2]


@pytest.mark.on_sqlite
def test_response_with_a_token_is_not_compressed(servers):
    nginx, _ = servers
    for number in range(10):  # until their list is long enough for compression
        body = json.dumps({"username": "alice", "password": PASSWORD, "name": f"{number}" * 150}).encode()
        created = raw(nginx, f"{API}/auth/token", "POST", body, Content_Type="application/json")
        assert (created[0], created[1]["Content-Encoding"]) == (201, None)
    listed = raw(nginx, f"{API}/auth/tokens", Authorization=f"Bearer {json.loads(created[2])['token']}")
    assert (listed[0], listed[1]["Content-Encoding"]) == (200, None)
    assert len(listed[2]) > 2000


@pytest.mark.on_sqlite
def test_etag_of_a_compressed_response_is_accepted(servers, database):
    nginx, _ = servers
    headers_of_alice = {"Authorization": f"Bearer {database.token}"}
    tag = json.dumps({"name": "compressed"}).encode()
    created = json.loads(
        raw(nginx, f"{API}/tags", "POST", tag, Content_Type="application/json", **headers_of_alice)[2]
    )
    listed = raw(nginx, f"{API}/", **headers_of_alice)
    assert (listed[1]["Content-Encoding"], listed[1]["ETag"][:2]) == ("gzip", "W/")
    assert raw(nginx, f"{API}/", If_None_Match=listed[1]["ETag"], **headers_of_alice)[0] == 304
    path = f"{API}/tags/{created['id']}"
    weak = f"W/{raw(nginx, path, **headers_of_alice)[1]['ETag'].removeprefix('W/')}"
    assert raw(nginx, path, "DELETE", If_Match=weak, **headers_of_alice)[0] == 204


# --- restarts under load ---


@contextmanager
def write_load(nginx, database, url: str, figures):
    """Eight clients write through nginx. At the end no request has failed, and each write is stored once."""
    client = client_of_nginx(nginx, database.token)
    asset = create_asset(client)
    client.close()
    options = {"connect": nginx.connect, "keep_alive": False}
    with writers(8, nginx.port, database.token, asset, **options) as log:
        wait_for(lambda: len(log.acknowledged) > 8)
        yield log
        target = len(log.acknowledged) + 16
        wait_for(lambda: len(log.acknowledged) >= target)
    figures(f"{sum(log.statuses.values())} writes, failed {log.failures()}")
    assert log.failures() == {}
    values = [value // 10_000 for (value,) in database.rows(url, "SELECT value FROM assets_assetsnapshot")]
    assert sorted(values) == sorted(log.acknowledged)


def wait_for_writes(log, count: int = 16) -> None:
    target = len(log.acknowledged) + count
    wait_for(lambda: len(log.acknowledged) >= target)


def test_reload_with_hup_loses_no_write(url, database, tmp_path, figures):
    with ExitStack() as stack:
        server = stack.enter_context(serving(environment(url, **PUBLIC)))
        nginx = stack.enter_context(proxying(tmp_path / "nginx", server.port, server.port))
        log = stack.enter_context(write_load(nginx, database, url, figures))
        for _ in range(2):
            old = set(server.workers())
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda old=old: len(set(server.workers()) - old) == 2)
            wait_for(lambda old=old: not old & set(server.workers()))
            wait_for_writes(log)


def test_restart_of_one_server_of_two_loses_no_write(url, database, tmp_path, figures):
    """Each server is stopped and started again, one after the other, as in an upgrade."""
    env = environment(url, WEB_CONCURRENCY="1", **PUBLIC)
    with (
        two_behind_nginx(env, tmp_path) as (nginx, running),
        ExitStack() as restarted,
        write_load(nginx, database, url, figures) as log,
    ):
        for server in running:
            server.process.terminate()
            assert server.process.wait(30) == 0
            wait_for_writes(log)
            restarted.enter_context(serving(env, server.port))
            wait_for_writes(log)
