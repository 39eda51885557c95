"""Reads that the standby answers (REPLICA_URL): those of callers with a token, which was looked up on the primary.

The look-up says where the primary's log ended, so a read sees all that was acknowledged before, and a token that is
revoked is refused at once. While the primary is away, the standby answers as of its last state.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from strata.api.errors import APIError
from strata.db.standby.primary import primary
from strata.db.standby.reading import (
    has_replayed,
    is_configured,
    is_paused,
    is_repeated,
    reading_from_standby,
)
from strata.db.standby.streaming import Blocks, streamed
from strata.metrics.recording import (
    AWAY,
    CAUGHT_UP,
    LAGGING,
    NO_POSITION,
    PRIMARY,
    REPEATED,
    REPLICA,
    metrics,
)

STALE_HEADER, PRIMARY_AWAY = "Strata-Stale", "primary-away"

type Handler = Callable[..., HttpResponseBase]


def is_stale(request: Request) -> bool:
    """Whether the token was read from the standby, because the primary is away."""
    return is_configured() and getattr(request.auth, "is_stale", False)


def source_of(request: Request) -> tuple[str, str]:
    """Who answers a read, and why, as Metrics.read has them. Waits for the standby.

    Without a token, and so without the primary's position, a read is for the primary.
    """
    if is_stale(request):
        return REPLICA, AWAY
    written_to = getattr(request.auth, "written_to", None)
    if written_to is None:
        return PRIMARY, NO_POSITION
    if has_replayed(written_to):
        return REPLICA, CAUGHT_UP
    return PRIMARY, AWAY if is_paused() else LAGGING


def by_standby(view: Any, handler: Handler) -> Handler:
    """The handler of a read, by the standby where that is up to date. What it cannot answer, the primary does."""

    def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        started = time.perf_counter()
        source, why = source_of(request)
        note(request, source, why, time.perf_counter() - started if why == CAUGHT_UP else 0)
        if source == PRIMARY:
            return by_primary(handler)(request, *args, **kwargs)
        untouched = dict(vars(view))

        def again() -> HttpResponseBase:
            view.__dict__ = untouched  # the first attempt may have changed them
            note(request, PRIMARY, REPEATED)
            return by_primary(handler)(request, *args, **kwargs)

        try:
            with reading_from_standby():
                response = handler(request, *args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            if not is_repeated(error):
                raise
            if is_stale(request):
                message = "The standby cannot answer this, and the primary is away. Try again."
                raise APIError("UNAVAILABLE", message, status=503, wait=5) from error
        else:
            return from_standby(response, again)
        return again()

    return handle


def note(request: Request, source: str, why: str, waited: float = 0) -> None:
    """For the log and the metrics."""
    request._request.read_from = source  # type: ignore[attr-defined]  # ours
    metrics.read(source, why, waited)


def by_primary(handler: Handler) -> Handler:
    """The handler, refused at once while the primary is away."""

    def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with primary.asked():
            return handler(request, *args, **kwargs)

    return handle


def from_standby(response: HttpResponseBase, again: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """An answer that is sent in blocks reads on while it is sent, and a file does not. `again`: by the primary."""
    answer = blocks_of(response)
    if answer is not None:
        streaming: Any = response
        streaming.streaming_content = streamed(answer, lambda: blocks_of(again()))
    return response


def blocks_of(response: HttpResponseBase) -> Blocks | None:
    """Takes them out of an answer that is sent in blocks, with what ends its reading. None for any other."""
    if not isinstance(response, StreamingHttpResponse) or isinstance(response, FileResponse):
        return None
    streaming: Any = response  # the stubs have no _resource_closers
    blocks, closers = streaming.streaming_content, streaming._resource_closers
    streaming._resource_closers = []
    return Blocks(blocks, closers)
