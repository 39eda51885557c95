"""The images in the journal: as the databases store them, which differs, and as an archive has them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.utils.dateparse import parse_datetime

from archives.rows.contents import Column, Kind, columns_of
from strata.fields.numbers import MONEY_PLACES, plain

KEPT = 4096  # instants whose texts are remembered
ID_DIGITS = 32

type Image = Mapping[str, Any]
type UserNames = Callable[[UUID], str | None]


@cache
def columns_by_attname(model: type[models.Model]) -> dict[str, Column]:
    return {column.attname: column for column in columns_of(model)}


# --- from the journal to the archive ---


def archived_image(model: type[models.Model], image: Image, names: UserNames) -> dict[str, Any]:
    """The image with values as Kind says. Columns that the model no longer has are as they were."""
    columns, archived = columns_by_attname(model), {}
    for attname, value in image.items():
        column = columns.get(attname)
        if column is None:
            archived[attname] = value
        elif column.kind is Kind.USER:
            archived[column.name] = names(UUID(value)) if value else None
        else:
            archived[attname] = archived_value(column.kind, value)
    return archived


def archived_value(kind: Kind, stored: Any) -> Any:
    write = WRITTEN.get(kind)
    return stored if stored is None or write is None else write(stored)


@lru_cache(KEPT)
def instant_text(stored: str) -> str:
    instant = parse_datetime(stored)
    if instant is None:
        raise ValueError(stored)
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def money_from_units(stored: Any) -> str:
    whole, rest = divmod(abs(units := int(stored)), 10**MONEY_PLACES)
    return f"{'-' if units < 0 else ''}{whole}.{rest:0{MONEY_PLACES}}"


def id_text(stored: str) -> str:
    """PostgreSQL writes hyphens, and SQLite has none."""
    if len(stored) != ID_DIGITS:
        return str(UUID(stored))
    return f"{stored[:8]}-{stored[8:12]}-{stored[12:16]}-{stored[16:20]}-{stored[20:]}"


WRITTEN: dict[Kind, Callable[[Any], Any]] = {
    Kind.ID: id_text,
    Kind.INSTANT: instant_text,
    Kind.MONEY: money_from_units,
    Kind.EXACT: lambda stored: plain(Decimal(stored)),
    Kind.INTEGER: str,
    Kind.BOOLEAN: bool,
    Kind.JSON: lambda stored: json.loads(stored) if isinstance(stored, str) else stored,
}


# --- from the archive to the journal ---


def stored_image_value(kind: Kind, value: Any) -> Any:
    """The value as this database makes it in an image. `value` is as `archives.rows.values` has checked it."""
    read = STORED[connection.vendor].get(kind)
    return value if value is None or read is None else read(value)


def sqlite_instant(instant: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(instant))


def postgresql_instant(instant: datetime) -> str:
    """PostgreSQL leaves out the zeros at the end of a fraction."""
    text = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}+00:00"


STORED: dict[str, dict[Kind, Callable[[Any], Any]]] = {
    "sqlite": {
        Kind.ID: lambda value: value.hex,
        Kind.DAY: lambda value: value.isoformat(),
        Kind.INSTANT: sqlite_instant,
        Kind.MONEY: lambda value: int(value.scaleb(MONEY_PLACES)),
        Kind.EXACT: plain,
        Kind.BOOLEAN: int,
        Kind.JSON: lambda value: json.dumps(value),
    },
    "postgresql": {
        Kind.ID: str,
        Kind.DAY: lambda value: value.isoformat(),
        Kind.INSTANT: postgresql_instant,
        Kind.MONEY: lambda value: int(value.scaleb(MONEY_PLACES)),
        Kind.EXACT: plain,
    },
}
