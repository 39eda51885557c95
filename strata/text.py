"""Shortening of text that people entered."""

from __future__ import annotations

import unicodedata
from itertools import accumulate

JOINERS = "\u200c\u200d"  # needed between letters of some scripts, and inside emoji


def short(text: str, length: int) -> str:
    """The text, cut to `length` characters with an ellipsis at the end. Control characters are removed.

    Chinese, Japanese and Korean letters are twice as wide as others, and count as two.
    """
    cleaned = "".join(
        " " if letter.isspace() else letter
        for letter in text
        if letter.isspace() or letter in JOINERS or unicodedata.category(letter)[0] != "C"
    )
    cleaned = " ".join(cleaned.split())
    if sum(map(_width, cleaned)) <= length:
        return cleaned
    room = accumulate(map(_width, cleaned))
    return cleaned[: sum(width < length for width in room)].rstrip() + "…"


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
