"""Rows in the binary form of PostgreSQL's COPY, for columns of these types alone.

Of tables with bytes the server reads it in half the CPU of the text form, in which each byte is two digits, and the
client writes it in a third. The form is described in PostgreSQL's manual, at COPY ("Binary Format").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import batched
from struct import Struct
from typing import Any

from django.db import models

BEGINNING = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"  # a length of -1
FIRST_DAY = date(2000, 1, 1).toordinal()
WRITTEN_AT_ONCE = 1_000  # rows

_length = Struct(">i").pack
_count = Struct(">h").pack
_int = Struct(">ii").pack
_bigint = Struct(">iq").pack


@lru_cache(4096)  # many rows are of one asset
def _uuid(digits: str) -> bytes:
    return _length(16) + bytes.fromhex(digits)


@lru_cache(4096)
def _date(day: str) -> bytes:
    return _int(4, date.fromisoformat(day).toordinal() - FIRST_DAY)


def _bytea(value: bytes | bytearray | memoryview) -> bytes:
    return _length(len(value)) + value


# By the type of the column: the length and the value, from what `insert_rows` takes.
FORMS: dict[str, Callable[[Any], bytes]] = {
    "uuid": _uuid,
    "date": _date,
    "integer": lambda value: _int(4, value),
    "bigint": lambda value: _bigint(8, value),
    "bytea": _bytea,
}


def forms_of(
    fields: Iterable[models.Field[Any, Any]], connection: Any
) -> list[Callable[[Any], bytes]] | None:
    """How each column is written; None if one has another type, or none of them is bytes."""
    types = [str(field.db_type(connection)) for field in fields]
    if "bytea" not in types or not FORMS.keys() >= set(types):
        return None
    return [FORMS[name] for name in types]


def blocks(rows: Iterable[Sequence[Any]], forms: Sequence[Callable[[Any], bytes]]) -> Iterator[bytes]:
    count = _count(len(forms))
    yield BEGINNING
    for batch in batched(rows, WRITTEN_AT_ONCE):
        parts = []
        for row in batch:
            parts.append(count)
            parts += [NULL if value is None else form(value) for form, value in zip(forms, row, strict=True)]
        yield b"".join(parts)
    yield END
