"""Behind nginx, as deploy/nginx.conf sets it up: slow clients, sizes, who the client is, and a restart under load."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from itertools import chain
from time import monotonic

import pytest

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
SHARE = 0.99  # of the requests: promised
PUBLIC = {"ALLOWED_HOSTS": "127.0.0.1,localhost,strata.example.org", "TRUSTED_PROXIES": "127.0.0.1"}


@contextmanager
def two_behind_nginx(url: str, folder):
    """Two servers of one database behind nginx: (nginx, [server, server])."""
    env = environment(url, **PUBLIC)
    with ExitStack() as stack:
        running = [stack.enter_context(serving(env)) for _ in range(2)]
        ports = [server.port for server in running]
        yield stack.enter_context(proxying(folder / "nginx", *ports)), running


@pytest.fixture(scope="module")
def servers(database, tmp_path_factory):
    """For tests that leave them as they are."""
    with two_behind_nginx(database.fresh("strata_behind_nginx"), tmp_path_factory.mktemp("proxy")) as servers:
        yield servers


def through(nginx, token: str = "") -> Client:
    return Client(nginx.port, token, connect=nginx.connect)


# --- slow clients ---


def opened(nginx, many: int, sent: bytes) -> list[socket.socket]:
    """Connections that have said so much and then nothing more. Of one address nginx takes a hundred requests."""
    connections = []
    for number in range(many):
        address = f"127.0.0.{2 + number % 10}"
        plain = socket.create_connection(("127.0.0.1", nginx.port), timeout=60, source_address=(address, 0))
        connections.append(nginx.context.wrap_socket(plain))
        connections[-1].sendall(sent)
    return connections


def seconds_of_a_request(nginx, token: str) -> float:
    """A normal client's, its connection and all."""
    began = monotonic()
    client = through(nginx, token)
    assert client.ask("GET", "portfolios")[0] == 200
    client.close()
    return monotonic() - began


def waits_until(end: float, nginx, token: str) -> list[float]:
    """How long each request of four normal clients took."""

    def ask_on(_) -> list[float]:
        waits = [seconds_of_a_request(nginx, token)]
        while monotonic() < end:
            waits.append(seconds_of_a_request(nginx, token))
        return waits

    with ThreadPoolExecutor(4) as pool:
        return list(chain.from_iterable(pool.map(ask_on, range(4))))


