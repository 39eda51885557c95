"""The documents of an archive, such as those of imports: in the shape that Strata gives them, so that reading one never
fails.

A shape is a function that says whether a value has it. Ids are written in one form only: they are replaced where they
are found in the text, and what is written in another way would be left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from archives.rows.ids import ID
from assets.models import Transaction
from imports.models import Import
from imports.services.options import read_options
from imports.services.planning.known_rows import MARK, RANKED, STATED
from imports.services.planning.outcomes import OUTCOMES, ROW_TYPES
from imports.services.texts import QUESTIONS, REASONS, WARNINGS
from strata.fields.dates import parse_day

type Shape = Callable[[Any], bool]

_MONEY = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,4})?")
_EXACT = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,18})?")
KEPT = 4096  # days that are remembered
LAST_ORDINAL = date.max.toordinal()
LARGEST_RATIO = 2**31


# --- shapes of values ---


def text(value: Any) -> bool:
    return type(value) is str


def whole(value: Any) -> bool:
    return type(value) is int


def flag(value: Any) -> bool:
    return type(value) is bool


def nothing(value: Any) -> bool:
    return value is None


def anything(value: Any) -> bool:
    return True


def row_id(value: Any) -> bool:
    return type(value) is str and ID.fullmatch(value) is not None


@lru_cache(KEPT)
def is_day(value: str) -> bool:
    try:
        parse_day(value)
    except ValueError:
        return False
    return True


def day(value: Any) -> bool:
    return type(value) is str and is_day(value)


def money(value: Any) -> bool:
    return type(value) is str and _MONEY.fullmatch(value) is not None


def exact(value: Any) -> bool:
    return type(value) is str and _EXACT.fullmatch(value) is not None


def part_of_ratio(value: Any) -> bool:
    return type(value) is int and 0 < value < LARGEST_RATIO


def or_null(shape: Shape) -> Shape:
    return lambda value: value is None or shape(value)


def one_of(words: Collection[str]) -> Shape:
    known = frozenset(words)
    return lambda value: type(value) is str and value in known


def list_of(shape: Shape) -> Shape:
    return lambda value: type(value) is list and all(map(shape, value))


def tuple_of(*shapes: Shape) -> Shape:
    """A list with one item for each shape."""
    return lambda value: (
        type(value) is list
        and len(value) == len(shapes)
        and all(shape(item) for shape, item in zip(shapes, value, strict=True))
    )


def by_name(shape: Shape, names: Collection[str] = ()) -> Shape:
    """An object whose members all have the shape, and `names` if there are any."""
    known = frozenset(names)
    return lambda value: (
        type(value) is dict and (not known or known.issuperset(value)) and all(map(shape, value.values()))
    )


def members(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these members and no others."""
    shapes = {**required, **(optional or {})}

    def has_them(value: Any) -> bool:
        return (
            type(value) is dict
            and required.keys() <= value.keys() <= shapes.keys()
            and all(shapes[name](item) for name, item in value.items())
        )

    return has_them


# --- what a stored total leaves out ---

MISSING_RATES = list_of(members({"currency": text, "on": day, "amount": text}, {"amount_currency": text}))
MISSING_PRICES = list_of(
    members(
        {
            "asset": members({"id": text, "name": text}),
            "instrument": or_null(members({"id": text, "symbol": text})),
            "on": day,
            "last_on": or_null(day),
        }
    )
)


# --- what an import says of itself ---

KEPT_TYPES = (*ROW_TYPES, "category", "tag")
COUNTS = by_name(members(dict.fromkeys(OUTCOMES, whole)), ROW_TYPES)
NUMBERS = by_name(whole, ROW_TYPES)
ACCOUNT = members(
    {
        **dict.fromkeys(("key", "name", "currency", "asset_type"), text),
        **dict.fromkeys(("asset_id", "instrument_id"), or_null(row_id)),
        "rows": whole,
        **dict.fromkeys(("first_on", "last_on"), or_null(day)),
        "net": or_null(text),
        "new": nothing,
    }
)
EXAMPLE = members({"line": or_null(whole), "text": text})
QUESTION = members(
    {
        "code": one_of(QUESTIONS),
        "option": text,
        "required": flag,
        "choices": or_null(list_of(text)),
        "examples": list_of(EXAMPLE),
        "answer": anything,
    },
    {"account": or_null(text)},
)
DETECTED = {
    **dict.fromkeys(("encoding", "delimiter", "decimal", "date_order", "layout", "time_zone"), or_null(text)),
    "mapping_from": or_null(row_id),
    "others": or_null(list_of(text)),
}
SUMMARY = members(
    {
        "detected": lambda value: (
            type(value) is dict and all(shape(value.get(name)) for name, shape in DETECTED.items())
        ),
        "accounts": list_of(ACCOUNT),
        "counts": COUNTS,
        "questions": list_of(QUESTION),
        "warnings": list_of(tuple_of(one_of(WARNINGS), or_null(whole), or_null(text), text)),
        "refused": whole,
        "skipped": whole,
    },
    {
        "instruments": list_of(
            members({"key": text, "instrument_id": or_null(row_id), "values": by_name(anything)})
        ),
        "disposals": by_name(day),
    },
)
COMMITTED: dict[str, Shape] = {
    "made": NUMBERS,
    "updated": members({"value": whole, "transaction": whole}),
    "skipped": whole,
    "refused": whole,
    "made_assets": list_of(row_id),
}
UNDONE: dict[str, Shape] = {
    "removed": NUMBERS,
    "restored": members({"value": whole, "transaction": whole}),
    "kept": list_of(members({"row_type": one_of(KEPT_TYPES), "id": row_id, "name": text})),
}
RESULTS = {
    Import.Status.COMMITTED: members(COMMITTED, {"cancelled": list_of(tuple_of(text, text))}),
    Import.Status.UNDONE: members(COMMITTED | UNDONE, {"cancelled": list_of(tuple_of(text, text))}),
}
# Each with the instants that an import of the status has.
INSTANTS = {
    Import.Status.COMMITTED: ("committed_at",),
    Import.Status.UNDONE: ("committed_at", "undone_at"),
}


