"""JSON in an archive: whole numbers alone, and no text that a database or an answer cannot have."""

from __future__ import annotations

import json
from typing import Any, NoReturn

DEEPEST = 20  # levels of lists and objects
MOST_VALUES = 1_000_000  # each takes up to 70 bytes of memory, and three of the text


def read_json(text: str) -> Any:
    """Raises ValueError or RecursionError."""
    if text.count(",") > MOST_VALUES:
        raise ValueError("it has too many values")
    value = decoded(text)
    if "\\u" in text:
        check_texts(value)
    return value


def refused_number(text: str) -> NoReturn:
    raise ValueError(text)


decoded = json.JSONDecoder(parse_constant=refused_number, parse_float=refused_number).decode


def check_texts(value: Any, depth: int = 0) -> None:
    """Raises ValueError where a text has what no database stores: a zero byte, or half of a surrogate pair."""
    if depth > DEEPEST:
        raise ValueError(depth)
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise ValueError(value)
    elif isinstance(value, list):
        for item in value:
            check_texts(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_texts(key, depth + 1)
            check_texts(item, depth + 1)
