"""What each kind of field, and every body, must refuse."""

from __future__ import annotations

from tests.all_routes import ABSENT, Field

MEGABYTE = "x" * 1_000_000
NUL, OVERRIDE = "\x00", "\u202egnirts"

NO_FIELD_TAKES = (True, {}, {"a": 1}, [[]], [{}], NUL, f"a{NUL}b", OVERRIDE, MEGABYTE)
NO_TEXT_TAKES = (0, -1, 10**30, 1.5, [], ["x"])
NO_NUMBER_TAKES = (
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
NO_ID_TAKES = (
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
NO_DAY_TAKES = (
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
NO_INSTANT_TAKES = (
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
NO_CURRENCY_IS = (
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
NO_WHOLE_NUMBER_IS = (1.5, "1", "", -1, 2**31, 10**30, [], "NaN")
ANY = (
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
# What says that it is no JSON of ours, or too much of it: never taken, wherever a body is read.
NO_BODY = {
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
NO_MEDIA_TYPE = (
    "application/xml",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "nonsense",
    "/",
)


def refused_values(field: Field) -> tuple:
    schema = field.schema
    if "array" in schema.get("type", ()):
        return (*NO_FIELD_TAKES, 0, "x", "", ["x"], [1], [None], [ABSENT + "0"])
    if "integer" in schema.get("type", ()):  # a list of types, where it may be null
        return (*NO_FIELD_TAKES, *NO_WHOLE_NUMBER_IS)
    if schema.get("type") == "boolean":
        return (
            *(value for value in NO_FIELD_TAKES if value is not True),
            *NO_TEXT_TAKES,
            "",
            "true",
            "false",
            "x",
        )
    by_format = {
        "decimal": NO_NUMBER_TAKES,
        "uuid": NO_ID_TAKES,
        "date": NO_DAY_TAKES,
        "date-time": NO_INSTANT_TAKES,
    }
    if schema.get("format") in by_format:
        return (*NO_FIELD_TAKES, *by_format[schema["format"]])
    if schema.get("enum"):
        return (*NO_FIELD_TAKES, *NO_TEXT_TAKES, "x", " ", "=1+1")
    if "currency" in field.name:
        return (*NO_FIELD_TAKES, *NO_TEXT_TAKES, *NO_CURRENCY_IS)
    is_secret, is_note = "password" in field.name, schema.get("maxLength") == 10_000
    blank = () if is_secret or is_note or "oneOf" in schema else ("", " ", "\u200b")
    return (
        *(value for value in NO_FIELD_TAKES if not (is_secret and value == OVERRIDE)),
        *NO_TEXT_TAKES,
        *blank,
    )
