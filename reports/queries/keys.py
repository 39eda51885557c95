"""The text of a group's key."""

from __future__ import annotations

from collections.abc import Hashable

NONE_KEY = "none"


def key_text(key: Hashable) -> str:
    return NONE_KEY if key is None else str(key)
