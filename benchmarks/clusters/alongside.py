"""How long others wait while somebody writes many rows: `python benchmarks/clusters/alongside.py`.

It has a PostgreSQL of its own. 10,000 values are sent in one request, and 20,000 imported, to a server of two workers.
Meanwhile another user reads, one request after the other. The reader's times include what it waits for a core where the
machine has few: the same reads without a write beside them come first.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.clusters.scale import KEY, cpu_ms
from tests.databases import PostgresqlServer
from tests.load_clients import Client, create
from tests.serving import Server, environment, manage, serving

SEED = ("--households", "2", "--assets", "50", "--snapshots", "120", "--span-days", "365")
READS = ("tags", "assets?page_size=50", "portfolios", "net-worth?interval=month")
BATCH, IMPORTED, ASSETS, ACCOUNTS, TIMES = 10_000, 20_000, 20, 100, 5
PAUSE = 0.02  # seconds between two reads
FIRST = date(2000, 1, 1)


class Reader(Thread):
    """Another user, who reads until the block ends. `seconds` are those of each answer."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self.client, self.seconds, self.stop = Client(port, token), list[float](), Event()

    def run(self) -> None:
        for path in itertools.cycle(READS):
            began = time.perf_counter()
            status = self.client.ask("GET", path)[0]
            self.seconds.append(time.perf_counter() - began)
            if status != 200:
                raise SystemExit(f"{path}: {status}")
            if self.stop.wait(PAUSE):
                return

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.join()
        self.client.close()


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.95 * len(seconds))] * 1000


def batches(client: Client) -> Iterator[Callable[[], None]]:
    """Each sends 10,000 new values of 20 assets of a portfolio of its own."""
    asset_type = client.ask("GET", "asset-types?page_size=1")[1]["results"][0]["id"]
    days = [str(FIRST + timedelta(number)) for number in range(BATCH // ASSETS)]
    while True:
        portfolio = create(client, "portfolios", {"name": uuid4().hex, "base_currency": "EUR"})
        body = {"portfolio_id": portfolio, "asset_type_id": asset_type}
        assets = [create(client, "assets", {**body, "name": f"Batch {number}"}) for number in range(ASSETS)]
        rows = [{"asset_id": pk, "on": on, "value": f"{on[-2:]}.25"} for pk in assets for on in days]

        def send(rows: list[dict[str, str]] = rows) -> None:
            status, answer, _ = client.ask("POST", "values:batch", {"rows": rows})
            if (status, answer.get("created")) != (200, BATCH):
                raise SystemExit(f"values:batch: {status} {str(answer)[:300]}")

        yield send


def imports(client: Client) -> Iterator[Callable[[], None]]:
    """Each imports a table of 20,000 values of 100 new assets into a portfolio of its own: preview and commit."""
    file = table()
    while True:
        portfolio = create(client, "portfolios", {"name": uuid4().hex, "base_currency": "EUR"})

        def send(portfolio: str = portfolio) -> None:
            answer = upload(client, file, portfolio)
            status, answer, _ = client.ask("POST", f"imports/{answer['id']}/commit", {})
            if (status, answer["made"]["value"]) != (200, IMPORTED):
                raise SystemExit(f"commit: {status} {str(answer)[:300]}")

        yield send


def table() -> bytes:
    """Each day has a value of each of 100 accounts."""
    rows = ["date,account,balance,currency"]
    for number in range(IMPORTED):
        day, account = divmod(number, ACCOUNTS)
        rows.append(
            f"{FIRST + timedelta(day)},Account {account:03},{account * 1000 + day % 777}.{day % 90:02},EUR"
        )
    return "\n".join(rows).encode()


def upload(client: Client, file: bytes, portfolio: str) -> dict[str, Any]:
    boundary = uuid4().hex
    field = f'--{boundary}\r\nContent-Disposition: form-data; name="portfolio_id"\r\n\r\n{portfolio}\r\n'
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="values.csv"\r\n\r\n'
    body = field.encode() + head.encode() + file + f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Authorization": f"Bearer {client.token}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    client.connection.close()
    client.connection.request("POST", "/api/v1/imports", body, headers)
    response = client.connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    if response.status != 201:
        raise SystemExit(f"imports: {response.status} {str(answer)[:300]}")
    return answer


def measure(name: str, send: Iterator[Callable[[], None]], server: Server, token: str) -> None:
    seconds, others, cpu = [], list[float](), []
    for work in itertools.islice(send, TIMES):
        with Reader(server.port, token) as reader:
            before, began = spent(server), time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
            cpu.append(spent(server) - before)
        others += reader.seconds
    figures = min(seconds), sorted(seconds)[TIMES // 2], min(cpu) / 1000
    writes = " | ".join(f"{figure:.2f}" for figure in figures)
    print(f"| {name} | {writes} | {p95(others):.0f} | {max(others) * 1000:.0f} |", flush=True)


def spent(server: Server) -> float:
    return sum(map(cpu_ms, server.workers()))


def idle() -> Iterator[Callable[[], None]]:
    while True:
        yield lambda: time.sleep(3)


def main() -> None:
    with ExitStack() as stack:
        primary = PostgresqlServer()
        stack.callback(primary.remove)
        url = primary.fresh("bench")
        manage(environment(url), "load_rates", "--verbosity", "0")
        manage(environment(url), "seed_benchmark", *SEED, "--verbosity", "0")
        tokens = [
            manage(environment(url), "create_token", f"benchmark-{number}").stdout.strip()
            for number in (1, 2)
        ]
        server = stack.enter_context(
            serving(environment(url, SECRET_KEY=KEY, WEB_CONCURRENCY="2", LOG_LEVEL="WARNING"))
        )
        writer = Client(server.port, tokens[0])
        print("| beside it | fastest, s | median, s | CPU of the app, s | reads p95, ms | slowest read, ms |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
        measure("nothing", idle(), server, tokens[1])
        measure("values:batch, 10,000", batches(writer), server, tokens[1])
        measure("import, 20,000", imports(writer), server, tokens[1])


if __name__ == "__main__":
    main()
