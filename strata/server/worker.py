"""The worker in gunicorn.conf.py: gunicorn's threaded worker, with time limits for clients and a clean stop.

gunicorn gives a thread to each connection that sends something. A client that sends a byte now and then keeps this
thread. So this worker collects requests outside of the threads, like a buffering proxy, and for a limited time.
"""

from __future__ import annotations

import errno
import logging
import socket
import struct
from collections import Counter, defaultdict
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from time import monotonic
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from strata.server.arrival import RATE, Arrival, Stage

log = logging.getLogger("strata.worker")
ANSWER_SECONDS = 10  # between two pieces of an answer
FILE_SECONDS = 10  # for a file, in addition to the time for its size
PIECE = 64 * 1024
MOST_BUFFERED = 64 * 1024 * 1024  # of unfinished requests, in a worker
LOOK_EVERY = 0.25
NOTHING_THERE = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection. Its requests are counted for `sender`; None for a proxy, which sends those of all clients."""

    def __init__(self, cfg: Any, sock: Any, client: Any, server: Any, sender: str | None) -> None:
        super().__init__(cfg, sock, client, server)
        self.sender = sender
        self.arrival = Arrival(0)  # nothing arrives before wait_for_request
        self.deadline = 0.0
        self.holds_a_thread = False

    def give_to_parser(self) -> None:
        """In the thread: pass the received bytes, and a socket with a deadline for the rest."""
        arrived, self.arrival = self.arrival, Arrival(0)
        self.sock.setblocking(True)
        self.init()
        rate = RATE if arrived.is_file else None
        self.parser.unreader.sock = LimitedSocket(self.sock, self.deadline, rate)
        self.parser.unreader.unread(bytes(arrived.received))


class LimitedSocket:
    """A socket for reading with one deadline for everything. With a `rate`, in bytes a second, each read extends it."""

    def __init__(self, sock: socket.socket, deadline: float, rate: int | None = None) -> None:
        self._sock, self._deadline, self._rate = sock, deadline, rate
        self._timeout: float | None = None

    def gettimeout(self) -> float | None:
        return self._timeout

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def recv(self, size: int) -> bytes:
        left = self._deadline - monotonic()
        if left <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "the request did not arrive in time")
        self._sock.settimeout(left if self._timeout is None else min(left, self._timeout))
        try:
            data = self._sock.recv(size)
        except TimeoutError:
            if self._timeout is not None:
                raise
            raise ConnectionResetError(errno.ECONNRESET, "the request did not arrive in time") from None
        finally:
            self._sock.settimeout(None)
        if self._rate:
            self._deadline += len(data) / self._rate
        return data


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    def init_process(self) -> None:
        """Set the socket timeouts, which connections inherit: for clients that stop reading their answer."""
        for listener in self.sockets:
            for wait in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                listener.setsockopt(socket.SOL_SOCKET, wait, struct.pack("ll", ANSWER_SECONDS, 0))
        self.waiting: defaultdict[str | None, dict[Connection, None]] = defaultdict(dict)  # oldest first
        self.held: Counter[str | None] = Counter()  # threads that read the rest of a request, by sender
        self.buffered = 0
        self.look_at = 0.0
        super().init_process()

    def load_wsgi(self) -> None:
        """Read the settings, which are available after the application is loaded."""
        super().load_wsgi()
        # gunicorn loads this file before Django is set up.
        from django.conf import settings

        from strata.api.http.body_limits import larger_bodies
        from strata.api.http.throttles import network_of
        from strata.server.middleware import is_trusted

        self.head_seconds, self.body_seconds = settings.CLIENT_HEAD_SECONDS, settings.CLIENT_BODY_SECONDS
        self.most_unfinished = settings.CLIENT_UNFINISHED
        self.longest_body, self.larger_bodies = settings.MAX_BODY_BYTES, larger_bodies()
        self.network_of, self.is_trusted = network_of, is_trusted

    def is_parent_alive(self) -> bool:
        """Without its master a worker stops, as after a signal: the next master needs its port."""
        if super().is_parent_alive():
            return True
        self.alive = False
        return False

    # --- a request arrives ---

    def accept(self, listener: Any) -> None:
        if self.cfg.is_ssl:  # encrypted bytes cannot be read here
            super().accept(listener)
            return
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in NOTHING_THERE:
                raise
            return
        self.nr_conns += 1
        self.wait_for_request(
            Connection(self.cfg, client, address, listener.getsockname(), self.sender_at(address))
        )

    def sender_at(self, address: Any) -> str | None:
        """The network of the client; None for trusted proxies and for a socket file."""
        host = address[0] if isinstance(address, tuple) else ""
        return None if not host or self.is_trusted(host) else self.network_of(host)

    def wait_for_request(self, conn: Connection) -> None:
        """Wait outside of the threads for the first byte, for at most the time of an idle connection."""
        conn.arrival = Arrival(self.longest_body, self.larger_bodies)
        conn.deadline = monotonic() + self.cfg.keepalive
        conn.sock.setblocking(False)
        unfinished = self.waiting[conn.sender]
        unfinished[conn] = None
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_data, conn))
        if conn.sender is not None and len(unfinished) > self.most_unfinished:
            self.turn_away(next(iter(unfinished)), TOO_MANY)

    def on_data(self, conn: Connection, sock: Any) -> None:
        try:
            data = sock.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.add(conn, data)
        else:
            self.turn_away(conn)

    def add(self, conn: Connection, data: bytes) -> None:
        arrival, now = conn.arrival, monotonic()
        if not arrival.received:
            conn.deadline = now + self.head_seconds
        was_in_head = arrival.head_ends is None
        stage = arrival.add(data)
        self.buffered += len(data)
        if was_in_head and arrival.head_ends is not None:
            conn.deadline = now + (FILE_SECONDS if arrival.is_file else self.body_seconds)
        if stage is Stage.WHOLE:
            self.give_to_thread(conn)
        elif stage is Stage.HAND_OVER or self.buffered > MOST_BUFFERED:
            self.let_thread_read(conn)

    def let_thread_read(self, conn: Connection) -> None:
        """At most half of the threads for one sender, so that others can use the rest."""
        if conn.sender is not None:
            if self.held[conn.sender] >= max(1, self.cfg.threads // 2):
                self.turn_away(conn, TOO_MANY)
                return
            self.held[conn.sender] += 1
            conn.holds_a_thread = True
        self.give_to_thread(conn)

    def give_to_thread(self, conn: Connection) -> None:
        self.stop_waiting(conn)
        self.enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        if isinstance(conn, Connection):
            conn.give_to_parser()
        return super().handle(conn)

    # --- a request is answered, or refused ---

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        if conn.holds_a_thread:
            conn.holds_a_thread = False
            self.held[conn.sender] -= 1
            self.held += Counter()  # removes senders with no threads
        keeps = not fs.cancelled() and fs.exception() is None and fs.result()
        if keeps and (begun := conn.parser.unreader.take_buffered()):
            self.wait_for_request(conn)
            self.add(conn, begun)
        else:
            super().finish_request(conn, fs)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """The next request on a connection that was kept open."""
        if not isinstance(conn, Connection):
            super().on_client_socket_readable(conn, client)
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.wait_for_request(conn)
        self.on_data(conn, conn.sock)

    def murder_pending(self) -> None:
        """Ends connections whose time is over. gunicorn calls this, under its own name, in each turn of its loop."""
        super().murder_pending()
        now = monotonic()
        if now < self.look_at:
            return
        self.look_at = now + LOOK_EVERY
        overdue = [
            conn for unfinished in self.waiting.values() for conn in unfinished if conn.deadline <= now
        ]
        for conn in overdue:
            self.turn_away(conn, TOO_SLOW)

    def turn_away(self, conn: Connection, answer: bytes = b"") -> None:
        """Close a connection. Only a client that has sent something gets the answer."""
        had_begun = bool(conn.arrival.received)
        self.stop_waiting(conn)
        self.nr_conns -= 1
        try:
            if had_begun and answer:
                conn.sock.send(answer)
                conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            log.debug("a refused client had already closed the connection")
        conn.close()

    def stop_waiting(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.buffered -= len(conn.arrival.received)
        unfinished = self.waiting[conn.sender]
        del unfinished[conn]
        if not unfinished:
            del self.waiting[conn.sender]

    # --- stopping ---

    def set_accept_enabled(self, enabled: bool) -> None:
        """When a worker stops, it accepts the waiting connections and closes the listening sockets at once.

        gunicorn leaves them open until the last request has ended: connections that arrive meanwhile get no answer.
        """
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        for listener in self.sockets:
            while listener.sock and self.took_one(listener):
                pass
            listener.close()

    def took_one(self, listener: Any) -> bool:
        before = self.nr_conns
        self.accept(listener)
        return bool(self.nr_conns > before)

    def _cap_keepalive(self, deadline: float) -> None:
        """When a worker stops, it waits for the first byte of a new connection no longer than of a kept connection."""
        super()._cap_keepalive(deadline)
        for unfinished in self.waiting.values():
            for conn in unfinished:
                if not conn.arrival.received:
                    conn.deadline = min(conn.deadline, deadline)
