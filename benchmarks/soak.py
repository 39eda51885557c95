"""`make soak`: mixed load on a real server for a while. Reports its memory, its open files and its errors over time.

It ends after --minutes. It starts its own server, database and clients on this machine.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.serving import Server, environment, manage, serving

MOST_MINUTES = 240
SAMPLES = 20
PASSWORD = "a soak is long and warm"
BETWEEN_CONNECTIONS = 20
SLOPE_FROM = 0.25  # of a worker's life: before that it warms up
FEWEST_POINTS = 5  # with fewer, a slope has no meaning


class Client(Thread):
    """A client of one user, which writes values and reads lists and totals on a persistent connection."""

    def __init__(self, server: Server, stop: Event, counts: Counter) -> None:
        super().__init__(daemon=True)
        self.server, self.stop, self.counts = server, stop, counts
        self.connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.token = ""

    def ask(self, method: str, path: str, body: dict | None = None) -> dict:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            self.connection.request(method, f"/api/v1/{path}", json.dumps(body) if body else None, headers)
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            self.connection.close()
            self.counts[type(error).__name__] += 1
            return {}
        self.counts[response.status] += 1
        return json.loads(content) if content else {}

    def run(self) -> None:
        self.token = self.ask("POST", "auth/token", {"username": "soak", "password": PASSWORD})["token"]
        portfolio = self.ask("POST", "portfolios", {"name": f"Soak {self.name}", "base_currency": "EUR"})[
            "id"
        ]
        asset_type = self.ask("GET", "asset-types?page_size=1")["results"][0]["id"]
        body = {"portfolio_id": portfolio, "asset_type_id": asset_type, "name": "Held", "currency": "EUR"}
        assets = [self.ask("POST", "assets", body)["id"] for _ in range(5)]
        while not self.stop.is_set():
            for _ in range(BETWEEN_CONNECTIONS):
                self.step(portfolio, random.choice(assets))
            self.connection.close()  # the next one may come to the other worker

    def step(self, portfolio: str, asset: str) -> None:
        turn = random.random()
        if turn < 0.4:
            value = {"value": f"{random.randrange(10**8) / 100:.2f}"}
            written = self.ask("POST", f"assets/{asset}/snapshots", value)
            if turn < 0.2 and "id" in written:
                self.ask("DELETE", f"assets/{asset}/snapshots/{written['id']}")
        elif turn < 0.6:
            self.ask("GET", f"portfolios/{portfolio}")
        elif turn < 0.8:
            self.ask("GET", f"assets?portfolio={portfolio}")
        elif turn < 0.95:
            self.ask("GET", f"assets/{asset}/snapshots?page_size=50")
        else:
            self.ask("PATCH", f"assets/{asset}", {"notes": f"Note {random.random()}"})


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def slope(points: list[tuple[float, float]]) -> float:
    """The slope in MiB per hour, by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def watch(server: Server, counts: Counter, minutes: float) -> dict[int, list[tuple[float, float]]]:
    """Print a row for each sample. Returns the memory of each worker over time; workers are replaced now and then."""
    started, points = time.monotonic(), defaultdict(list)
    print(f"{'seconds':>8} {'requests':>9} {'worker MiB':>22} {'open files':>14}")
    for sample in range(1, SAMPLES + 1):
        Event().wait(max(0.0, started + minutes * 60 * sample / SAMPLES - time.monotonic()))
        elapsed = time.monotonic() - started
        pids = server.workers()
        for pid in pids:
            points[pid].append((elapsed, resident_mib(pid)))
        memory = ", ".join(f"{points[pid][-1][1]:.1f}" for pid in pids)
        files = ", ".join(str(open_files(pid)) for pid in pids)
        print(f"{elapsed:8.0f} {sum(counts.values()):9,} {memory:>22} {files:>14}", flush=True)
    return points


def soak(database_url: str, minutes: float, clients: int) -> Counter:
    env = environment(database_url)
    manage(env, "migrate", "--verbosity", "0")
    manage(env, "create_user", "soak", "--password-stdin", input=PASSWORD)
    counts: Counter = Counter()
    stop = Event()
    with serving(env) as server:
        running = [Client(server, stop, counts) for _ in range(clients)]
        for client in running:
            client.start()
        points = watch(server, counts, minutes)
        counts["client ended early"] = sum(not client.is_alive() for client in running)
        stop.set()
        for client in running:
            client.join(60)
    print(f"\nWorkers seen: {len(points)}")
    for pid, samples in points.items():
        settled = samples[int(len(samples) * SLOPE_FROM) :]
        if len(settled) > FEWEST_POINTS:
            print(f"Memory of worker {pid}: {samples[-1][1]:.1f} MiB, {slope(settled):+.1f} MiB an hour")
    return +counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=5, help=f"how long, at most {MOST_MINUTES} (default: 5)"
    )
    parser.add_argument("--clients", type=int, default=8, help="how many at a time (default: 8)")
    parser.add_argument(
        "--database-url", help="an empty database (default: a SQLite file that is thrown away)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.database_url or f"sqlite:///{folder}/soak.db"
        counts = soak(url, min(options.minutes, MOST_MINUTES), options.clients)
    print(
        "Answers: " + ", ".join(f"{answer}: {count:,}" for answer, count in sorted(counts.items(), key=str))
    )
    failed = sum(count for answer, count in counts.items() if not isinstance(answer, int) or answer >= 500)
    print(f"Failed: {failed}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
