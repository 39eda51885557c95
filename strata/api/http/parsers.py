"""StrictJSONParser: JSON as in RFC 8259, in UTF-8, with exact numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from strata.api.http.body_limits import most_body_bytes

DEEPEST = 32
MOST_MEMBERS = (
    1000  # of one object: no resource has so many fields, and each unknown field is a separate error
)
LONGEST_NUMBER = 64
LARGEST_EXPONENT = 999

_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)")
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
# Possessive, so that an unclosed string full of backslashes takes no longer than any other.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class TooLarge(APIException):
    status_code = 413
    default_code = "TOO_LARGE"
    default_detail = "The body is larger than this server takes."


class MemberError(ParseError):
    """A member of the body cannot be read. `errors` names it, as those of an APIError do."""

    errors: list[dict[str, Any]]


class StrictJSONParser(BaseParser):
    """An empty body is {}; a byte order mark is accepted. Integers become int, other numbers Decimal."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        require_utf8(media_type or "")
        text = decoded(read_limited(stream, path_of(parser_context)))
        return read_json(text) if text else {}


def read_json(text: str) -> Any:
    """Raises ParseError for what is no JSON, too deep, or has what is no number or no text."""
    require_shallow(text)
    value = loaded(text)
    refuse_constants(value)
    if _SURROGATE_ESCAPE.search(text):
        refuse_lone_surrogates(value)
    return value


def require_utf8(media_type: str) -> None:
    charset = _CHARSET.search(media_type)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(media_type, "Send JSON in UTF-8.")


def path_of(parser_context: Mapping[str, Any] | None) -> str:
    request = (parser_context or {}).get("request")
    return "" if request is None else request.path_info


def read_limited(stream: IO[bytes], path: str) -> bytes:
    limit = most_body_bytes(path)
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise TooLarge()
    return body


def decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8 (byte {error.start}).") from None


def require_shallow(text: str) -> None:
    """Refuses deep nesting before Python's parser would raise a RecursionError."""
    depth = 0
    for bracket in re.findall(r"[\[{\]}]", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            raise ParseError(f"The body is nested more than {DEEPEST} levels deep.")


def loaded(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ParseError(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None


def read_integer(digits: str) -> int:
    require_short(digits)
    return int(digits)


def read_decimal(digits: str) -> Decimal:
    require_short(digits)
    exponent = _EXPONENT.search(digits)
    if exponent and abs(int(exponent[1])) > LARGEST_EXPONENT:
        raise ParseError("The body has a number that is out of range.")
    return Decimal(digits)


def require_short(digits: str) -> None:
    if len(digits) > LONGEST_NUMBER:
        raise ParseError(f"The body has a number of more than {LONGEST_NUMBER} characters.")


class Constant(str):
    """NaN, Infinity or -Infinity, until it is known which member has this value."""


CONSTANTS = {name: Constant(name) for name in ("NaN", "Infinity", "-Infinity")}


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_MEMBERS:
        raise ParseError(
            f"An object of the body has {len(pairs):,} members; more than {MOST_MEMBERS:,} are not taken."
        )
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise about(name, f"The body has the key {name[:40]!a} twice.")
        if type(value) is not str:  # most are text, and a batch has 300,000 of them
            refuse_constants(value, name)
        members[name] = value
    return members


def refuse_constants(value: Any, name: str | None = None) -> None:
    """`name` is the member with this value. Objects inside it were checked when they were read."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Constant):
            raise about(name, f"The body has {item}, which is not a number in JSON.")
        if isinstance(item, list):
            refuse_constants(item, name)


def refuse_lone_surrogates(value: Any, name: str | None = None) -> None:
    """`name` is the innermost member that contains this value."""
    if isinstance(value, str) and _SURROGATE.search(value):
        raise about(name, "The body has half of a surrogate pair, which is no character.")
    if isinstance(value, list):
        for item in value:
            refuse_lone_surrogates(item, name)
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_lone_surrogates(key)
            refuse_lone_surrogates(item, key)


def about(name: str | None, message: str) -> ParseError:
    """The error for a member of the body; or for the whole body where the name itself is not valid text."""
    error = MemberError(message)
    if name is not None and not _SURROGATE.search(name):
        error.errors = [{"field": name[:100], "code": "invalid", "message": message}]
    return error


_DECODER = json.JSONDecoder(
    parse_int=read_integer,
    parse_float=read_decimal,
    parse_constant=CONSTANTS.__getitem__,
    object_pairs_hook=unique_keys,
)
