"""Reads the values of a line: each is checked as a write of an editor would be, and becomes what the database stores.

The functions are made once for each column, because an archive may have millions of values.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, models

from archives.rows.contents import Column, Kind
from archives.rows.documents import require_records
from archives.rows.ids import Ids
from archives.rows.json_texts import read_json
from imports.models import Import, ImportBlock
from imports.services.blocks import LEVEL
from strata.fields.base import ValidatedField
from strata.fields.dates import parse_day, validate_instant, validate_year
from strata.fields.numbers import MONEY_PLACES, exact, plain

type Load = Callable[[Any], Any]
type LoadColumn = Callable[[list[Any]], list[Any]]
type UserIds = Callable[[str], UUID | None]

_MONEY = re.compile(r"-?[0-9]{1,14}\.[0-9]{4}")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_HEXADECIMAL = re.compile(r"([0-9a-f]{2})*")
MOST_UNPACKED = 32 * 2**20  # bytes of a block of an import
KEPT = 4096  # checked texts that are remembered for each column
LONGEST_KEPT = 150  # such as names of users


class ForeignRow(ValueError):
    """The row that a column refers to is not in the archive."""


# --- the same for rows and images: a text becomes a value of Python ---


def parsed(kind: Kind, value: Any) -> Any:
    """Raises ValueError or ValidationError where the value is not written as an archive has it."""
    return value if value is None else PARSED[kind](value)


def text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("a text is expected")
    return value


def parsed_day(value: Any) -> Any:
    day = parse_day(text(value))
    validate_year(day)
    return day


def parsed_instant(value: Any) -> datetime:
    if not _INSTANT.fullmatch(text(value)):
        raise ValueError("not an instant such as 2026-01-31T12:00:00.000000Z")
    instant = datetime.fromisoformat(value)
    validate_instant(instant)
    return instant


def parsed_money(value: Any) -> Decimal:
    if not _MONEY.fullmatch(text(value)):
        raise ValueError("not an amount with four decimal places")
    return Decimal(value)


def parsed_integer(value: Any) -> int:
    if not _INTEGER.fullmatch(text(value)):
        raise ValueError("not a whole number")
    return int(value)


def parsed_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("neither true nor false")
    return value


def parsed_binary(value: Any) -> bytes:
    if not _HEXADECIMAL.fullmatch(text(value)):
        raise ValueError("not hexadecimal")
    return bytes.fromhex(value)


PARSED: dict[Kind, Callable[[Any], Any]] = {
    Kind.ID: lambda value: UUID(text(value)),
    Kind.USER: text,
    Kind.DAY: parsed_day,
    Kind.INSTANT: parsed_instant,
    Kind.MONEY: parsed_money,
    Kind.EXACT: lambda value: exact(text(value)),
    Kind.INTEGER: parsed_integer,
    Kind.BOOLEAN: parsed_boolean,
    Kind.JSON: lambda value: value,
    Kind.BINARY: parsed_binary,
    Kind.TEXT: text,
}


# --- for rows: as the columns of the table are written ---


def loader(column: Column, ids: Ids, users: UserIds) -> Load:
    """The function that checks a value of the column, and makes what `insert_rows` takes."""
    load = {
        Kind.ID: lambda: reference(column, ids),
        Kind.USER: lambda: user_link(users),
        Kind.TEXT: lambda: text_loader(column.field, ids),
        Kind.JSON: lambda: json_loader(column, ids),
        Kind.BINARY: lambda: binary_loader(column, ids),
    }.get(column.kind, lambda: plain_loader(column))()
    if not column.field.null:
        return load  # which refuses null as it refuses any other type
    return lambda value: None if value is None else load(value)


def column_loader(column: Column, ids: Ids, users: UserIds) -> LoadColumn:
    """The same of the values of many rows. Which one is refused is for the caller to find."""
    load = loader(column, ids, users)
    load_all: LoadColumn = lambda values: list(map(load, values))  # noqa: E731
    if column.kind is Kind.ID and column.refers_to is None and column.field.primary_key:
        load_all = ids.of_rows
    elif column.kind is Kind.ID and column.refers_to is not None and column.is_checked:
        load_all = partial(references_in, ids.known.setdefault(column.refers_to, {}))
    elif column.kind is Kind.MONEY:
        load_all = units_of_all
    if not column.field.null:
        return load_all
    return lambda values: values if values.count(None) == len(values) else list(map(load, values))


def references_in(known: dict[str, str], values: list[Any]) -> list[str]:
    stored = list(map(known.get, values))
    if None in stored:
        raise ForeignRow
    return stored  # type: ignore[return-value]  # see above


def units_of_all(values: list[Any]) -> list[int]:
    if not all(map(_MONEY.fullmatch, values)):
        raise ValueError("not amounts with four decimal places")
    return [int(value[:-5] + value[-MONEY_PLACES:]) for value in values]


def plain_loader(column: Column) -> Load:
    field = column.field
    if column.kind is Kind.DAY:
        return lru_cache(KEPT)(lambda value: parsed_day(value).isoformat())
    if column.kind is Kind.INSTANT:
        return lru_cache(KEPT)(sqlite_instant if connection.vendor == "sqlite" else postgresql_instant)
    if column.kind is Kind.MONEY:
        return money_units
    if column.kind is Kind.EXACT:
        return lambda value: plain(field.check_value(text(value)))
    if column.kind is Kind.INTEGER:
        return lambda value: checked(field, parsed_integer(value))
    return PARSED[column.kind]


def checked(field: models.Field[Any, Any], value: Any) -> Any:
    field.run_validators(value)
    field.validate(value, None)
    return value


def money_units(value: Any) -> int:
    if not _MONEY.fullmatch(text(value)):
        raise ValueError("not an amount with four decimal places")
    return int(value[:-5] + value[-MONEY_PLACES:])


def sqlite_instant(value: Any) -> str:
    parsed_instant(value)
    fraction = "" if value[19:26] == ".000000" else value[19:26]
    return f"{value[:10]} {value[11:19]}{fraction}"


def postgresql_instant(value: Any) -> str:
    parsed_instant(value)
    return str(value)


def reference(column: Column, ids: Ids) -> Load:
    if column.refers_to is None:
        turned = ids.of_row if column.field.primary_key else ids.loose
        return lambda value: turned(text(value))
    known: dict[str, str] = ids.known.setdefault(column.refers_to, {})

    def load(value: Any) -> str:
        stored = known.get(text(value))
        if stored is None:
            if column.is_checked:
                raise ForeignRow(column.name)
            return ids.loose(value)
        return stored

    return load


def user_link(users: UserIds) -> Load:
    def load(value: Any) -> str | None:
        user_id = users(text(value))
        return None if user_id is None else user_id.hex

    return load


def text_loader(field: Any, ids: Ids) -> Load:
    check = field.check_value if isinstance(field, ValidatedField) else lambda value: field.clean(value, None)

    def load(value: Any) -> str:
        if text(value) == "":
            if not may_be_blank:
                raise ValueError("it is blank")
            return ""
        checked_text: str = check(ids.in_text(value))
        return checked_text

    may_be_blank = field.blank or not (field.choices or isinstance(field, ValidatedField))
    is_short = field.choices or (field.max_length or KEPT) <= LONGEST_KEPT
    return lru_cache(KEPT)(load) if is_short else load


def json_loader(column: Column, ids: Ids) -> Load:
    def load(value: Any) -> str:
        if value is None:
            raise ValueError("null is not allowed")
        return json.dumps(ids.in_document(value))

    def load_of_import(value: Any) -> str:
        """An import deletes and changes the rows that its documents name."""
        if value is None:
            raise ValueError("null is not allowed")
        return ids.all_in_text(json.dumps(value))

    return load_of_import if column.field.model is Import else load


def binary_loader(column: Column, ids: Ids) -> Load:
    """The rows of an import's preview name those that it has made, and their assets.

    They are written again: in a JSON text an id may be escaped, so that it would not be seen in it.
    """
    if column.field.model is not ImportBlock or column.name != "rows":
        return parsed_binary

    def load(value: Any) -> bytes:
        records = read_json(unpacked(value).decode())
        require_records(records)
        return zlib.compress(ids.all_in_text(json.dumps(records, separators=(",", ":"))).encode(), LEVEL)

    return load


def unpacked(value: Any) -> bytes:
    """The bytes of a compressed value, no more than a block has."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(parsed_binary(value), MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not unpacker.eof:
        raise ValueError("it is cut off, or too large")
    return data


def explained(error: Exception) -> str:
    """Why a value is refused, in one sentence."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return str(error) or type(error).__name__
