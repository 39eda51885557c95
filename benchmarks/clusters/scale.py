"""What a pooler, a standby and a second machine cost: in `make bench`, or alone: `python benchmarks/clusters/scale.py`.

Starts a cluster of its own, a streaming standby, PgBouncer with TLS, and a server of one worker for each way to the
data. Requests are sent in turn, over HTTP on connections that stay open, so that what
else the machine does meanwhile is the same for all. CPU is that of the processes themselves, without the client's: of
the workers, of PgBouncer, and of PostgreSQL with its helpers. It says what a way costs even where the machine is busy.
"""

from __future__ import annotations

import itertools
import re
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.databases import PostgresqlServer, PostgresqlStandby, free_port
from tests.load_clients import Client
from tests.pooler import Pooler, pooling
from tests.serving import Server, environment, manage, serving

SEED = ("--households", "20", "--assets", "20", "--snapshots", "120", "--span-days", "365")
DATABASE, POOL_SIZE, KEY = "bench", 20, "of-machines-that-are-measured-" * 2
READS = {
    "empty request (GET health/live)": "health/live",
    "GET tags": "tags",
    "GET assets?page_size=50": "assets?page_size=50",
    "GET net-worth?interval=month": "net-worth?interval=month",
}
ROUNDS, IN_A_ROW = 12, 10
CLIENTS, LOADS, READS_A_WRITE = 4, 3, 9
WAIT_BUCKET = re.compile(r'strata_replica_wait_seconds_bucket\{le="([^"]+)"\} ([0-9.]+)')


