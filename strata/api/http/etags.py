"""ETags: a hash of what a plain GET answers, compared under the row's lock before a write."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.http import parse_etags, quote_etag
from rest_framework.renderers import JSONRenderer

from strata.api.errors import Refusal

# What stands between may have compressed an answer, and says so in its tag: nginx by W/, Apache, Caddy and Jetty by
# a suffix. It is the same row: our own tags are hex digits, which have no such ending.
_COMPRESSED = re.compile(r'-{1,2}(?:gzip|br|zstd|deflate)"$')


def etag_of(data: Any) -> str:
    return quote_etag(hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32])


def require_match(request: Any, current: Callable[[], str]) -> None:
    """412 for a stale If-Match; 428 where the installation makes it compulsory and it is absent.

    `current` works out the ETag of what is there, which without an If-Match nobody asks for.
    """
    sent = request.headers.get("If-Match")
    if sent is None:
        if settings.IF_MATCH_REQUIRED and request.method in ("PUT", "PATCH", "DELETE"):
            raise Refusal(
                "PRECONDITION_REQUIRED", "Send If-Match with the ETag of what you read.", status=428
            )
        return
    known = plain_tags(sent)
    if "*" not in known and current() not in known:
        raise Refusal("PRECONDITION_FAILED", "It has changed since you read it: read it again.", status=412)


def is_fresh(request: Any, current: str) -> bool:
    """Whether If-None-Match says that the caller has this already; `*` is any answer: ask it once there is one."""
    return "*" in tags_of(request) or is_held(request, current)


def is_held(request: Any, current: str) -> bool:
    """Whether If-None-Match names this very tag, which is only known to who was answered with it."""
    return current in tags_of(request)


def tags_of(request: Any) -> list[str]:
    return plain_tags(request.headers.get("If-None-Match", ""))


def plain_tags(header: str) -> list[str]:
    """The tags as they left here, without what proxies add; weak tags compare as strong ones."""
    return [_COMPRESSED.sub('"', tag.removeprefix("W/")) for tag in parse_etags(header)]
