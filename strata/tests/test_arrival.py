"""The end of a request is found, whatever pieces it arrives in, and the rest of a request has a deadline."""

from __future__ import annotations

import re
import socket
from time import monotonic

import pytest

from strata.api.http.body_limits import larger_bodies
from strata.server import arrival
from strata.server.arrival import LONGEST_HEAD, Arrival, Stage
from strata.server.worker import LimitedSocket

# No test here asks the database.
pytestmark = pytest.mark.on_sqlite

LONGEST_BODY = 1000
HEAD = b"POST /api/v1/tags HTTP/1.1\r\nHost: localhost\r\n"
WHOLE = {
    "without a body": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "after a blank line": b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "with a length": HEAD + b"Content-Length: 5\r\n\r\n{\r\n\r\n",
    "with a length in capitals": HEAD + b"CONTENT-LENGTH:5 \r\n\r\n12345",
    "with no byte": HEAD + b"Content-Length: 0\r\n\r\n",
    "in chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n\r\n1\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n",
    "with a trailer": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n",
}
HANDED_OVER = {
    "a long body": HEAD + b"Content-Length: 1001\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a length that is none": HEAD + b"Content-Length: five\r\n\r\n",
    "a negative length": HEAD + b"Content-Length: -5\r\n\r\n",
    "a client that waits to be asked": HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "chunks of no size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    "a chunk that is too long": HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFF\r\n",
    "a head without an end": b"GET / HTTP/1.1\r\nA: " + b"x" * LONGEST_HEAD,
    "a size without an end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 20_000,
}


@pytest.mark.parametrize("request_sent", WHOLE.values(), ids=WHOLE)
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_sent):
    for piece in (1, 7, len(request_sent)):
        arrived = Arrival(LONGEST_BODY)
        pieces = [request_sent[start : start + piece] for start in range(0, len(request_sent), piece)]
        stages = [arrived.add(piece) for piece in pieces]
        assert stages == [Stage.INCOMPLETE] * (len(pieces) - 1) + [Stage.WHOLE]
        assert arrived.received == request_sent


@pytest.mark.parametrize("request_sent", WHOLE.values(), ids=WHOLE)
def test_what_follows_a_request_is_kept_for_the_next(request_sent):
    arrived = Arrival(LONGEST_BODY)
    assert arrived.add(request_sent + b"GET /next") is Stage.WHOLE
    assert arrived.received.endswith(b"GET /next")


@pytest.mark.parametrize("request_sent", HANDED_OVER.values(), ids=HANDED_OVER)
def test_what_has_no_end_that_can_be_told_is_for_a_thread_to_read(request_sent):
    assert Arrival(LONGEST_BODY).add(request_sent) is Stage.HAND_OVER


def test_a_route_with_a_limit_of_its_own_may_have_a_longer_body():
    head = b"POST %s HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"
    for path in (b"/api/v1/values:batch", b"/strata/api/v1/values%3Abatch/?dry_run=1"):
        assert Arrival(LONGEST_BODY, larger_bodies()).add(head % path) is Stage.INCOMPLETE
    for path in (b"/api/v1/tags", b"/api/v1/tags?x=/api/v1/values:batch", b"/api/v1/values:batches"):
        assert Arrival(LONGEST_BODY, larger_bodies()).add(head % path) is Stage.HAND_OVER


def test_a_file_is_handed_over_with_its_head(monkeypatch):
    monkeypatch.setattr(arrival, "FILE_ROUTES", (re.compile(rb"POST /api/v1/files "),))
    arrived = Arrival(LONGEST_BODY)
    assert arrived.add(b"POST /api/v1/files HTTP/1.1\r\nContent-Length: 10\r\n\r\n") is Stage.HAND_OVER
    assert arrived.is_file


# --- the deadline for reading in a thread ---


@pytest.fixture
def ends():
    receiver, sender = socket.socketpair()
    with receiver, sender:
        yield receiver, sender


def read_all(limited) -> int:
    count = 0
    with pytest.raises(ConnectionResetError):
        while data := limited.recv(100):
            count += len(data)
    return count


def test_what_is_read_has_one_deadline_however_often_something_comes(ends):
    receiver, sender = ends
    sender.send(b"x" * 1000)
    began = monotonic()
    assert read_all(LimitedSocket(receiver, began + 0.3)) == 1000
    assert 0.3 <= monotonic() - began < 5


def test_a_file_has_as_long_as_its_size_gives_it(ends):
    receiver, sender = ends
    sender.send(b"x" * 1000)
    began = monotonic()
    assert read_all(LimitedSocket(receiver, began + 0.1, rate=2000)) == 1000
    assert 0.6 <= monotonic() - began < 5


def test_draining_ends_earlier_than_the_deadline(ends):
    """gunicorn sets its own timeout for the unread part of a body."""
    receiver, _ = ends
    limited = LimitedSocket(receiver, monotonic() + 60)
    limited.settimeout(0.1)
    with pytest.raises(TimeoutError):
        limited.recv(1)
    limited.settimeout(None)
    assert receiver.gettimeout() is None
