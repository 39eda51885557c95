"""Parts of hand-written SQL: tables made of parameters, fetching of rows, and the conversion of values."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID, SafeUUID

from django.db import connection, transaction

ROWS_AT_A_TIME = 2000
LONG_ROWS_AT_A_TIME = 25  # each may have 60,000 characters, and every thread has its own
HALF = 10**8  # amounts are added up in two halves, so that sums of BIGINTs do not overflow

# Tables made of parameters.
IDS = {
    "sqlite": "SELECT value AS id FROM json_each(%s)",
    "postgresql": "SELECT unnest(%s::uuid[]) AS id",
}
ASSETS = {
    "sqlite": """SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS place,
        json_extract(value, '$[2]') AS gone FROM json_each(%s)""",
    "postgresql": "SELECT * FROM unnest(%s::uuid[], %s::int[], %s::date[]) AS asset(id, place, gone)",
}
CODES = {
    "sqlite": "SELECT value AS code FROM json_each(%s)",
    "postgresql": "SELECT unnest(%s::text[]) AS code",
}
SPANS = {
    "sqlite": """SELECT json_extract(value, '$[0]') AS asset_id, json_extract(value, '$[1]') AS first_on,
        json_extract(value, '$[2]') AS last_on FROM json_each(%s)""",
    "postgresql": "SELECT * FROM unnest(%s::uuid[], %s::date[], %s::date[]) AS span(asset_id, first_on, last_on)",
}
DAYS = {
    "sqlite": """SELECT key AS number, json_extract(value, '$[0]') AS eve, json_extract(value, '$[1]') AS on_day
        FROM json_each(%s)""",
    "postgresql": "SELECT * FROM unnest(%s::int[], %s::date[], %s::date[]) AS day(number, eve, on_day)",
}
# A day that is read thousands of times is text on SQLite: with the column's type Django would parse it each time.
DAY = {"sqlite": "({} || '')", "postgresql": "{}"}


def fetch_rows(sql: str, params: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        yield from _in_parts(cursor, sql, params, ROWS_AT_A_TIME)


def fetch_long_rows(sql: str, params: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Fetch a few rows at a time, because each is long: without this PostgreSQL's client would fetch all at once.

    A server-side cursor needs a transaction. Where the caller has none, one is open until the last row is read. So
    read all rows before a transaction begins, or all inside of it.
    """
    open_meanwhile = connection.vendor == "postgresql" and connection.get_autocommit()
    with transaction.atomic() if open_meanwhile else nullcontext(), connection.chunked_cursor() as cursor:
        yield from _in_parts(cursor, sql, params, LONG_ROWS_AT_A_TIME)


def _in_parts(cursor: Any, sql: str, params: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    cursor.execute(sql, params)
    while rows := cursor.fetchmany(size):
        yield from rows


def id_param(pk: UUID) -> Any:
    return pk if connection.vendor == "postgresql" else pk.hex


def ids_param(ids: Collection[UUID]) -> str:
    digits = [pk.hex for pk in ids]
    return array_text(digits) if connection.vendor == "postgresql" else json.dumps(digits)


def dates_param(dates: Collection[date]) -> str:
    return array_text(dates) if connection.vendor == "postgresql" else json.dumps([*map(str, dates)])


def place_params(places: Sequence[tuple[UUID, int, date | None]]) -> list[Any]:
    if connection.vendor == "postgresql":
        rows = ((pk.hex, place, gone or "NULL") for pk, place, gone in places)
        return [array_text(column) for column in zip(*rows, strict=True)] or ["{}"] * 3
    return [json.dumps([(pk.hex, place, gone and gone.isoformat()) for pk, place, gone in places])]


def array_text(values: Iterable[Any]) -> str:
    """An array in PostgreSQL's text form: to adapt a list of thousands of values is slower than the query itself.

    Of numbers, days, ids and NULL alone; any_array_text takes other values too.
    """
    return f"{{{','.join(map(str, values))}}}"


def any_array_text(values: Iterable[Any]) -> str:
    """The same of any values that are stored as a number, as text or as bytes, and of None."""
    return array_text([ELEMENTS.get(type(value), _quoted)(value) for value in values])


def _quoted(value: Any) -> str:
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _bytes(value: bytes | bytearray | memoryview) -> str:
    return f'"\\\\x{value.hex()}"'


# How a value is written in an array, by its type; any other as text.
ELEMENTS: dict[type, Callable[[Any], str]] = {
    int: str,
    type(None): lambda _: "NULL",
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
}


def asset_span_params(spans: Sequence[tuple[UUID, *tuple[date, ...]]]) -> list[Any]:
    """The parameters of SPANS: an asset and two days in each row. Of a table with more days, these."""
    if connection.vendor == "postgresql":
        ids, *days = zip(*spans, strict=True) if spans else ((), (), ())
        return [array_text(pk.hex for pk in ids), *map(array_text, days)]
    return [json.dumps([(pk.hex, *(on.isoformat() for on in days)) for pk, *days in spans])]


def dated_amount_params(rows: Collection[tuple[UUID, date, int]]) -> list[Any]:
    """Three arrays on PostgreSQL, one JSON text on SQLite: an id, a day and an amount in each row."""
    if connection.vendor == "postgresql":
        ids, days, amounts = zip(*rows, strict=True)
        return [array_text(pk.hex for pk in ids), array_text(days), array_text(amounts)]
    return [json.dumps([(pk.hex, on.isoformat(), amount) for pk, on, amount in rows])]


def day_params(days: Sequence[date]) -> list[Any]:
    """The parameters of DAYS: each day with the day before it in the sequence."""
    return span_params(list(zip([date.min, *days[:-1]], days, strict=True)))


def span_params(spans: Sequence[tuple[date, date]]) -> list[Any]:
    if connection.vendor == "postgresql":
        columns = zip(*spans, strict=True) if spans else ((), ())
        return [array_text(range(len(spans))), *map(array_text, columns)]
    return [json.dumps([(since.isoformat(), until.isoformat()) for since, until in spans])]


class Days(dict[str | date, date]):
    """Dates by their stored form, each parsed only once: a million values have few different days."""

    def __missing__(self, stored: str | date) -> date:
        self[stored] = day = stored if isinstance(stored, date) else date.fromisoformat(stored)
        return day


@lru_cache(maxsize=4096)  # a request reads the ids of the same hundreds of rows in many queries
def parse_id(stored: str | UUID) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(stored)


# The slots of a UUID, which its class sets once and then protects.
_set_number, _set_safety = (vars(UUID)[name].__set__ for name in ("int", "is_safe"))


def id_of_hex(digits: str) -> UUID:
    """UUID(digits) of 32 digits, in a third of the time: for ids that come once, of thousands of rows."""
    new_id = UUID.__new__(UUID)
    _set_number(new_id, int(digits, 16))
    _set_safety(new_id, SafeUUID.unknown)
    return new_id


def join_halves(high: int, low: int) -> int:
    """An amount from its two halves."""
    return high * HALF + low


def split_halves(amount: int) -> tuple[int, int]:
    """The high and the low half of an amount, both with its sign, as SQL divides."""
    high, low = divmod(abs(amount), HALF)
    return (high, low) if amount >= 0 else (-high, -low)
