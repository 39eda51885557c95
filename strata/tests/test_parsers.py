"""The JSON parser: numbers are exact, and each kind of broken body gets a clear 400, quickly."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from strata.api.http.parsers import DEEPEST, StrictJSONParser, TooLarge

pytestmark = pytest.mark.on_sqlite


def parse(body: str | bytes, media_type: str = "application/json"):
    raw = body.encode() if isinstance(body, str) else body
    return StrictJSONParser().parse(BytesIO(raw), media_type, {})


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_an_object_is_read():
    body = '{"name": "Flat \\u00e9 \\ud83e\\ude91", "tags": [], "a": {"b": null, "c": true}}'
    assert parse(body) == {"name": "Flat é 🪑", "tags": [], "a": {"b": None, "c": True}}


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf{}"])
def test_an_empty_body_is_an_empty_object(body):
    assert parse(body) == {}


@pytest.mark.parametrize(
    "digits",
    ["12345678901234567.89", "0.1", "1e3", "-1.50", "0.000000000000000001", "9007199254740993.01", "1E+20"],
)
def test_numbers_are_read_from_their_digits(digits):
    value = parse(f'{{"value": {digits}}}')["value"]
    assert type(value) is Decimal
    assert str(value) == str(Decimal(digits))


def test_whole_numbers_stay_whole():
    assert parse("[9007199254740993, -1, 0]") == [9007199254740993, -1, 0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"a": NaN}', "NaN"),
        ('{"a": Infinity}', "Infinity"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e1000}', "out of range"),
        ('{"a": 1e999999}', "out of range"),
        ('{"a": 1e-999999}', "out of range"),
        ('{"a": 1e99999999999999999999}', "out of range"),
        ('{"a": ' + "1" * 5000 + "}", "more than 64"),
        ('{"a": 0.' + "1" * 5000 + "}", "more than 64"),
        ('{"a": 1, "a": 2}', "twice"),
        ('[{"b": {"a": 1, "a": 1}}]', "twice"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ('[["\\ude91\\ud83e"]]', "surrogate"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        ('{"a": "b\nc"}', "not JSON"),
        (b"\r", "not JSON"),
        (b"  \r\n\t", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1,}', "not JSON"),
        ('{"a": 01}', "not JSON"),
        ('{"a": .5}', "not JSON"),
        ('{"a": +5}', "not JSON"),
        ('{"a": ٣}', "not JSON"),
        ('{"a": 1} {}', "not JSON"),
        ('{"a": "unclosed', "not JSON"),
        ("{", "not JSON"),
        ("]", "not JSON"),
        ("{} // why", "not JSON"),
        (nested(DEEPEST + 1), "levels deep"),
        (nested(200_000), "levels deep"),
        ("[" * 200_000, "levels deep"),
        ('{"a":' * 200_000, "levels deep"),
        ('"' + "\\" * 200_001, "not JSON"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_broken_body_is_refused_with_its_reason(body, reason):
    with pytest.raises(ParseError, match=reason):
        parse(body)


def test_nesting_up_to_the_limit_is_read_and_brackets_in_strings_do_not_count():
    assert parse(nested(DEEPEST))
    assert parse(json.dumps({"a": "[" * 100 + '"{' * 100})) == {"a": "[" * 100 + '"{' * 100}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**60), 10**60) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_what_json_can_say_is_read_as_said(value):
    body = json.dumps({"value": value})
    assert parse(body) == {"value": value}


@given(st.binary(max_size=80))
def test_no_bytes_break_the_parser(body):
    with suppress(ParseError):
        parse(body)


def test_a_body_over_the_limit_is_too_large(settings):
    settings.MAX_BODY_BYTES = 10
    assert parse('{"a": 123}') == {"a": 123}
    with pytest.raises(TooLarge) as refusal:
        parse('{"a": 1234}')
    assert refusal.value.status_code == 413


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", '"ISO-8859-1"'])
def test_another_charset_is_refused(charset):
    with pytest.raises(UnsupportedMediaType):
        parse("{}", f"application/json; charset={charset}")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
def test_utf_8_may_be_said(charset):
    assert parse("{}", f"application/json; charset={charset}") == {}
