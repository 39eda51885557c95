"""Values that each type of field must refuse, and bodies that every route must refuse."""

from __future__ import annotations

import re

from tests.all_routes import ABSENT, Field

MEGABYTE = "x" * 1_000_000
NUL, OVERRIDE = "\x00", "\u202egnirts"

BAD_FOR_ALL = (True, {}, {"a": 1}, [[]], [{}], NUL, f"a{NUL}b", OVERRIDE, MEGABYTE)
BAD_TEXTS = (0, -1, 10**30, 1.5, [], ["x"])
BAD_NUMBERS = (
    "",
    " ",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "1e999999",
    "9" * 5000,
    "٣",
    "１",
    "0x10",
    "1_0",
    "=1+1",
    10**30,
    [],
)
BAD_IDS = (
    0,
    1,
    "1",
    "x",
    "",
    " ",
    "null",
    f"{{{ABSENT}}}",
    f"urn:uuid:{ABSENT}",
    ABSENT.replace("-", ""),
    f" {ABSENT}",
    [],
)
BAD_DAYS = (
    "",
    "x",
    "0001-01-01",
    "9999-12-31",
    "1799-12-31",
    "2024-02-30",
    "2024-1-1",
    "٢٠٢٤-01-01",
    "20240101",
    20240101,
    [],
)
BAD_INSTANTS = (
    "",
    "x",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2024-02-30T00:00:00Z",
    "2024-01-01T25:00:00Z",
    "2024-01-01T00:00:00+99:00",
    0,
    [],
)
BAD_CURRENCIES = (
    "XXX",
    "ZZZ",
    "GBp",
    "ZAc",
    "gBP",
    "Eur",
    "GBX",
    "zac",
    "ILA",
    "EURO",
    "€",
    "EU",
    "E R",
    "",
    " ",
)
BAD_INTEGERS = (1.5, "1", "", -1, 2**31, 10**30, [], "NaN")
# A field may take or refuse these; reading must work afterwards.
ODD_VALUES = (
    None,
    "",
    " ",
    "  x  ",
    "x",
    "=1+1",
    "+49",
    "NaN",
    "٣",
    "2026-01-31",
    "2026-01-31T00:00:00+14:00",
    ABSENT,
    "XXX",
    "0",
    "-1",
    0,
    [],
    [ABSENT],
)
# Invalid or oversized JSON: refused by every route that reads a body.
BAD_BODIES = {
    "null": b"null",
    "array": b"[]",
    "number": b"7",
    "text": b'"x"',
    "open": b"{",
    "trailing": b"{} x",
    "comment": b"{/* */}",
    "not utf-8": b'{"name": "\xff"}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "twice": b'{"name": "a", "name": "b"}',
    "deep arrays": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "1e400": b'{"x": 1e400}',
    "1e999999": b'{"x": 1e999999}',
    "5,000 digits": b'{"x": ' + b"9" * 5000 + b"}",
    "lone surrogate": b'{"name": "\\ud800"}',
    "NUL": b'{"name": "\x00"}',
    "unknown field": b'{"no such field": 1}',
    "unknown odd field": b'{"\\u0000": 1}',
}
BAD_MEDIA_TYPES = (
    "application/xml",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "nonsense",
    "/",
)


def refused_values(field: Field) -> tuple:
    """The values that a field with this schema must refuse."""
    schema = field.schema
    if "array" in schema.get("type", ()):
        takes_names = field.name in ("categories", "tags")
        no_ids = () if takes_names else (["x"], [ABSENT + "0"])
        return (*BAD_FOR_ALL, 0, "x", "", [1], [None], *no_ids)
    if "integer" in schema.get("type", ()):  # a list of types if it may be null
        return (*BAD_FOR_ALL, *BAD_INTEGERS)
    if "boolean" in schema.get("type", ()):
        return (
            *(value for value in BAD_FOR_ALL if value is not True),
            *BAD_TEXTS,
            "",
            "true",
            "false",
            "x",
        )
    if "object" in schema.get("type", ()):  # an empty one changes nothing
        return (*(value for value in BAD_FOR_ALL if value != {}), *BAD_TEXTS, "", "x")
    by_format = {
        "decimal": BAD_NUMBERS,
        "uuid": BAD_IDS,
        "date": BAD_DAYS,
        "date-time": BAD_INSTANTS,
    }
    if schema.get("format") in by_format:
        return (*BAD_FOR_ALL, *by_format[schema["format"]])
    if schema.get("enum"):
        return (*BAD_FOR_ALL, *BAD_TEXTS, "x", " ", "=1+1")
    if "currency" in field.name:
        return (*BAD_FOR_ALL, *BAD_TEXTS, *BAD_CURRENCIES)
    is_secret, is_note = "password" in field.name, schema.get("maxLength") == 10_000
    may_be_blank = "oneOf" in schema or re.match(schema.get("pattern", " "), "")
    blank = () if is_secret or is_note or may_be_blank else ("", " ", "\u200b")
    return (
        *(value for value in BAD_FOR_ALL if not (is_secret and value == OVERRIDE)),
        *BAD_TEXTS,
        *blank,
    )
