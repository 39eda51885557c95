"""The counters, and `metrics`, which everything that has something to count calls."""

from __future__ import annotations

from django.conf import settings

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}  # a client may send any word
LOCK_NOT_AVAILABLE = "55P03"
# Where REPLICA_URL is set: who answered a read, and why.
PRIMARY, REPLICA = "primary", "replica"
CAUGHT_UP, LAGGING, AWAY, REPEATED, NO_POSITION = "caught_up", "lagging", "away", "repeated", "no_position"


class Metrics:
    """Counts nothing: METRICS is off."""

    def request(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """A request, answered."""

    def read(self, source: str, why: str, waited: float = 0) -> None:
        """A read from the PRIMARY or the REPLICA, why from there, and the seconds that it waited for a replica that has
        CAUGHT_UP. The primary answers where the replica is LAGGING or AWAY, where it has REPEATED what the replica
        refused, and callers without a token (NO_POSITION). The replica answers while the primary is AWAY. A repeated
        read is counted twice.
        """

    def database_refusal(self, sqlstate: str | None) -> None:
        """A request failed because of the database. `sqlstate` is PostgreSQL's code, None on SQLite."""

    def idempotency(self, outcome: str) -> None:
        """A write with a key: `made`, `replayed` or `conflict`."""

    def throttled(self) -> None:
        """A request over API_THROTTLE."""

    def login_failure(self) -> None:
        """A wrong password, or a name that nobody has."""


class PrometheusMetrics(Metrics):
    """Counts in files that all workers of a machine share (prometheus_client's multiprocess mode)."""

    def __init__(self) -> None:
        # Here, because it takes 50 ms, and few have METRICS on. gunicorn.conf.py says before where the files are.
        from prometheus_client import Counter, Histogram

        names = ("route", "method")
        self._requests = Counter("strata_requests", "Requests answered", (*names, "status"))
        self._seconds = Histogram(
            "strata_request_seconds",
            "Seconds until the answer began",
            names,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )
        self._reads = Counter("strata_reads", "Reads by the server that answered", ("source", "why"))
        self._waits = Histogram(
            "strata_replica_wait_seconds",
            "Seconds that reads waited until the replica had replayed",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
        )
        self._refusals = Counter(
            "strata_db_refusals",
            "Requests that the database refused, by class of SQLSTATE",
            ("sqlstate_class",),
        )
        self._lock_waits = Counter("strata_lock_waits", "Requests that waited for a lock in vain")
        self._idempotency = Counter("strata_idempotency", "Writes with an Idempotency-Key", ("outcome",))
        self._throttled = Counter("strata_throttled", "Requests over API_THROTTLE")
        self._login_failures = Counter("strata_login_failures", "Failed logins")

    def request(self, route: str | None, method: str, status: int, seconds: float) -> None:
        names = (route or "none", method if method in METHODS else "other")
        self._requests.labels(*names, status).inc()
        self._seconds.labels(*names).observe(seconds)

    def read(self, source: str, why: str, waited: float = 0) -> None:
        self._reads.labels(source, why).inc()
        if waited:
            self._waits.observe(waited)

    def database_refusal(self, sqlstate: str | None) -> None:
        self._refusals.labels(sqlstate[:2] if sqlstate else "sqlite").inc()
        if sqlstate == LOCK_NOT_AVAILABLE:
            self._lock_waits.inc()

    def idempotency(self, outcome: str) -> None:
        self._idempotency.labels(outcome).inc()

    def throttled(self) -> None:
        self._throttled.inc()

    def login_failure(self) -> None:
        self._login_failures.inc()


metrics: Metrics = PrometheusMetrics() if settings.METRICS else Metrics()