def require_import(row: Mapping[str, Any]) -> None:
    """Raises ValueError, or Invalid for options that nobody could send."""
    status = row["status"]
    if status not in RESULTS:
        raise ValueError("a preview is not archived")
    if read_options(row["options"]) != row["options"]:
        raise ValueError("options are not written as Strata writes them")
    if not SUMMARY(row["summary"]) or not all(map(is_readable_question, row["summary"]["questions"])):
        raise ValueError("it is no summary of an import")
    if not RESULTS[status](row["result"]):
        raise ValueError("it is no result of an import")
    if any(row[name] is None for name in INSTANTS[status]):
        raise ValueError("it has no instant of what was done")


def is_readable_question(question: Mapping[str, Any]) -> bool:
    """The examples of a sign are a day and a value, which the page shows in the user's format."""
    if question["code"] != "SIGN":
        return True
    parts = [example["text"].partition(": ") for example in question["examples"]]
    return all(day(on) and is_number(value) for on, _colon, value in parts)


def is_number(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


# --- the rows of its preview ---

BOOKING: dict[str, Shape] = {
    "type": one_of(Transaction.Type.values),
    "on": day,
    "amount": or_null(money),
    "currency": text,
    "note": text,
}
NUMBERS_OF_BOOKING: dict[str, Shape] = {"quantity": exact, "unit_price": exact, "fee": money, "tax": money}
ITEMS: dict[str, Shape] = {
    "asset": members(
        {
            "row_type": text,
            "id": or_null(row_id),
            **dict.fromkeys(("account", "name", "currency"), text),
            "before": nothing,
        }
    ),
    "value": members(
        {
            **dict.fromkeys(("row_type", "account", "currency"), text),
            "id": row_id,
            "on": day,
            "value": money,
            "before": or_null(members({"value": money, "note": text})),
        },
        {"note": text},
    ),
    "transaction": members(
        {
            **BOOKING,
            **dict.fromkeys(("row_type", "account", "source", "external_id"), text),
            "id": row_id,
            "before": or_null(members(BOOKING, NUMBERS_OF_BOOKING)),
        },
        NUMBERS_OF_BOOKING,
    ),
    "price": members(
        {
            **dict.fromkeys(("row_type", "instrument", "currency"), text),
            "id": nothing,
            "on": day,
            "price": exact,
            "before": or_null(members({"price": exact})),
        }
    ),
    "action": members(
        {
            **dict.fromkeys(("row_type", "instrument", "type"), text),
            "id": row_id,
            "on": day,
            "numerator": part_of_ratio,
            "denominator": part_of_ratio,
            "before": nothing,
        }
    ),
}


def item_shape(value: Any) -> bool:
    """One of what a row becomes."""
    shape = ITEMS.get(value["row_type"]) if type(value) is dict and text(value.get("row_type")) else None
    return shape is not None and shape(value)


RECORD = members(
    {
        "n": whole,
        "l": or_null(whole),
        "c": or_null(text),
        "s": or_null(text),
        "o": one_of(OUTCOMES),
        "t": or_null(one_of(ROW_TYPES)),
        "r": or_null(tuple_of(one_of(REASONS), or_null(text), text)),
        "f": or_null(by_name(or_null(text))),
        "b": list_of(item_shape),
    },
    {
        "h": list_of(tuple_of(text, day, exact)),
        "k": list_of(tuple_of(text, day, text)),
        "x": list_of(tuple_of(text, text)),
    },
)


def require_records(records: Any) -> None:
    if type(records) is not list:
        raise ValueError("rows is no list")
    for place, record in enumerate(records, start=1):
        if not RECORD(record):
            raise ValueError(f"row {place} of it is no row of an import")


# --- what it has written of an asset ---


def require_days(days: Any) -> None:
    if type(days) is not list or not all(whole(on) and 0 < on <= LAST_ORDINAL for on in days):
        raise ValueError("days is no list of days")


def require_references(references: Any) -> None:
    if type(references) is not list or not all(map(is_reference, references)):
        raise ValueError("references is no list of references")


def is_reference(value: Any) -> bool:
    if not text(value):
        return False
    if value.startswith(STATED):
        parts = value.split(MARK)
        return len(parts) == 3 and day(parts[1]) and exact(parts[2])
    if value.startswith(RANKED):
        parts = value.split(MARK)
        return len(parts) == 4 and day(parts[2])
    return True
