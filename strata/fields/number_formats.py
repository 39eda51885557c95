"""Numbers as people write them: one exact parser for the four number formats, and the functions that write numbers.

Everything here takes and returns plain values: no Django, no user, never a float. A *mark* is `,` `.` `'` or a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_symbol

NO_BREAK_SPACE = "\u00a0"
LONGEST = 100
MINUS = ("-", "\u2212")
# Every way to write a space or an apostrophe, and the mark that it means.
_SAME_MARK = str.maketrans({NO_BREAK_SPACE: " ", "\u202f": " ", "\u2019": "'"})
_GROUPS, _DECIMALS = (",", ".", "'", " ", ""), ("", ".", ",")  # the grouped reading comes first
_ROUNDING = Context(prec=120, rounding=ROUND_HALF_UP)


class NumberFormat(StrEnum):
    """How a user writes 1234.56. The value is stored with the user."""

    COMMA_POINT = "1,234.56"
    POINT_COMMA = "1.234,56"
    APOSTROPHE_POINT = "1'234.56"
    SPACE_COMMA = "1 234,56"

    @property
    def group(self) -> str:
        return self.value[1]

    @property
    def decimal(self) -> str:
        return self.value[-3]


class Problem(StrEnum):
    """Why a text is refused as a number."""

    EMPTY = "EMPTY"
    TOO_LONG = "TOO_LONG"
    NOT_A_NUMBER = "NOT_A_NUMBER"
    WRONG_GROUPS = "WRONG_GROUPS"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    TOO_MANY_DECIMALS = "TOO_MANY_DECIMALS"


class RefusedNumber(Exception):
    """The text is no number that the field can hold. `places` is how many decimals the field has."""

    def __init__(self, problem: Problem, places: int, currency: str) -> None:
        super().__init__(problem)
        self.problem, self.places, self.currency = problem, places, currency


@dataclass(frozen=True)
class Question:
    """The text can be read in two ways. `readings` are those that the field can hold, at least one."""

    text: str
    readings: tuple[Decimal, ...]


# --- reading ---


def read_number(
    text: str, number_format: NumberFormat, places: int, currency: str = ""
) -> Decimal | Question:
    """The number that the text means, exactly as written; or the question which of two numbers it means.

    `places` is the most decimals that the field can hold. With a currency the number is an amount: the code or symbol
    may come before or after it, and the user's own decimal mark with exactly three digits after it is a question too,
    because 1.234 may be meant as a thousand. Raises RefusedNumber.
    """

    def refuse(problem: Problem) -> RefusedNumber:
        return RefusedNumber(problem, places, currency)

    if len(text) > LONGEST:
        raise refuse(Problem.TOO_LONG)
    if not text.strip():
        raise refuse(Problem.EMPTY)
    is_negative, digits = _unwrapped(text, currency)
    readings = dict(_readings(digits))
    if not readings:
        raise refuse(_problem(digits, currency))
    numbers = {
        marks: number.copy_negate() if is_negative and number else number
        for marks, number in readings.items()
    }
    certain = _certain(numbers, number_format, is_amount=bool(currency))
    allowed = tuple(number for number in numbers.values() if decimals(number) <= places)
    if not allowed or (certain is not None and certain not in allowed):
        raise refuse(Problem.TOO_MANY_DECIMALS)
    return Question(text.strip(), allowed) if certain is None else certain


def _certain(
    numbers: dict[tuple[str, str], Decimal], number_format: NumberFormat, *, is_amount: bool
) -> Decimal | None:
    """The one reading; of two, the one that the user's own format has. None where neither is certain."""
    if len(numbers) == 1:
        return next(iter(numbers.values()))
    grouped = numbers.get((number_format.group, ""))
    return grouped if grouped is not None or is_amount else numbers.get(("", number_format.decimal))


def _unwrapped(text: str, currency: str) -> tuple[bool, str]:
    """Whether it is negative, and the rest without sign, parentheses and currency: each at most once."""
    symbols = currency_symbols(currency) if currency else ()
    is_negative = has_sign = has_currency = False
    while True:
        text = text.strip()
        if not has_sign and text[:1] in ("+", *MINUS):
            has_sign, is_negative, text = True, text[0] in MINUS, text[1:]
        elif not has_sign and text.startswith("(") and text.endswith(")"):
            has_sign, is_negative, text = True, True, text[1:-1]
        elif not has_currency and (rest := _without_symbol(text, symbols)) is not None:
            has_currency, text = True, rest
        else:
            return is_negative, text.translate(_SAME_MARK)


