"""Reads the answers of sources: JSON and CSV, with the places of day and price that the source's settings name. Pure.

A FeedRow is as the source sent it: rules of prices decide what is wrong with it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from urllib.parse import quote

PLACES = 18
LAST_PLACE = Decimal(1).scaleb(-PLACES)
LONGEST_NUMBER = 200  # characters: reckoning with millions of digits would take hours
EPOCHS_END = 10**15
MILLISECONDS_FROM = 10**11  # an epoch this large is in milliseconds: in seconds it would be the year 5138
_PLACE = re.compile(r"[0-9]{1,9}")
_DIGITS = Context(prec=80, rounding=ROUND_HALF_EVEN)


class BadAnswer(ValueError):
    """The answer is not what the settings of the source say. `of_symbol`: it can be read, but has no rows."""

    def __init__(self, reason: str, *, of_symbol: bool = False) -> None:
        super().__init__(reason)
        self.of_symbol = of_symbol


class FeedRow(NamedTuple):
    """A day as text and a price as a number or text; None for what the source has left out."""

    on: Any
    price: Any


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an answer has its rows, and their day and price. `unit` is what one of its prices is as quoted."""

    rows_path: str = ""
    date_field: str = "date"
    price_field: str = "close"
    delimiter: str = ","
    decimal: str = "."
    unit: Fraction = Fraction(1)


class Span(NamedTuple):
    """The days whose prices are wanted."""

    start: date
    end: date


def address(template: str, symbol: str, currency: str, span: Span) -> str:
    """The address of a symbol's prices, made from a template with PLACEHOLDERS."""
    values: Mapping[str, str] = {
        "symbol": quote(symbol, safe=""),
        "currency": currency.lower(),
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "start_epoch": str(epoch(span.start)),
        "end_epoch": str(epoch(span.end) + 86_400),
    }
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


PLACEHOLDERS = ("symbol", "currency", "start", "end", "start_epoch", "end_epoch")


def epoch(on: date) -> int:
    return int(datetime(on.year, on.month, on.day, tzinfo=UTC).timestamp())


# --- JSON ---


def json_rows(content: bytes, layout: Layout) -> list[FeedRow]:
    try:
        data = json.loads(content, parse_float=number_or_text, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        raise BadAnswer("not JSON") from None
    rows = at_path(data, layout.rows_path)
    if not isinstance(rows, list):
        raise BadAnswer(f"no rows at {layout.rows_path or 'the top'}", of_symbol=True)
    return [
        FeedRow(
            day_text(at_path(row, layout.date_field)),
            price_in_units(at_path(row, layout.price_field), layout),
        )
        for row in rows
    ]


def at_path(data: Any, path: str) -> Any:
    """What a dotted path names: members of objects, and numbers for places in lists. None where it names nothing."""
    for name in path.split(".") if path else ():
        if isinstance(data, dict):
            data = data.get(name)
        elif isinstance(data, list) and _PLACE.fullmatch(name) and int(name) < len(data):
            data = data[int(name)]
        else:
            return None
    return data


# --- CSV ---


def csv_rows(content: bytes, layout: Layout) -> list[FeedRow]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadAnswer("not UTF-8") from None
    reader = csv.reader(text.splitlines(), delimiter=layout.delimiter)
    try:
        header = [name.strip() for name in next(reader, [])]
        if layout.date_field not in header or layout.price_field not in header:
            raise BadAnswer(f"no columns {layout.date_field} and {layout.price_field}")
        places = header.index(layout.date_field), header.index(layout.price_field)
        return [csv_row(cells, places, layout) for cells in reader if any(cells)]
    except csv.Error:
        raise BadAnswer("not CSV") from None


def csv_row(cells: list[str], places: tuple[int, int], layout: Layout) -> FeedRow:
    on, price = (cells[place].strip() if place < len(cells) else None for place in places)
    if price and layout.decimal != ".":
        price = price.replace(layout.decimal, ".")
    return FeedRow(day_text(on), price_in_units(price, layout))


# --- days and prices ---


def day_text(value: Any) -> Any:
    """A day as YYYY-MM-DD: of an instant as text its first ten characters, of an epoch its day in UTC."""
    if isinstance(value, str):
        return value[:10] if len(value) > 10 and value[10] in "T " else value
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number and -EPOCHS_END < value < EPOCHS_END:
        seconds = int(value)
        seconds = seconds // 1000 if abs(seconds) >= MILLISECONDS_FROM else seconds
        try:
            return datetime.fromtimestamp(seconds, UTC).date().isoformat()
        except (ValueError, OverflowError, OSError):
            return None
    return None


def number_or_text(text: str) -> Decimal | str:
    """The number of a text; the text itself where it is none, or too long or too large to reckon with."""
    if len(text) > LONGEST_NUMBER or not text.isascii() or "_" in text:
        return text
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


def price_in_units(value: Any, layout: Layout) -> Any:
    """The price as quoted, at most 18 places; what is no number stays as it is, for the rules to refuse."""
    number = number_or_text(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | Decimal) or not Decimal(number).is_finite():
        return value
    exact = Decimal(number)
    if not -100 < exact.adjusted() < 30:
        return value if exact else Decimal(0)
    if layout.unit == 1 and exact == exact.quantize(LAST_PLACE, context=_DIGITS):
        return exact
    units = round(Fraction(exact) * layout.unit * 10**PLACES)
    return _DIGITS.scaleb(Decimal(units), -PLACES)


def last_of_each_day(rows: Iterable[FeedRow]) -> Iterator[FeedRow]:
    """Of a feed with several prices a day the last one of each."""
    by_day = {row.on: row for row in rows}
    yield from by_day.values()
