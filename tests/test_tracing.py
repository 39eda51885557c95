"""Traces of a real server: what a collector gets has the id of the request, and no name."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from uuid import uuid4

import pytest

from tests.serving import environment, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.on_sqlite]
TRACE = uuid4().hex


class Collector(BaseHTTPRequestHandler):
    """Keeps what OpenTelemetry sends (protobuf, in which texts are readable)."""

    bodies: list[bytes] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.bodies.append(self.rfile.read(length))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def collector():
    server = HTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_spans_have_the_id_of_the_request_and_no_name(database, collector):
    env = environment(
        database.fresh("strata_tracing"),
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}",
        OTEL_BSP_SCHEDULE_DELAY="100",
        OTEL_EXPORTER_OTLP_COMPRESSION="none",
        WEB_CONCURRENCY="1",
    )
    headers = {
        "X-Request-Id": "traced-request",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
        "User-Agent": "Grandmother",
    }
    with serving(env) as server:
        assert server.ask("GET", "/api/v1/tags?search=Grandmother", headers=headers)[0].status == 401
        wait_for(lambda: any(b"traced-request" in body for body in Collector.bodies))
        (line,) = [
            line for line in server.logged("strata.requests") if line["request_id"] == "traced-request"
        ]
    sent = b"".join(Collector.bodies)
    assert line["trace_id"] == TRACE
    assert bytes.fromhex(TRACE) in sent
    assert b"GET api/v1/tags" in sent
    assert b"Grandmother" not in sent
    assert b"net.peer.ip\x12\x02\n\x00" in sent  # an empty text in protobuf