@pytest.mark.on_sqlite
def test_four_hundred_slow_clients_hold_nobody_up(servers, database, figures):
    nginx, _ = servers
    header = b"POST /api/v1/tags HTTP/1.1\r\nHost: strata.example.org\r\n"
    known = f"Authorization: Bearer {database.token}\r\n".encode()  # who is unknown is refused unread
    body = header + known + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    waits: list[float] = []
    while len(waits) < REQUESTS:
        held_until = monotonic() + HELD_SECONDS
        slow = opened(nginx, SLOW, header) + opened(nginx, SLOW, body)
        waits += waits_until(held_until, nginx, database.token)
        for connection in slow[-1 :: -SLOW // 4]:
            connection.sendall(b"X")  # they are still there: none of them was cut off to make room
        for connection in slow:
            connection.close()
    waits.sort()
    in_time = sum(wait < WITHIN_SECONDS for wait in waits)
    figures(
        f"{2 * SLOW} slow clients; {in_time} of {len(waits)} requests within a second, slowest {waits[-1]:.2f} s"
    )
    assert in_time >= SHARE * len(waits)


@pytest.mark.on_sqlite
def test_a_slow_client_is_let_go(servers):
    """Be it in the header or in the body that it stops."""
    nginx, _ = servers
    header = b"POST / HTTP/1.1\r\nHost: strata.example.org\r\n"
    stopping = (header, header + b"Content-Length: 1000\r\n\r\n{")
    slow = [*chain.from_iterable(opened(nginx, 1, sent) for sent in stopping)]
    for connection, sent in zip(slow, stopping, strict=True):
        with connection, suppress(ConnectionResetError):  # either way is an end
            told = connection.recv(4096)
            assert told == b"" or b" 408 " in told, sent


# --- what a request is told and tells ---


@pytest.mark.on_sqlite
def test_nginx_and_strata_agree_on_how_large_a_body_may_be(servers, database):
    nginx, _ = servers
    for size, told in ((MAX_BODY_BYTES, 400), (MAX_BODY_BYTES + 1, 413)):
        body = json.dumps({"name": ""}).ljust(size).encode()
        status, answer, headers = sent(nginx, database.token, body)
        assert (status, answer["status"]) == (told, told)
        assert answer["request_id"] == headers["X-Request-Id"] != ""
    assert answer["code"] == "TOO_LARGE"


def sent(nginx, token: str, body: bytes) -> tuple[int, dict, dict]:
    connection = nginx.connect("127.0.0.1", nginx.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", f"{API}/tags", body, headers)
    response = connection.getresponse()
    answer = response.status, json.loads(response.read()), dict(response.getheaders())
    connection.close()
    return answer


@pytest.mark.on_sqlite
def test_a_request_keeps_its_id_and_gets_one_where_it_has_none(servers):
    nginx, running = servers
    client = through(nginx)
    assert client.ask("GET", "version", X_Request_Id="mine-1")[2]["X-Request-Id"] == "mine-1"
    given = client.ask("GET", "version", X_Request_Id="not an id")[2]["X-Request-Id"]
    assert len(given) == 32
    client.close()

    def logged() -> set[str]:
        return {line["request_id"] for server in running for line in server.logged("strata.requests")}

    wait_for(lambda: {"mine-1", given} <= logged())


@pytest.mark.on_sqlite
def test_the_clients_address_and_https_are_seen_and_no_one_else_is_believed(url, tmp_path):
    """One login too many from this address: an address that the client makes up does not help."""
    env = environment(url, LOGIN_FAILURE_LIMIT="2", SECURE_SSL_REDIRECT="on", **PUBLIC)
    with serving(env) as server, proxying(tmp_path / "nginx", server.port, server.port) as nginx:
        client = through(nginx)
        wrong = {"username": "alice", "password": "wrong"}
        told = [
            client.ask("POST", "auth/token", wrong, X_Forwarded_For=f"203.0.113.{number}")[0]
            for number in range(4)
        ]
        assert told[0] == 401 and told[-1] == 429
        assert (
            client.ask("GET", "version", X_Forwarded_Proto="http")[0] == 200
        )  # it came by https, and is believed
        client.close()
        assert server.ask("GET", f"{API}/version")[0].status == 301


@pytest.mark.on_sqlite
def test_plain_http_is_sent_to_https(servers):
    nginx, _ = servers
    plain = HTTPConnection("127.0.0.1", nginx.plain_port, timeout=60)
    plain.request("GET", "/swagger")
    response = plain.getresponse()
    plain.close()
    assert (response.status, response.getheader("Location")) == (308, "https://127.0.0.1/swagger")


@pytest.mark.on_sqlite
def test_without_a_server_nginx_answers_in_the_one_shape(tmp_path):
    with proxying(tmp_path / "nginx", free_port(), free_port()) as nginx:
        status, answer, headers = through(nginx).ask("GET", "portfolios", X_Request_Id="mine-1")
        replaced = through(nginx).ask("GET", "portfolios", X_Request_Id="strata_x0x0")[1]["request_id"]
    assert (status, answer["code"], answer["request_id"]) == (503, "UNAVAILABLE", "mine-1")
    assert headers["Retry-After"] == "5"
    assert len(replaced) == 32  # a token in that header is in no log


def test_links_lead_back_through_the_port_that_was_asked(servers, database):
    nginx, _ = servers
    known = {"Authorization": f"Bearer {database.token}", "Host": f"strata.example.org:{nginx.port}"}
    _, _, content = raw(nginx, f"{API}/asset-types?page_size=1", **known | {"Accept_Encoding": "identity"})
    assert json.loads(content)["next"].startswith(f"https://strata.example.org:{nginx.port}/")


# --- compressed answers ---


def raw(nginx, path: str, method: str = "GET", body: bytes | None = None, **headers: str):
    """An answer as it comes over the wire, asked for in gzip: status, headers, body."""
    connection = nginx.connect("127.0.0.1", nginx.port, timeout=60)
    sent = {"Accept-Encoding": "gzip", "Host": "strata.example.org", **headers}
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in sent.items()})
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "path", [f"{API}/asset-types", f"{API}/openapi.json", "/static/admin/css/base.css", "/admin/login/"]
)
def test_what_is_long_and_text_is_compressed(servers, database, path):
    nginx, _ = servers
    known = {"Authorization": f"Bearer {database.token}"}
    status, headers, content = raw(nginx, path, **known)
    plain = raw(nginx, path, **known | {"Accept_Encoding": "identity"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert "Accept-Encoding" in headers["Vary"]
    assert len(content) * 2 < len(plain[2])
    if "login" not in path:  # a form's token differs each time
        assert gzip.decompress(content) == plain[2]


@pytest.mark.on_sqlite
def test_an_answer_with_a_token_is_not_compressed(servers):
    nginx, _ = servers
    for number in range(10):  # until their list is long enough to be compressed elsewhere
        body = json.dumps({"username": "alice", "password": PASSWORD, "name": f"{number}" * 150}).encode()
        created = raw(nginx, f"{API}/auth/token", "POST", body, Content_Type="application/json")
        assert (created[0], created[1]["Content-Encoding"]) == (201, None)
    listed = raw(nginx, f"{API}/auth/tokens", Authorization=f"Bearer {json.loads(created[2])['token']}")
    assert (listed[0], listed[1]["Content-Encoding"]) == (200, None)
    assert len(listed[2]) > 2000


@pytest.mark.on_sqlite
def test_the_tag_of_a_compressed_answer_is_known_again(servers, database):
    nginx, _ = servers
    known = {"Authorization": f"Bearer {database.token}"}
    tag = json.dumps({"name": "compressed"}).encode()
    created = json.loads(raw(nginx, f"{API}/tags", "POST", tag, Content_Type="application/json", **known)[2])
    listed = raw(nginx, f"{API}/", **known)
    assert (listed[1]["Content-Encoding"], listed[1]["ETag"][:2]) == ("gzip", "W/")
    assert raw(nginx, f"{API}/", If_None_Match=listed[1]["ETag"], **known)[0] == 304
    path = f"{API}/tags/{created['id']}"
    weak = f"W/{raw(nginx, path, **known)[1]['ETag'].removeprefix('W/')}"
    assert raw(nginx, path, "DELETE", If_Match=weak, **known)[0] == 204


# --- restarts under load ---


@contextmanager
def load(nginx, database, url: str, figures):
    """Eight clients write through nginx; in the end no request has failed, and each write is there once."""
    client = through(nginx, database.token)
    asset = create_asset(client)
    client.close()
    options = {"connect": nginx.connect, "keep_alive": False}
    with writers(8, nginx.port, database.token, asset, **options) as writing:
        wait_for(lambda: len(writing.acknowledged) > 8)
        yield writing
        after = len(writing.acknowledged) + 16
        wait_for(lambda: len(writing.acknowledged) >= after)
    figures(f"{sum(writing.statuses.values())} writes, failed {writing.failures()}")
    assert writing.failures() == {}
    values = [value // 10_000 for (value,) in database.rows(url, "SELECT value FROM assets_assetsnapshot")]
    assert sorted(values) == sorted(writing.acknowledged)


def wait_for_writes(writing, many: int = 16) -> None:
    wanted = len(writing.acknowledged) + many
    wait_for(lambda: len(writing.acknowledged) >= wanted)


def test_hup_drops_no_write(url, database, tmp_path, figures):
    with ExitStack() as stack:
        server = stack.enter_context(serving(environment(url, **PUBLIC)))
        nginx = stack.enter_context(proxying(tmp_path / "nginx", server.port, server.port))
        writing = stack.enter_context(load(nginx, database, url, figures))
        for _ in range(2):
            old = set(server.workers())
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda old=old: len(set(server.workers()) - old) == 2)
            wait_for(lambda old=old: not old & set(server.workers()))
            wait_for_writes(writing)


def test_term_of_one_of_two_drops_no_write(url, database, tmp_path, figures):
    """Each in its turn is stopped and started anew, as an upgrade would."""
    env = environment(url, **PUBLIC)
    with (
        two_behind_nginx(url, tmp_path) as (nginx, running),
        ExitStack() as anew,
        load(nginx, database, url, figures) as writing,
    ):
        for server in running:
            server.process.terminate()
            assert server.process.wait(30) == 0
            wait_for_writes(writing)
            anew.enter_context(serving(env, server.port))
            wait_for_writes(writing)
