"""Numbers as files write them, read exactly. A column has one decimal mark, which is decided from all of its cells.

Allowed are the digits 0 to 9, one sign, one decimal mark, group marks between groups of three (or as in India),
brackets or a trailing minus for what is negative, and one currency. Everything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from imports.reading.currencies import currency_of_mark

POINT, COMMA = ".", ","
LONGEST = 100
MONEY_PLACES = 4
SIGNIFICANT = 15  # digits that a number of a workbook is certain to have
_SAME_MARK = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_NUMBER = re.compile(r"[0-9][0-9.,' ]*|[.,][0-9]+")
_CERTAIN = re.compile(
    r"-?[0-9]+([.,])(?:[0-9]{1,2}|[0-9]{4,})"
)  # no group: only one reading, the most common
_CONTEXT = Context(prec=120, rounding=ROUND_HALF_EVEN)


class Number(NamedTuple):
    """A number as it is written, and the currency that is written beside it, "" for none."""

    value: Decimal
    currency: str = ""


class Parts(NamedTuple):
    """A text without its sign and currency: `digits` has digits and marks alone."""

    is_negative: bool
    digits: str
    currency: str


def parts_of(text: str) -> Parts | None:
    """None for what is no number. Each of sign and currency may be there once, in any order."""
    if len(text) > LONGEST:
        return None
    rest, is_negative, has_sign, currency = text.translate(_SAME_MARK).strip(), False, False, ""
    while rest and not _NUMBER.fullmatch(rest):
        if not has_sign and rest[0] in "+-":
            has_sign, is_negative, rest = True, rest[0] == "-", rest[1:].strip()
        elif not has_sign and rest[-1] == "-":
            has_sign, is_negative, rest = True, True, rest[:-1].strip()
        elif not has_sign and rest[0] == "(" and rest[-1] == ")":
            has_sign, is_negative, rest = True, True, rest[1:-1].strip()
        elif not currency and (currency_and_rest := _without_currency(rest)):
            currency, rest = currency_and_rest
        else:
            return None
    return Parts(is_negative, rest, currency) if rest else None


def _without_currency(text: str) -> tuple[str, str] | None:
    before = re.match(r"[^0-9.,'()+\- ]+", text)
    if before and (code := currency_of_mark(before[0])):
        return code, text[before.end() :].strip()
    after = re.search(r"[^0-9.,'()+\- ]+$", text)
    if after and (code := currency_of_mark(after[0])):
        return code, text[: after.start()].strip()
    return None


def _pattern(decimal: str) -> re.Pattern[str]:
    groups = [mark for mark in (",", ".", "'", " ") if mark != decimal]
    grouped = "|".join(
        rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+"
        rf"|[1-9][0-9]?(?:{re.escape(mark)}[0-9]{{2}})+{re.escape(mark)}[0-9]{{3}}"
        for mark in groups
    )
    point = re.escape(decimal)
    return re.compile(rf"(?:[0-9]+|{grouped})(?:{point}[0-9]+|{point})?|{point}[0-9]+")


_PATTERNS = {decimal: _pattern(decimal) for decimal in (POINT, COMMA)}


def digits_as(digits: str, decimal: str) -> Decimal | None:
    """The number without sign, read with this decimal mark; None where it cannot be."""
    if not _PATTERNS[decimal].fullmatch(digits):
        return None
    whole, _, fraction = digits.partition(decimal)
    return Decimal(re.sub(r"[^0-9]", "", whole or "0") + "." + (fraction or "0"))


def read_number(text: str, decimal: str) -> Number | None:
    """The number that the text means with this decimal mark; None where it is none."""
    if decimal == POINT and len(text) < LONGEST and _PLAIN.fullmatch(text):
        return Number(Decimal(text))
    parts = parts_of(text)
    value = digits_as(parts.digits, decimal) if parts else None
    if parts is None or value is None:
        return None
    value = value.normalize(_CONTEXT)
    if value == value.to_integral_value():
        value = value.quantize(Decimal(1), context=_CONTEXT)
    return Number(-value if parts.is_negative and value else value, parts.currency)


def is_number(text: str) -> bool:
    parts = parts_of(text)
    return parts is not None and any(pattern.fullmatch(parts.digits) for pattern in _PATTERNS.values())


class DecimalMark(NamedTuple):
    """What the cells of a column say about their decimal mark. `example` is a cell that can be read both ways."""

    mark: str | None
    example: int | None = None


def decimal_mark(texts: Iterable[str]) -> DecimalMark:
    """The mark of a column; None where a cell can be read both ways and none decides.

    The mark with more cells that can be read in no other way wins. The others are then refused one by one.
    """
    certain, example = {POINT: 0, COMMA: 0}, None
    for number, text in enumerate(texts):
        if (match := _CERTAIN.fullmatch(text)) and len(text) <= LONGEST:
            certain[match[1]] += 1
            continue
        if text.isdigit() or not (parts := parts_of(text)):
            continue
        readings = {mark: digits_as(parts.digits, mark) for mark in (POINT, COMMA)}
        possible = {mark: value for mark, value in readings.items() if value is not None}
        if len(possible) == 1:
            certain[next(iter(possible))] += 1
        elif len(set(possible.values())) == 2 and example is None:
            example = number
    if certain[POINT] != certain[COMMA]:
        return DecimalMark(max(certain, key=lambda mark: certain[mark]))
    if example is not None or certain[POINT]:
        return DecimalMark(None, example)
    return DecimalMark(POINT)


def rounded_money(value: Decimal) -> tuple[Decimal, bool]:
    """The value with the places that an amount has, half to even, and whether that changed it."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -MONEY_PLACES:
        return value, False
    rounded = value.quantize(Decimal(1).scaleb(-MONEY_PLACES), context=_CONTEXT)
    return rounded, rounded != value


def number_of_workbook(value: float) -> tuple[Decimal, bool]:
    """The number that the workbook shows: 15 digits are certain. And whether there were more."""
    exact = (
        Decimal(int(value)) if value.is_integer() and abs(value) < 10**SIGNIFICANT else Decimal(repr(value))
    )
    rounded = exact if len(exact.as_tuple().digits) <= SIGNIFICANT else Context(prec=SIGNIFICANT).plus(exact)
    return Decimal(format(rounded, "f")), rounded != exact


def times(left: Decimal, right: Decimal) -> Decimal:
    """The exact product. Python's own context would round it to 28 digits."""
    return _CONTEXT.multiply(left, right)


def plus(*numbers: Decimal) -> Decimal:
    """The exact sum."""
    total = Decimal(0)
    for number in numbers:
        total = _CONTEXT.add(total, number)
    return total


def rounded_to(value: Decimal, places: int) -> Decimal:
    """The value with at most so many places, half to even."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return value
    return value.quantize(Decimal(1).scaleb(-places), context=_CONTEXT)


def rounded_fraction(value: Fraction, places: int) -> Decimal:
    """The number with so many places, half to even."""
    return Decimal(round(value * 10**places)).scaleb(-places, _CONTEXT)
