"""How large the body of a request may be: MAX_BODY_BYTES, and more for the routes that take many rows."""

from __future__ import annotations

import re

from django.conf import settings


class BodyTooLarge(OSError):
    """More than the limit arrived of a body that did not say its length. Django raises UnreadablePostError from it."""


def most_body_bytes(path: str) -> int:
    """The limit of a path below SCRIPT_NAME."""
    limits: dict[str, int] = settings.BODY_BYTES_OF_ROUTES | settings.BODY_BYTES_OF_FILES
    return max(settings.MAX_BODY_BYTES, limits.get(path.removesuffix("/"), 0))


def takes_files(path: str) -> bool:
    """Whether a body of the path is a file, which is never held in memory as a whole."""
    return path.removesuffix("/") in settings.BODY_BYTES_OF_FILES


def larger_bodies() -> tuple[tuple[re.Pattern[bytes], int], ...]:
    """The routes with a larger limit, each as what a request line begins with, below any SCRIPT_NAME."""
    return tuple(
        (
            re.compile(
                rb"POST [^ ?\r\n]*" + re.escape(path).encode().replace(b":", b"(?::|%3[Aa])") + rb"/?[ ?]"
            ),
            most,
        )
        for path, most in settings.BODY_BYTES_OF_ROUTES.items()
    )
