"""The peak memory of gunicorn's workers while several clients send requests at the same time."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Thread

from tests.serving import environment, serving

CLIENTS = 8


def peaks_under_load(secret: str, paths: list[str], seconds: int) -> list[float]:
    """The peak of each worker, in MiB, after CLIENTS clients have sent GETs of the paths for `seconds`."""
    headers = {"Authorization": f"Bearer {secret}"}
    until = time.monotonic() + seconds
    with serving(environment(os.environ["DATABASE_URL"])) as server:

        def ask(turn: int) -> None:
            while time.monotonic() < until:
                response, content = server.ask("GET", f"/api/v1/{paths[turn % len(paths)]}", headers=headers)
                if response.status != 200:
                    raise SystemExit(f"{paths[turn % len(paths)]}: {response.status} {content[:200]!r}")
                turn += 1

        clients = [Thread(target=ask, args=(number,), daemon=True) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return [peak_mib(pid) for pid in workers(server.process.pid)]


def workers(master: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
