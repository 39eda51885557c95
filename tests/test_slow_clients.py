"""Clients that send one byte at a time do not delay others, with and without a proxy.

The limits are at least twice what docs/operations.md promises.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread
from time import monotonic

import pytest

from strata.settings import MAX_BODY_BYTES
from tests.compose import compose
from tests.nginx import SHIPPED, proxying
from tests.scale import services as services_of_scale
from tests.serving import environment, serving

pytestmark = [pytest.mark.server, pytest.mark.on_sqlite]
SECONDS = 4  # for a head, and for a body
SMALL = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "4"}
SHORT = {**SMALL, "CLIENT_HEAD_SECONDS": str(SECONDS), "CLIENT_BODY_SECONDS": str(SECONDS)}
HEAD = b"POST /api/v1/tags HTTP/1.1\r\nHost: localhost\r\n"
TOO_LONG = HEAD + f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode()
BEGINNINGS = {
    "in the request line": b"GET / HT",
    "in the head": HEAD,
    "in the body": HEAD + b"Content-Length: 1000\r\n\r\n{",
    "in a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3E8\r\n{",
}
LIVE = b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def url(database):
    return database.fresh("strata_slow_clients")


@pytest.fixture(scope="module")
def impatient(url):
    """A server of this module with short times, which each of its tests leaves without a connection."""
    with serving(environment(url, **SHORT)) as server:
        yield server


def connect(port: int, content: bytes, address: str = "127.0.0.1") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(address, 0))
    connection.sendall(content)
    return connection


@contextmanager
def trickling(connections: list[socket.socket]):
    """Each connection sends a byte every half second, for the duration of the block."""
    done = Event()

    def send() -> None:
        while not done.wait(0.5):
            for connection in connections:
                with suppress(OSError):
                    connection.send(b"x")

    sender = Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        done.set()
        sender.join()
        for connection in connections:
            connection.close()


def received(connection: socket.socket) -> bytes:
    """Everything that is received until the connection ends."""
    answer = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(4096):
            answer += data
    return answer


def seconds_of_a_request(server) -> float:
    began = monotonic()
    assert server.ask("GET", "/api/v1/health/live")[0].status == 200
    return monotonic() - began


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_slow_clients_do_not_delay_others_and_are_disconnected(beginning, impatient):
    server = impatient
    with ExitStack() as stack:
        seconds_of_a_request(server)
        began = monotonic()
        slow = [connect(server.port, beginning) for _ in range(20)]
        stack.enter_context(trickling(slow))
        waits = [seconds_of_a_request(server) for _ in range(10)]
        assert max(waits) < 2
        for connection in slow:
            assert received(connection)[:12] in (b"HTTP/1.1 408", b""), beginning
        assert SECONDS <= monotonic() - began < 4 * SECONDS
        assert seconds_of_a_request(server) < 2


def test_one_address_holds_at_most_half_of_the_threads(impatient):
    """With bodies that are too large; the server reads them only to end the 413."""
    server = impatient
    with ExitStack() as stack:
        seconds_of_a_request(server)
        slow = [connect(server.port, TOO_LONG) for _ in range(6)]
        stack.enter_context(trickling(slow))
        assert max(seconds_of_a_request(server) for _ in range(5)) < 2
        answers = sorted(received(connection)[:12] for connection in slow)
        assert answers.count(b"HTTP/1.1 503") == 4


def test_held_threads_are_free_after_the_deadline(impatient):
    server = impatient
    with ExitStack() as stack:
        seconds_of_a_request(server)
        slow = [connect(server.port, TOO_LONG, f"127.0.0.{number}") for number in (2, 2, 3, 3)]
        stack.enter_context(trickling(slow))
        assert seconds_of_a_request(server) < 2 * SECONDS + 2
        assert seconds_of_a_request(server) < 2


@pytest.mark.parametrize("trusted", [False, True])
def test_unfinished_requests_are_limited_for_each_address_except_a_proxy(trusted, url):
    env = environment(url, **SMALL, CLIENT_UNFINISHED="4", TRUSTED_PROXIES="127.0.0.2" if trusted else "")
    with serving(env) as server, ExitStack() as stack:
        seconds_of_a_request(server)
        slow = [stack.enter_context(connect(server.port, HEAD, "127.0.0.2")) for _ in range(10)]
        other = stack.enter_context(connect(server.port, HEAD, "127.0.0.3"))
        if not trusted:
            assert [received(connection)[:12] for connection in slow[:6]] == [b"HTTP/1.1 503"] * 6
            slow = slow[6:]
        for connection in (*slow, other):  # the oldest were refused; these are still open
            connection.sendall(b"Content-Length: 1\r\n\r\n{")
            assert connection.recv(12) == b"HTTP/1.1 401"


def test_requests_in_pieces_and_pipelined_requests_are_answered(url):
    with serving(environment(url, **SMALL)) as server:
        pieces = connect(server.port, b"")
        for byte in LIVE:
            pieces.sendall(bytes([byte]))
        assert pieces.recv(12) == b"HTTP/1.1 200"
        pieces.close()
        pipelined = connect(server.port, LIVE * 3 + LIVE[:-2])
        pipelined.sendall(b"Connection: close\r\n\r\n")
        assert received(pipelined).count(b"HTTP/1.1 200") == 4
        expecting = connect(server.port, HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert expecting.recv(12) == b"HTTP/1.1 100"
        expecting.sendall(b"{}")
        assert b"HTTP/1.1 401" in expecting.recv(4096) + expecting.recv(4096)
        expecting.close()


def test_terminated_server_finishes_a_request_that_has_begun(url):
    with serving(environment(url, **SMALL)) as server:
        seconds_of_a_request(server)
        begun = connect(server.port, LIVE[:30])
        silent = connect(server.port, b"")
        seconds_of_a_request(server)
        server.process.terminate()
        begun.sendall(LIVE[30:])
        assert begun.recv(12) == b"HTTP/1.1 200"
        began = monotonic()
        assert server.process.wait(30) == 0
        assert monotonic() - began < 10
        begun.close()
        silent.close()


def test_fifty_slow_clients_behind_nginx_do_not_delay_others(url, tmp_path, figures):
    env = environment(url, **SMALL, TRUSTED_PROXIES="127.0.0.1")
    with (
        serving(env) as server,
        proxying(tmp_path / "nginx", server.port, server.port) as nginx,
        ExitStack() as stack,
    ):
        seconds_of_a_request(server)
        slow = [nginx.context.wrap_socket(connect(nginx.port, b"")) for _ in range(50)]
        for number, connection in enumerate(slow):
            connection.sendall(list(BEGINNINGS.values())[number % len(BEGINNINGS)])
        stack.enter_context(trickling(slow))
        waits = []
        for _ in range(40):
            began = monotonic()
            connection = nginx.connect("127.0.0.1", nginx.port, timeout=60)
            connection.request("GET", "/api/v1/health/live")
            assert connection.getresponse().status == 200
            connection.close()
            waits.append(monotonic() - began)
        figures(f"50 slow clients through nginx; slowest of 40 other requests {max(waits):.2f} s")
        assert max(waits) < 2


@pytest.mark.parametrize(
    ("has_certificate", "machines"),
    [(False, ["10.83.0.3:8000"]), (True, ["10.83.0.3:8000", "10.83.0.4:8000"])],
)
def test_compose_starts_nginx_with_the_shipped_file_and_other_upstreams(has_certificate, machines, tmp_path):
    (tmp_path / "nginx").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "nginx").chmod(0o755)
    if has_certificate:
        for name in ("fullchain.pem", "privkey.pem"):
            (tmp_path / name).write_text("mine")
    env = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "CERTIFICATE": str(tmp_path),
        "SHIPPED": str(SHIPPED),
        "USED": str(tmp_path / "used.conf"),
        "STRATA": " ".join(machines),
    }
    subprocess.run(["sh", SHIPPED.with_name("proxy.sh")], env=env, check=True, capture_output=True)
    used, shipped = (tmp_path / "used.conf").read_text().splitlines(), SHIPPED.read_text().splitlines()
    assert [line for line in used if line not in shipped] == [
        f"    server {machine} max_fails=0;" for machine in machines
    ]
    assert len(used) == len(shipped) - 2 + len(machines)
    assert ((tmp_path / "privkey.pem").read_text() == "mine") is has_certificate


def test_compose_exposes_only_the_proxy_and_trusts_only_it():
    for services in (compose(SECRET_KEY="x")["services"], services_of_scale({})):
        assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
        proxy, strata = services["proxy"], services["strata"]
        assert proxy["networks"]["inside"]["ipv4_address"] == strata["environment"]["TRUSTED_PROXIES"]
        assert "./deploy:/deploy:ro" in proxy["volumes"]
        machines = [services[name]["networks"]["inside"]["ipv4_address"] for name in ("strata", "strata2")]
        is_scale = bool(strata["environment"]["REPLICA_URL"])
        assert proxy["environment"]["STRATA"] == " ".join(
            f"{address}:8000" for address in machines[: 1 + is_scale]
        )
