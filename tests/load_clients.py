"""HTTP clients that write to a server again and again and record the responses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, Thread
from time import monotonic, sleep
from uuid import uuid4

API = "/api/v1"
IDLE = 2  # seconds: the server closes a connection on which nothing was sent for five
PAUSE = 0.02  # seconds between two writes of a client: a server that starts meanwhile needs the CPU more


class Client:
    """A client of one user that reuses its connection, unless the server may have closed it meanwhile."""

    def __init__(
        self, port: int, token: str, connect: Callable[..., HTTPConnection] = HTTPConnection
    ) -> None:
        self.port, self.token, self.connect = port, token, connect
        self.connection = connect("127.0.0.1", port, timeout=60)
        self.answered_at = monotonic()

    def ask(self, method: str, path: str, body: dict | None = None, **headers: str) -> tuple[int, dict, dict]:
        """Returns status, body and headers. Raises OSError or HTTPException if there is no response."""
        sent_headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        if monotonic() - self.answered_at > IDLE:
            self.connection.close()  # it connects again
        try:
            self.connection.request(
                method, f"{API}/{path}", json.dumps(body) if body is not None else None, sent_headers
            )
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self.connection.close()
            raise
        self.answered_at = monotonic()
        return response.status, json.loads(content) if content else {}, dict(response.getheaders())

    def close(self) -> None:
        self.connection.close()


def create(client: Client, path: str, body: dict) -> str:
    status, answer, _ = client.ask("POST", path, body)
    assert status == 201, answer
    return answer["id"]


def create_asset(client: Client, portfolio: str | None = None) -> str:
    """Creates an asset, in a new portfolio if none is given, and returns its id."""
    name = uuid4().hex
    portfolio = portfolio or create(client, "portfolios", {"name": name, "base_currency": "EUR"})
    asset_type = client.ask("GET", "asset-types?page_size=1")[1]["results"][0]["id"]
    return create(client, "assets", {"portfolio_id": portfolio, "asset_type_id": asset_type, "name": name})


class WriteLog:
    """What a group of clients got: the values that were acknowledged, and the count of each status and each error."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.statuses: Counter[int | str] = Counter()
        self.stopping = Event()
        self._next, self._lock = 0, Lock()

    def next_value(self) -> int:
        """A different value for each write, so that a stored value identifies its write."""
        with self._lock:
            self._next += 1
            return self._next

    def count(self, outcome: int | str) -> None:
        with self._lock:
            self.statuses[outcome] += 1

    def failures(self) -> dict[int | str, int]:
        """The count of each outcome other than success: refusals, and connections without a response."""
        return {outcome: count for outcome, count in self.statuses.items() if outcome not in (200, 201)}

    def write(self, client: Client, asset: str) -> None:
        """Writes one value and repeats the request with the same Idempotency-Key until it is acknowledged."""
        value, key = self.next_value(), uuid4().hex
        while not self.stopping.is_set():
            try:
                body = {"value": str(value)}
                status, _, _ = client.ask("POST", f"assets/{asset}/snapshots", body, Idempotency_Key=key)
            except (OSError, HTTPException) as error:
                self.count(type(error).__name__)
                sleep(0.05)
                continue
            self.count(status)
            if status == 201:
                self.acknowledged.append(value)
                return
            sleep(0.05)


@contextmanager
def writers(
    count: int, port: int, token: str, asset: str, *, keep_alive: bool = True, **options
) -> Iterator[WriteLog]:
    """Clients that write values of the asset for the duration of the block; `keep_alive` reuses their connections."""
    writing = WriteLog()

    def run() -> None:
        client = Client(port, token, **options)
        while not writing.stopping.is_set():
            writing.write(client, asset)
            sleep(PAUSE)
            if not keep_alive:
                client.close()
        client.close()

    threads = [Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield writing
    finally:
        writing.stopping.set()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
