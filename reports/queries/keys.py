"""How the key of a group is written."""

from __future__ import annotations

from collections.abc import Hashable

UNSORTED = "none"


def key_text(key: Hashable) -> str:
    return UNSORTED if key is None else str(key)
