"""Clients that write to a server as fast as they can, and remember what they were told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, Thread
from time import sleep
from uuid import uuid4

API = "/api/v1"


class Client:
    """One user's program on a connection that it keeps."""

    def __init__(
        self, port: int, token: str, connect: Callable[..., HTTPConnection] = HTTPConnection
    ) -> None:
        self.port, self.token, self.connect = port, token, connect
        self.connection = connect("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: dict | None = None, **headers: str) -> tuple[int, dict, dict]:
        """Status, body and headers. Raises OSError or HTTPException where no answer came."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self.connection.request(
                method, f"{API}/{path}", json.dumps(body) if body is not None else None, sent
            )
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self.connection.close()
            raise
        return response.status, json.loads(content) if content else {}, dict(response.getheaders())

    def close(self) -> None:
        self.connection.close()


def create(client: Client, path: str, body: dict) -> str:
    status, answer, _ = client.ask("POST", path, body)
    assert status == 201, answer
    return answer["id"]


def an_asset(client: Client, portfolio: str | None = None) -> str:
    """A new asset, in a new portfolio where none is given."""
    name = uuid4().hex
    portfolio = portfolio or create(client, "portfolios", {"name": name, "base_currency": "EUR"})
    kind = client.ask("GET", "asset-types?page_size=1")[1]["results"][0]["id"]
    return create(client, "assets", {"portfolio_id": portfolio, "asset_type_id": kind, "name": name})


class Writing:
    """What some clients were told: the values that were acknowledged, each status, each broken connection."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.statuses: Counter[int | str] = Counter()
        self.stopping = Event()
        self._next, self._lock = 0, Lock()

    def number(self) -> int:
        """Another one each time, so that every value is one write's."""
        with self._lock:
            self._next += 1
            return self._next

    def count(self, outcome: int | str) -> None:
        with self._lock:
            self.statuses[outcome] += 1

    def failures(self) -> dict[int | str, int]:
        """Whatever is not a success: refusals and connections without an answer."""
        return {told: many for told, many in self.statuses.items() if told not in (200, 201)}

    def write(self, client: Client, asset: str) -> None:
        """One value, sent again under the same key until it is acknowledged, as a careful program would."""
        value, key = self.number(), uuid4().hex
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
    many: int, port: int, token: str, asset: str, *, keeps: bool = True, **options
) -> Iterator[Writing]:
    """So many clients write values of the asset for the length of the block, on connections that they may keep."""
    writing = Writing()

    def run() -> None:
        client = Client(port, token, **options)
        while not writing.stopping.is_set():
            writing.write(client, asset)
            if not keeps:
                client.close()
        client.close()

    threads = [Thread(target=run, daemon=True) for _ in range(many)]
    for thread in threads:
        thread.start()
    try:
        yield writing
    finally:
        writing.stopping.set()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