def _without_symbol(text: str, symbols: tuple[str, ...]) -> str | None:
    folded = text.casefold()
    for symbol in symbols:
        if folded.startswith(symbol):
            return text[len(symbol) :]
        if folded.endswith(symbol):
            return text[: -len(symbol)]
    return None


def _readings(digits: str) -> Iterator[tuple[tuple[str, str], Decimal]]:
    """Every way to read the digits, by its grouping mark and its decimal mark."""
    for marks, pattern in _PATTERNS.items():
        if pattern.fullmatch(digits):
            group, decimal = marks
            plain = digits.replace(group, "") if group else digits
            yield marks, Decimal(plain.replace(decimal, ".") if decimal else plain)


def _pattern(group: str, decimal: str) -> re.Pattern[str]:
    whole = rf"[1-9][0-9]{{0,2}}(?:{re.escape(group)}[0-9]{{3}})+" if group else "[0-9]+"
    if not decimal:
        return re.compile(whole, re.ASCII)
    return re.compile(rf"(?:{whole}){'' if group else '?'}{re.escape(decimal)}[0-9]+", re.ASCII)


_PATTERNS = {
    (group, decimal): _pattern(group, decimal)
    for group in _GROUPS
    for decimal in _DECIMALS
    if group != decimal or not group
}


def _problem(digits: str, currency: str) -> Problem:
    if re.fullmatch(r"[0-9,.' ]*[0-9][0-9,.' ]*", digits, re.ASCII):
        return Problem.WRONG_GROUPS
    word = re.sub(r"[0-9,.' +()\-]", "", digits)
    is_money = word.upper() in Locale("en").currencies or word in ("$", "€", "£", "¥")
    return Problem.OTHER_CURRENCY if currency and is_money else Problem.NOT_A_NUMBER


def decimals(number: Decimal) -> int:
    """How many decimals it is written with: 1.230 has three."""
    return max(0, -int(number.as_tuple().exponent))


@cache
def currency_symbols(currency: str) -> tuple[str, ...]:
    """The code, and the symbols in English and in the currency's own country; in small letters, the longest first."""
    symbols = {currency, get_currency_symbol(currency, "en")}
    with suppress(UnknownLocaleError, ValueError):  # EUR and XAU are of no country
        symbols.add(get_currency_symbol(currency, Locale.parse(f"und_{currency[:2]}")))
    return tuple(sorted({symbol.casefold() for symbol in symbols}, key=len, reverse=True))


# --- writing ---


def number_text(number: Decimal, number_format: NumberFormat, places: int = 0) -> str:
    """The exact number with at least `places` decimals, grouped as the user does it."""
    whole, _, fraction = format(number.copy_abs(), "f").partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    sign = "-" if number < 0 else ""
    point = "." if fraction else ""
    return in_format(f"{sign}{int(whole):,}{point}{fraction}", number_format)


def rounded_text(
    number: Decimal, number_format: NumberFormat, places: int = 0, *, signed: bool = False
) -> str:
    """The number rounded to `places`, half away from zero. `signed` puts a plus before what is above zero."""
    rounded = number.quantize(Decimal(1).scaleb(-places), context=_ROUNDING)
    return ("+" if signed and rounded > 0 else "") + number_text(rounded, number_format, places)


def signed_text(number: Decimal, number_format: NumberFormat, places: int = 0) -> str:
    """As number_text, with a plus before what is above zero."""
    return ("+" if number > 0 else "") + number_text(number, number_format, places)


def percentage_text(ratio: Decimal, number_format: NumberFormat, *, signed: bool = True) -> str:
    """0.1655 as +16.6 %: one decimal, the sign, a no-break space."""
    percent = rounded_text(ratio.scaleb(2, context=_ROUNDING), number_format, 1, signed=signed)
    return f"{percent}{NO_BREAK_SPACE}%"


def in_format(text: str, number_format: NumberFormat) -> str:
    """A number that is written as 1,234.56, with the marks of the format."""
    group = NO_BREAK_SPACE if number_format.group == " " else number_format.group
    return text.translate({ord(","): group, ord("."): number_format.decimal})
