"""Liveness, readiness and version: public, and fast whatever the database does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from strata import __version__
from strata.api.errors import APIError
from strata.db.backends.postgresql.timeouts import timeouts
from strata.db.durability import durability
from strata.db.standby.reading import ALIAS, is_configured
from strata.db.standby.state import AWAY, OK, accepts_writes, position, replication, state_of_standby
from strata.db.write_format.check import writes_stored_format

log = logging.getLogger("strata.health")
TIMEOUT_SECONDS = 1.5
READY = {
    "status": "ready",
    "database": "ok",
    "durability": "ok",
    "timeouts": "ok",
    "migrations": "ok",
    "writes": "ok",
    "replica": "none",
    "replication": "none",
}
# While the standby answers and the primary does not.
ONLY_READS = dict.fromkeys(READY, "unknown") | {
    "status": "ready",
    "database": "away",
    "writes": "unavailable",
    "replica": "ok",
}

Trouble = dict[str, str]  # an error of a refusal: field, code and message
Handler = Callable[..., Response]


class PublicView(APIView):
    """A view without login and without throttle: a login needs the database."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()


def says(operation_id: str, **example: str) -> Callable[[Handler], Handler]:
    """The schema of an answer with these fields, which are all text."""
    answer = inline_serializer(
        operation_id.title().replace("_", ""), {word: serializers.CharField() for word in example}
    )
    shown = OpenApiExample(operation_id, value=example, response_only=True, status_codes=["200"])
    return extend_schema(operation_id=operation_id, responses=answer, examples=[shown], auth=[])


class Live(PublicView):
    @says("health_live", status="live")
    def get(self, request: Request) -> Response:
        """The process answers. The database is not asked."""
        return Response({"status": "live"})


class Ready(PublicView):
    @says("health_ready", **READY)
    def get(self, request: Request) -> Response:
        """The database answers within two seconds, syncs every commit, ends what takes too long and has every
        migration; 503 otherwise. `writes` is `unavailable` while only a standby answers, and where a newer version
        writes the database in a format that this one cannot write: then it is ready to read. `replica` is `ok`,
        `lagging`, `away` or `none`, and `replication` `synchronous`, `asynchronous` (a failover may lose the last
        writes) or `none`.
        """
        begun_standby = standby_probe.begin() if is_configured() else None
        attempt = probe.begin()
        trouble = attempt.troubles()
        if begun_standby:
            attempt.parts["replica"] = (
                begun_standby.parts.get("replica", AWAY) if begun_standby.is_done() else AWAY
            )
        if not trouble:
            return Response(READY | attempt.parts)
        if trouble[0]["field"] == "database" and attempt.parts.get("replica") not in (None, AWAY):
            return Response(ONLY_READS)
        raise APIError("UNAVAILABLE", trouble[0]["message"], status=503, errors=trouble, wait=5)


class Version(PublicView):
    @says("version", version=__version__)
    def get(self, request: Request) -> Response:
        """The version that is running."""
        return Response({"version": __version__})


live, ready, version = Live.as_view(), Ready.as_view(), Version.as_view()


def look_at_start() -> None:
    """When a worker starts, log why it is not ready. This runs in a separate thread, so the start does not wait."""

    def look() -> None:
        for problem in probe.ask():
            log.warning("not ready: %s", problem["message"])

    Thread(target=look, daemon=True, name="look at start").start()


# --- the check of the database ---


@dataclass
class Attempt:
    """One running check. What it has is valid once `done` is set. `parts` are what READY says otherwise."""

    done: Event = field(default_factory=Event)
    trouble: list[Trouble] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    position: str | None = None  # of the primary's log
    deadline: float = field(default_factory=lambda: time.monotonic() + TIMEOUT_SECONDS)

    def is_done(self) -> bool:
        return self.done.wait(max(0, self.deadline - time.monotonic()))

    def troubles(self) -> list[Trouble]:
        """The problems, as errors of a refusal; an empty list where there are none."""
        if not self.done.wait(TIMEOUT_SECONDS):
            return [trouble("database", "timeout", "The database does not answer.")]
        return self.trouble


class Probe:
    """Checks the database in a separate thread, one check at a time: if the database hangs, no other thread waits."""

    def __init__(self, check: Callable[[Attempt], None] | None = None) -> None:
        self._lock = Lock()
        self._attempt: Attempt | None = None
        self._check = check or probe_database

    def ask(self) -> list[Trouble]:
        """The problems, as errors of a refusal; an empty list where there are none."""
        return self.begin().troubles()

    def begin(self) -> Attempt:
        """The check that is running, or a new one."""
        with self._lock:
            if self._attempt is None or self._attempt.done.is_set():
                self._attempt = Attempt()
                Thread(target=self._check, args=(self._attempt,), daemon=True, name="probe").start()
            return self._attempt


def probe_database(attempt: Attempt) -> None:
    try:
        attempt.trouble = missing_migrations() + unsafe_settings() + unset_timeouts()
        if not attempt.trouble and not (accepts_writes() and writes_stored_format()):
            attempt.parts = {"writes": "unavailable"}
        if is_configured():
            attempt.position = position()
            attempt.parts["replication"] = replication()
    except Exception as error:  # any error means that the database is not ready
        log.warning("not ready", exc_info=error)
        attempt.trouble = [trouble("database", "unreachable", "The database cannot be read.")]
    finally:
        connection.close()  # the connection of this thread
        attempt.done.set()


def probe_standby(attempt: Attempt) -> None:
    try:
        attempt.parts["replica"] = state_of_standby(None)
        of_primary = probe.begin()
        if of_primary.is_done() and of_primary.position and attempt.parts["replica"] == OK:
            attempt.parts["replica"] = state_of_standby(of_primary.position)
    except Exception as error:  # any error means that the standby does not answer
        log.warning("the standby does not answer", exc_info=error)
        attempt.parts["replica"] = AWAY
    finally:
        connections[ALIAS].close()  # the connection of this thread
        attempt.done.set()


probe, standby_probe = Probe(), Probe(probe_standby)


def unsafe_settings() -> list[Trouble]:
    return [
        trouble("durability", "unsafe", f"The database is set to {setting}: a crash may lose what was saved.")
        for setting in durability()
        if not setting.is_safe
    ]


def unset_timeouts() -> list[Trouble]:
    return [
        trouble(
            "timeouts",
            "unset",
            f"{timeout.name} is 0 outside a transaction: run doctor, which says how to set it.",
        )
        for timeout in timeouts(connection)
        if timeout.is_unset
    ]


def missing_migrations() -> list[Trouble]:
    missing = on_disk() - set(MigrationRecorder(connection).applied_migrations())
    if not missing:
        return []
    return [trouble("migrations", "pending", f"{len(missing)} migrations are not applied.")]


def on_disk() -> set[tuple[str, str]]:
    """The migrations of this version, as (app, name)."""
    return set(MigrationLoader(None).disk_migrations)


def trouble(part: str, code: str, message: str) -> Trouble:
    return {"field": part, "code": code, "message": message}
