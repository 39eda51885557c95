"""ETags: a hash of the answer to a plain GET. Before a write it is compared while the row is locked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.http import parse_etags, quote_etag
from rest_framework.renderers import JSONRenderer

from strata.api.errors import APIError

# A proxy that compresses an answer marks its tag: nginx with W/, Apache, Caddy and Jetty with a suffix. It is still the
# same row. Our own tags are hex digits and have no such suffix.
_COMPRESSED = re.compile(r'-{1,2}(?:gzip|br|zstd|deflate)"$')


def etag_of(data: Any) -> str:
    return quote_etag(hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32])


def require_match(request: Any, current: Callable[[], str]) -> None:
    """412 for a stale If-Match; 428 where it is missing and IF_MATCH_REQUIRED is on.

    `current` calculates the present ETag. It is only called if there is an If-Match.
    """
    sent = request.headers.get("If-Match")
    if sent is None:
        if settings.IF_MATCH_REQUIRED and request.method in ("PUT", "PATCH", "DELETE"):
            raise APIError(
                "PRECONDITION_REQUIRED", "Send If-Match with the ETag of what you read.", status=428
            )
        return
    known = plain_tags(sent)
    if "*" not in known and current() not in known:
        raise APIError("PRECONDITION_FAILED", "It has changed since you read it: read it again.", status=412)


def require_state(request: Any, current: Callable[[], str | None]) -> None:
    """As `require_match`, for what a PUT also creates: `current` gives None where there is nothing yet.

    `If-None-Match: *` only creates: 412 where there is something.
    """
    unwanted = tags_of(request)
    if unwanted and (tag := current()) is not None and {"*", tag} & set(unwanted):
        raise APIError("PRECONDITION_FAILED", "There is something already: read it first.", status=412)
    if request.method == "PUT" and "*" in unwanted and "If-Match" not in request.headers:
        return
    if "If-Match" in request.headers and current() is None:
        raise APIError("PRECONDITION_FAILED", "There is nothing yet, or no longer.", status=412)
    require_match(request, lambda: current() or "")


def is_fresh(request: Any, current: str) -> bool:
    """Whether If-None-Match says that the caller has this answer. `*` matches any existing answer."""
    return "*" in tags_of(request) or is_held(request, current)


def is_held(request: Any, current: str) -> bool:
    """Whether If-None-Match names exactly this tag. Only a caller who got this answer before knows it."""
    return current in tags_of(request)


def tags_of(request: Any) -> list[str]:
    return plain_tags(request.headers.get("If-None-Match", ""))


def plain_tags(header: str) -> list[str]:
    """The tags as Strata sent them, without the marks of proxies. Weak tags compare like strong ones."""
    return [_COMPRESSED.sub('"', tag.removeprefix("W/")) for tag in parse_etags(header)]
