"""What the notes of other programs' formats have in Strata's own exports: "strata-shares: 0.5 | strata-splits: ..."."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from imports.reading.days import read_day

_SHARE = re.compile(r"(?:([0-9]{4}-[0-9]{2}-[0-9]{2}): )?([01](?:\.[0-9]{1,6})?)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNIT = re.compile(r"[1-9][0-9]{0,8}(?:/[1-9][0-9]{0,8})?")
LONGEST = 10_000
type Shares = tuple[tuple[date | None, Decimal], ...]


def read_notes(comment: str) -> dict[str, str]:
    """By their names; empty for a comment that somebody wrote."""
    if not comment.startswith("strata-"):
        return {}
    pairs = (part.partition(": ") for part in comment[:LONGEST].split(" | "))
    return {name: text for name, _, text in pairs}


def read_unit(text: str) -> str:
    """What one unit of a quoted price is in the currency; "1" for what is no ratio."""
    return text if _UNIT.fullmatch(text) else "1"


def read_own_day(text: str) -> date | None:
    """A day as Strata writes it; None for what is none."""
    day = read_day(text, None) if _DAY.fullmatch(text) else None
    return day.on if day else None


def read_shares(text: str) -> Shares:
    """The household's share of an asset by day: "0.5, 2025-01-01: 1". Nothing where a part of it cannot be read."""
    shares: list[tuple[date | None, Decimal]] = []
    for written in text[:LONGEST].split(", ") if text else ():
        match = _SHARE.fullmatch(written)
        day = read_day(match[1], None) if match and match[1] else None
        if match is None or (match[1] and day is None):
            return ()
        shares.append((day.on if day else None, Decimal(match[2])))
    return tuple(shares)
