"""What the notes of other programs' formats have in Strata's own exports: "strata-shares: 0.5 | strata-splits: ..."."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from imports.formats.rows import Details
from imports.reading.days import read_day

_SHARE = re.compile(r"(?:([0-9]{4}-[0-9]{2}-[0-9]{2}): )?([01](?:\.[0-9]{1,6})?)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNIT = re.compile(r"[1-9][0-9]{0,8}(?:/[1-9][0-9]{0,8})?")
LONGEST = 10_000
type Shares = tuple[tuple[date | None, Decimal], ...]


def read_notes(comment: str) -> dict[str, str]:
    """By their names; empty for a comment that somebody wrote. What a person wrote comes last and may be anything."""
    if not comment.startswith("strata-"):
        return {}
    ours, separator, note = comment.partition("strata-note: ")
    pairs = (part.partition(": ") for part in ours[:LONGEST].split(" | ") if part)
    return {name: text for name, _, text in pairs} | ({"strata-note": note} if separator else {})


def read_note(comment: str) -> str:
    """What a person wrote of a booking."""
    notes = read_notes(comment)
    return notes.get("strata-note", "") if notes.keys() & {"strata-note", "strata-transfer"} else comment


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


def details_in(notes: Mapping[str, str]) -> Details:
    """What they say of an asset."""
    shares = read_shares(notes.get("strata-shares", ""))
    return Details(shares=shares, disposed_on=read_own_day(notes.get("strata-disposed", "")))
