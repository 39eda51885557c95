"""Liveness, readiness and version: public, and fast whatever the database does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from django.db import connection
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

log = logging.getLogger("strata.health")
PATIENCE_SECONDS = 1.5
READY = {"status": "ready", "database": "ok", "durability": "ok", "timeouts": "ok", "migrations": "ok"}

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
        migration; 503 otherwise.
        """
        trouble = probe.ask()
        if trouble:
            raise APIError("UNAVAILABLE", trouble[0]["message"], status=503, errors=trouble, wait=5)
        return Response(READY)


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
    """One running check. `trouble` is valid once `done` is set."""

    done: Event = field(default_factory=Event)
    trouble: list[Trouble] = field(default_factory=list)


class Probe:
    """Checks the database in a separate thread, one check at a time: if the database hangs, no other thread waits."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._attempt: Attempt | None = None

    def ask(self) -> list[Trouble]:
        """The problems, as errors of a refusal; an empty list where there are none."""
        attempt = self._begun()
        if not attempt.done.wait(PATIENCE_SECONDS):
            return [trouble("database", "timeout", "The database does not answer.")]
        return attempt.trouble

    def _begun(self) -> Attempt:
        with self._lock:
            if self._attempt is None or self._attempt.done.is_set():
                self._attempt = Attempt()
                Thread(target=probe_database, args=(self._attempt,), daemon=True, name="probe").start()
            return self._attempt


probe = Probe()


def probe_database(attempt: Attempt) -> None:
    try:
        attempt.trouble = missing_migrations() + unsafe_settings() + unset_timeouts()
    except Exception as error:  # any error means that the database is not ready
        log.warning("not ready", exc_info=error)
        attempt.trouble = [trouble("database", "unreachable", "The database cannot be read.")]
    finally:
        connection.close()  # the connection of this thread
        attempt.done.set()


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
