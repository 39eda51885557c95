"""Makes archives for tests, takes them apart, and puts them together again with changes."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from itertools import zip_longest
from typing import Any
from uuid import UUID

from archives.files import manifest
from archives.rows.contents import RATES, SHARED
from archives.rows.ids import ID
from archives.services.restoring import Request, Restored, restore
from archives.services.writing import write_archive

Members = dict[str, list[dict[str, Any]]]


def archive_of(household) -> bytes:
    file = io.BytesIO()
    write_archive(household.pk, file)
    return file.getvalue()


def contents(data: bytes) -> Members:
    """The rows of each member of an archive, without empty members."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        rows = {
            name: [json.loads(line) for line in archive.read(name).splitlines()]
            for name in archive.namelist()
            if name != manifest.NAME
        }
    return {name: lines for name, lines in rows.items() if lines}


def manifest_of(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return json.loads(archive.read(manifest.NAME))


def restored(data: bytes, owner=None, **values) -> Restored:
    values.setdefault("is_operator", True)
    values.setdefault("adds_rates", values["is_operator"])
    return restore(io.BytesIO(data), Request(owner=owner, **values))


def packed(members: dict[str, bytes], document: dict[str, Any] | None = None, **changes) -> bytes:
    """An archive with these members, and a manifest with the right sums unless `document` is another one."""
    entries = [
        {
            "name": name,
            "rows": data.count(b"\n"),
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for name, data in members.items()
    ]
    return zipped(members, {**(document or {}), "members": entries, **changes})


def zipped(members: dict[str, bytes], document: dict[str, Any]) -> bytes:
    """An archive with these members, and this manifest."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr(manifest.NAME, json.dumps(document))
    return file.getvalue()


def changed(data: bytes, change, **of_manifest) -> bytes:
    """The archive with what `change` does to its rows, and sums that are right again: as a forger makes them."""
    rows = contents(data)
    change(rows)
    members = {
        name: "".join(f"{json.dumps(row, sort_keys=True)}\n" for row in lines).encode()
        for name, lines in rows.items()
    }
    return packed(members, manifest_of(data), **of_manifest)


def with_old_ids(members: Members, mask: int, original: Members) -> Members:
    """The members of a copy whose ids are again those of the original. Shared rows have the same in both."""
    own = set(ID.findall(json.dumps([original[name] for name in original if name not in (SHARED, RATES)])))

    def old(match) -> str:
        text = str(UUID(int=UUID(match[0]).int ^ mask))
        return text if text in own else match[0]

    return {
        name: [json.loads(ID.sub(old, json.dumps(row))) for row in rows] for name, rows in members.items()
    }


def differences(first: Members, second: Members) -> list[Any]:
    """The rows that only one of two archives has, or that differ; a few of them."""
    differing: list[Any] = []
    for name in sorted({*first, *second}):
        pairs = zip_longest(first.get(name, []), second.get(name, []))
        differing += [(name, *pair) for pair in pairs if pair[0] != pair[1]]
    return differing[:3]
