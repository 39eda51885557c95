"""A server on a loopback address that answers as a test says: recorded, slowly, broken, with redirects or refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from threading import Event, Thread
from typing import IO


@dataclass
class Feed:
    """`answers` has for each path (without its query) the answers in turn; the last one is given again and again.

    An answer is (status, headers, body); a body that is callable gets the stream. Without a status it writes all that
    is sent, from the first byte on. `asked` are the paths with queries.
    """

    port: int = 0
    answers: dict[str, list[tuple]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)

    def give(self, path: str, body: object = b"", status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append((status, named, body))

    def give_raw(self, path: str, *parts: bytes, pause: float = 0, again: bool = False) -> None:
        """Bytes as they are, with a pause in seconds after each part; `again`: the last one for ever. Stays open."""

        def write(stream: IO[bytes]) -> None:
            for part in chain(parts, repeat(parts[-1]) if again else ()):
                stream.write(part)
                stream.flush()
                if self.stopped.wait(pause):
                    return
            self.stopped.wait()

        self.answers.setdefault(path, []).append((None, {}, write))

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def next(self, path: str) -> tuple:
        answers = self.answers.get(path, [(404, {}, b"")])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def feed_server() -> Iterator[Feed]:
    feed = Feed()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            feed.asked.append(self.path)
            status, headers, body = feed.next(self.path.partition("?")[0])
            if status is None:
                self.close_connection = True
                with suppress(OSError):  # the client has had enough
                    body(self.wfile)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if isinstance(body, bytes):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            write: Callable = body if callable(body) else lambda stream: stream.write(body)
            with suppress(OSError):  # the client has had enough
                write(self.wfile)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    feed.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield feed
    finally:
        feed.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
