"""The worker that gunicorn.conf.py names: gunicorn's threads, with an end to waiting for a client, and a clean stop.

gunicorn gives a thread to each connection that sends something, and a client that sends a byte now and then keeps it.
So here requests wait for their end outside of the threads, as in a proxy that buffers, and for a limited time.
"""

from __future__ import annotations

import errno
import logging
import socket
import struct
from collections import Counter, defaultdict
from functools import partial
from selectors import EVENT_READ
from time import monotonic
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from strata.server.arrival import RATE, Arrival, Stage

log = logging.getLogger("strata.worker")
ANSWER_SECONDS = 10  # between two pieces of an answer
FILE_SECONDS = 10  # that a file has besides those that its size gives it
PIECE = 64 * 1024
MOST_BUFFERED = 64 * 1024 * 1024  # of unfinished requests, in a worker
LOOK_EVERY = 0.25
NOTHING_THERE = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Connection(TConn):
    """A client. `sender` is whom its requests are counted for: None for a proxy, which sends those of all clients."""

    def __init__(self, cfg: Any, sock: Any, client: Any, server: Any, sender: str | None) -> None:
        super().__init__(cfg, sock, client, server)
        self.sender = sender
        self.arrival: Arrival | None = None
        self.deadline = 0.0
        self.holds_a_thread = False

    def give_to_parser(self) -> None:
        """In the thread: what has arrived, and a socket that ends with the deadline for the rest."""
        arrived, self.arrival = self.arrival, None
        self.sock.setblocking(True)
        self.init()
        rate = RATE if arrived.is_file else None
        self.parser.unreader.sock = LimitedSocket(self.sock, self.deadline, rate)
        self.parser.unreader.unread(bytes(arrived.received))


class LimitedSocket:
    """The end of a socket that is read. All that is read has one deadline, which a `rate` in bytes puts off."""

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
            raise ConnectionResetError(errno.ECONNRESET, "the request did not come in within its time")
        self._sock.settimeout(left if self._timeout is None else min(left, self._timeout))
        try:
            data = self._sock.recv(size)
        except TimeoutError:
            if self._timeout is not None:
                raise
            raise ConnectionResetError(
                errno.ECONNRESET, "the request did not come in within its time"
            ) from None
        finally:
            self._sock.settimeout(None)
        if self._rate:
            self._deadline += len(data) / self._rate
        return data


class Worker(ThreadWorker):
    def init_process(self):
        """Connections inherit this: a client that stops reading its answer holds a thread for so long."""
        for listener in self.sockets:
            for wait in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                listener.setsockopt(socket.SOL_SOCKET, wait, struct.pack("ll", ANSWER_SECONDS, 0))
        self.waiting: defaultdict[str | None, dict[Connection, None]] = defaultdict(dict)  # oldest first
        self.held: Counter[str] = Counter()  # threads that read on, of each sender
        self.buffered = 0
        self.look_at = 0.0
        super().init_process()

    def load_wsgi(self):
        """With the settings, which are there once the application is."""
        super().load_wsgi()
        from django.conf import settings

        from strata.api.http.throttles import network_of
        from strata.server.middleware import is_trusted

        self.head_seconds, self.body_seconds = settings.CLIENT_HEAD_SECONDS, settings.CLIENT_BODY_SECONDS
        self.most_unfinished = settings.CLIENT_UNFINISHED
        self.longest_body = settings.MAX_BODY_BYTES
        self.network_of, self.is_trusted = network_of, is_trusted

    def is_parent_alive(self):
        """Without its master a worker ends as it does when it is told to: the next master wants its port."""
        if super().is_parent_alive():
            return True
        self.alive = False
        return False

    # --- a request comes in ---

    def accept(self, listener):
        if self.cfg.is_ssl:  # its bytes say nothing before they are deciphered
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
        """None for proxies that are trusted, and for what comes by a socket file."""
        host = address[0] if isinstance(address, tuple) else ""
        return None if not host or self.is_trusted(host) else self.network_of(host)

    def wait_for_request(self, conn: Connection) -> None:
        """Beside the threads, for as long as an idle connection may last, until its first byte is there."""
        conn.arrival = Arrival(self.longest_body)
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
        """Half of the threads at most for one sender, so that the others are there for the rest."""
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

    def handle(self, conn):
        if isinstance(conn, Connection):
            conn.give_to_parser()
        return super().handle(conn)

    # --- and is answered, or turned away ---

    def finish_request(self, conn, fs):
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        if conn.holds_a_thread:
            conn.holds_a_thread = False
            self.held[conn.sender] -= 1
            self.held += Counter()  # without those that hold none
        keeps = not fs.cancelled() and fs.exception() is None and fs.result()
        if keeps and (begun := conn.parser.unreader.take_buffered()):
            self.wait_for_request(conn)
            self.add(conn, begun)
        else:
            super().finish_request(conn, fs)

    def on_client_socket_readable(self, conn, client):
        """The next request of a connection that was kept."""
        if not isinstance(conn, Connection):
            super().on_client_socket_readable(conn, client)
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.wait_for_request(conn)
        self.on_data(conn, conn.sock)

    def murder_pending(self):
        """gunicorn's name for ending connections whose time is over; it calls this in each turn of its loop."""
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
        """Who has said nothing yet is told nothing."""
        had_begun = bool(conn.arrival.received)
        self.stop_waiting(conn)
        self.nr_conns -= 1
        try:
            if had_begun and answer:
                conn.sock.send(answer)
                conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            log.debug("a client that was turned away had gone")
        conn.close()

    def stop_waiting(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.buffered -= len(conn.arrival.received)
        unfinished = self.waiting[conn.sender]
        del unfinished[conn]
        if not unfinished:
            del self.waiting[conn.sender]

    # --- the end ---

    def set_accept_enabled(self, enabled):
        """At its end a worker takes what waits at the door and shuts it at once.

        gunicorn leaves it open until the last request has ended: who comes meanwhile is let in and never answered.
        """
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        for listener in self.sockets:
            while listener.sock and self.took_one(listener):
                pass
            listener.close()

    def took_one(self, listener) -> bool:
        before = self.nr_conns
        self.accept(listener)
        return self.nr_conns > before

    def _cap_keepalive(self, deadline):
        """At its end a worker waits no longer for the first byte of a new connection than for that of a kept one."""
        super()._cap_keepalive(deadline)
        for unfinished in self.waiting.values():
            for conn in unfinished:
                if not conn.arrival.received:
                    conn.deadline = min(conn.deadline, deadline)