def cpu_ms(pid: int) -> float:
    """User and system time of a process: the sum of its threads, which the kernel counts in nanoseconds."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        total += int(path.read_text().split()[0])
    return total / 1e6


@dataclass
class Way:
    """A server and what else works for it."""

    name: str
    servers: list[Server]
    databases: list[PostgresqlServer]
    pooler: Pooler | None = None
    metrics: int = 0  # the port
    clients: list[Client] = field(default_factory=list)

    def cpu(self) -> dict[str, float]:
        workers = [pid for server in self.servers for pid in server.workers()]
        return {
            "app": sum(map(cpu_ms, workers)),
            "pooler": cpu_ms(self.pooler.process.pid) if self.pooler else 0.0,
            **{
                name: sum(map(cpu_ms, server.processes()))
                for name, server in zip(("primary", "standby"), self.databases, strict=False)
            },
        }


def spent(before: dict[str, float], after: dict[str, float], requests: int) -> dict[str, float]:
    return {name: (after[name] - before[name]) / requests for name in after}


class Bench:
    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.primary = PostgresqlServer()
        stack.callback(self.primary.remove)
        self.url = self.primary.fresh(DATABASE)
        manage(environment(self.url), "load_rates", "--verbosity", "0")
        manage(environment(self.url), "seed_benchmark", *SEED, "--verbosity", "0")
        self.token = manage(environment(self.url), "create_token", "benchmark-1").stdout.strip()
        self.primary.execute("VACUUM")
        self.standby = PostgresqlStandby(self.primary)
        stack.callback(self.standby.remove)
        self.pooler = stack.enter_context(pooling(self.primary._url("postgres"), size=POOL_SIZE))

    def way(self, name: str, url: str, *, machines: int = 1, has_replica: bool = False) -> Way:
        port = free_port() if has_replica else 0
        env = environment(url, SECRET_KEY=KEY, WEB_CONCURRENCY="1", WEB_THREADS="4", LOG_LEVEL="WARNING")
        if has_replica:
            env["REPLICA_URL"] = self.standby.url_of(self.url)
        servers = []
        for number in range(machines):
            watched = {"METRICS": "on", "METRICS_PORT": str(port)} if has_replica and number == 0 else {}
            servers.append(self.stack.enter_context(serving(env | watched)))
        databases = [self.primary, *([self.standby] if has_replica else [])]
        way = Way(name, servers, databases, self.pooler if url != self.url else None, port)
        way.clients = [Client(server.port, self.token) for server in servers]
        return way


# --- one request at a time ---


def of_reads(ways: list[Way]) -> Iterator[str]:
    """A row for each read: the median, and the CPU of a request, by each way."""
    yield f"| work | {' | '.join(f'{way.name}: ms, CPU ms of app + databases + pooler' for way in ways)} |"
    yield f"| --- |{' ---: |' * len(ways)}"
    for name, path in READS.items():
        seconds: dict[str, list[float]] = {way.name: [] for way in ways}
        cpu: dict[str, list[dict[str, float]]] = {way.name: [] for way in ways}
        for way in ways:
            ask(way.clients[0], path, times=IN_A_ROW)
        for _, way in itertools.product(range(ROUNDS), ways):
            before = way.cpu()
            seconds[way.name] += ask(way.clients[0], path, times=IN_A_ROW)
            cpu[way.name].append(spent(before, way.cpu(), IN_A_ROW))
        cells = [f"{statistics.median(seconds[way.name]) * 1000:.1f}, {parts(cpu[way.name])}" for way in ways]
        yield f"| {name} | {' | '.join(cells)} |"


def parts(rounds: list[dict[str, float]]) -> str:
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    databases = medians["primary"] + medians.get("standby", 0)
    return f"{medians['app']:.2f} + {databases:.2f} + {medians['pooler']:.2f}"


def ask(client: Client, path: str, *, times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        status = client.ask("GET", path)[0]
        seconds.append(time.perf_counter() - began)
        if status != 200:
            raise SystemExit(f"{path}: {status}")
    return seconds


# --- many at a time ---


def of_load(ways: list[Way], token: str, seconds: float) -> Iterator[str]:
    """A row for each way: requests a second by several clients, and the CPU of a request by process."""
    yield "| machines | requests/s | CPU ms a request: app | pooler | primary | standby | p95 of the wait, ms |"
    yield f"|{' --- |' * 7}"
    rates: dict[str, list[float]] = {way.name: [] for way in ways}
    cpu: dict[str, list[dict[str, float]]] = {way.name: [] for way in ways}
    waits = {way.name: waited(way.metrics) for way in ways if way.metrics}
    for _, way in itertools.product(range(LOADS), ways):
        before, began = way.cpu(), time.monotonic()
        requests = load(way, token, seconds)
        rates[way.name].append(requests / (time.monotonic() - began))
        cpu[way.name].append(spent(before, way.cpu(), requests))
    for way in ways:
        figures = {name: statistics.median(each[name] for each in cpu[way.name]) for name in cpu[way.name][0]}
        wait = f"{p95(waits[way.name], waited(way.metrics)):.1f}" if way.metrics else ""
        columns = [f"{figures.get(name, 0):.2f}" for name in ("app", "pooler", "primary", "standby")]
        yield f"| {way.name} | {statistics.median(rates[way.name]):.0f} | {' | '.join(columns)} | {wait} |"


def load(way: Way, token: str, seconds: float) -> int:
    """How many requests several clients were answered in that time: nine reads, then a value is written."""
    until, counts = time.monotonic() + seconds, [0] * CLIENTS

    def run(number: int) -> None:
        client = Client(way.servers[number % len(way.servers)].port, token)
        assets = [row["id"] for row in client.ask("GET", "assets?page_size=20")[1]["results"]]
        paths = itertools.cycle([*list(READS.values())[1:], f"assets/{assets[number]}"])
        while time.monotonic() < until:
            for path in itertools.islice(paths, READS_A_WRITE):
                ask(client, path, times=1)
            status, body, _ = client.ask("POST", f"assets/{assets[number]}/snapshots", {"value": "5"})
            if status != 201:
                raise SystemExit(f"snapshots: {status} {body}")
            counts[number] += READS_A_WRITE + 1
        client.close()

    threads = [Thread(target=run, args=(number,), daemon=True) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def waited(port: int) -> dict[float, float]:
    """How many reads waited for the standby for at most so many seconds."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return {float(most): float(count) for most, count in WAIT_BUCKET.findall(text)}


def p95(before: dict[float, float], after: dict[float, float]) -> float:
    """The 95th percentile in milliseconds, between the limits of its bucket in proportion, as Prometheus has it."""
    counts = {most: count - before.get(most, 0) for most, count in sorted(after.items())}
    rank, low, below = 0.95 * max(counts.values()), 0.0, 0.0
    for most, count in counts.items():
        if count >= rank:
            return 1000 * (low + (most - low) * (rank - below) / max(count - below, 1))
        low, below = most, count
    return float("inf")


def main(seconds: float) -> None:
    with ExitStack() as stack:
        bench = Bench(stack)
        behind = bench.pooler.url_of(bench.url)
        direct = bench.way("direct", bench.url)
        pooled = bench.way("through the pooler", behind)
        replica = bench.way("from the replica", bench.url, has_replica=True)
        for row in of_reads([direct, pooled, replica]):
            print(row, flush=True)
        print(flush=True)
        two = bench.way("two, with pooler and standby", behind, machines=2, has_replica=True)
        direct.name = "one, direct"
        for row in of_load([direct, two], bench.token, seconds):
            print(row, flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
