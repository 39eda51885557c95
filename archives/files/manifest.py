"""The manifest of an archive: what it is, and the rows, bytes and SHA-256 of each of its members."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from archives.files import refusals

FORMAT, VERSION = "strata-archive", 1
NAME = "manifest.json"
MOST_BYTES = 4 * 2**20
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Member(NamedTuple):
    name: str
    rows: int
    size: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "rows": self.rows, "bytes": self.size, "sha256": self.sha256}


class Manifest(NamedTuple):
    """`as_of` is the instant of what was read, in UTC."""

    strata: str
    created_at: str
    as_of: str
    household_id: UUID
    household_name: str
    members: Mapping[str, Member]

    @property
    def instant(self) -> datetime:
        """`as_of`; the last instant of all where somebody has removed it."""
        try:
            return datetime.fromisoformat(self.as_of).astimezone(UTC)
        except (ValueError, OverflowError):
            return datetime.max.replace(tzinfo=UTC)

    @property
    def rows(self) -> int:
        return sum(member.rows for member in self.members.values())

    def encoded(self) -> bytes:
        document = {
            "format": FORMAT,
            "version": VERSION,
            "strata": self.strata,
            "created_at": self.created_at,
            "as_of": self.as_of,
            "household": {"id": str(self.household_id), "name": self.household_name},
            "members": [member.as_json() for member in self.members.values()],
        }
        return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def decoded(data: bytes) -> Manifest:
    """The manifest in these bytes. Raises Refused."""
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise refusals.no_manifest() from None
    version = document.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise refusals.unknown_version()
    try:
        household = document["household"]
        return Manifest(
            text_of(document.get("strata", "")),
            text_of(document.get("created_at", "")),
            text_of(document.get("as_of", "")),
            UUID(text_of(household["id"])),
            text_of(household["name"]),
            members_of(document["members"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise refusals.no_manifest() from None


def members_of(entries: Any) -> dict[str, Member]:
    members: dict[str, Member] = {}
    for entry in entries:
        member = Member(text_of(entry["name"]), entry["rows"], entry["bytes"], entry["sha256"])
        if type(member.rows) is not int or type(member.size) is not int or min(member.rows, member.size) < 0:
            raise ValueError
        if not _SHA256.fullmatch(member.sha256):
            raise ValueError
        if member.name in members:
            raise refusals.bad_name(member.name)
        members[member.name] = member
    return members


def text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    value.encode()  # no half of a surrogate pair
    return value
