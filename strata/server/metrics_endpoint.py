"""/metrics in Prometheus' text format, on the address that gunicorn opens for it where METRICS is on.

The address of the users has no /metrics, whatever a proxy sends on, and this address has nothing else. There is no
login: who can reach it may read it, so it is a loopback address unless METRICS_BIND says otherwise.

The counters are in files of each process, in a folder in memory that gunicorn.conf.py makes. The files of a worker that
has ended are added up into one, so that they do not become more with every worker that is replaced.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

type Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
ENDED = "ended"  # in place of a process id, in the names of the files


def with_metrics(answer: Application) -> Application:
    """The application, which answers requests on the address of the metrics itself."""
    if not settings.METRICS:
        return answer
    # Here, because few have METRICS on.
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    from strata.metrics.gauges import GaugeCollector

    port, counters, gauges = str(settings.METRICS_PORT), CollectorRegistry(), CollectorRegistry()
    MultiProcessCollector(counters)
    gauges.register(GaugeCollector())

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["SERVER_PORT"] != port:
            return answer(environ, start_response)
        if environ["PATH_INFO"] != "/metrics" or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        body = generate_latest(gauges)  # before the lock: the master waits for it when a worker ends
        with files_locked(fcntl.LOCK_SH):
            body += generate_latest(counters)
        start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST), ("Content-Length", str(len(body)))])
        return [body]

    return application


@contextmanager
def files_locked(mode: int) -> Iterator[Path]:
    """Hold the lock of the folder, and yield the folder: nothing is counted twice while files are added up."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, mode)
        yield folder


def add_up_ended(pid: int) -> None:
    """Add the files of a worker that has ended to those of all ended workers, and remove them. In the master alone."""
    from prometheus_client.mmap_dict import MmapedDict  # as above

    with files_locked(fcntl.LOCK_EX) as folder:
        for kind in ("counter", "histogram"):
            file = folder / f"{kind}_{pid}.db"
            if not file.exists():
                continue
            total = MmapedDict(str(folder / f"{kind}_{ENDED}.db"))
            for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(file)):
                total.write_value(key, total.read_value(key)[0] + value, timestamp)
            total.close()
            file.unlink()
