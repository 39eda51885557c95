"""Functions for exact numbers, and their limits. Nothing here uses float.

"Money" is an amount that SQL can add up: stored as a BIGINT of 1/10,000 units, read as Decimal. "Exact" is any other
number (a quantity, a unit price, a rate): up to 18 decimal places, multiplied in Python and never in SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

MONEY_PLACES = 4
MONEY_DIGITS = 14
MONEY_LIMIT = Decimal(10) ** MONEY_DIGITS
EXACT_PLACES = 18
EXACT_DIGITS = 20
EXACT_LIMIT = Decimal(10) ** EXACT_DIGITS

# Python's default context silently rounds to 28 digits. This context has enough digits for any product of two exact
# numbers, and raises instead of rounding.
EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")

_MESSAGES = {
    "invalid": _("Enter a number in plain digits, such as 1234.56."),
    "max_digits": _("Enter a number with at most %(digits)s digits before the decimal point."),
    "max_places": _("Enter a number with at most %(places)s decimal places."),
}


def exact(value: Any, *, digits: int = EXACT_DIGITS, places: int = EXACT_PLACES) -> Decimal:
    """`value` as a Decimal without exponent. Raises ValidationError where it is not exact or out of range.

    It must be a str, an int or a Decimal, never a float or a bool. It is fast for any exponent.
    """
    number = value if type(value) is Decimal else _read(value)
    if not number.is_finite():
        raise _refusal("invalid")
    if number.is_zero():
        return Decimal(0)
    if number.adjusted() >= digits:
        raise _refusal("max_digits", digits=digits)
    if -places <= (exponent := exponent_of(number)) <= 0:
        return number
    if exponent < -EXACT.prec:
        raise _refusal("max_places", places=places)
    number = Decimal(plain(number))
    if exponent_of(number) < -places:
        raise _refusal("max_places", places=places)
    return number


def exponent_of(number: Decimal) -> int:
    """The exponent of a finite number. That of an infinity is a letter."""
    return cast(int, number.as_tuple().exponent)


def _read(value: Any) -> Decimal:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    raise _refusal("invalid")


def _refusal(code: str, **params: Any) -> ValidationError:
    return ValidationError(_MESSAGES[code], code=code, params=params)


def plain(value: Decimal) -> str:
    """The number in digits: no exponent, no trailing zeros, no negative zero."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def decimal_text(value: Fraction, places: int = EXACT_PLACES) -> str:
    """The number in digits, rounded half to even to so many places where it has more."""
    units = round(value * 10**places)
    return plain(Decimal(units).scaleb(-places, EXACT))


def money_text(value: Decimal) -> str:
    """An amount as the API writes it: at least two decimal places, more only where needed."""
    whole, _, fraction = plain(value).partition(".")
    return f"{whole}.{fraction:0<2}"


def scaled_text(units: int, places: int, *, least: int = 0) -> str:
    """So many units of the last of `places` in digits, as `plain` writes them, but with at least `least` places."""
    whole, rest = divmod(abs(units), 10**places)
    fraction = f"{rest:0{places}}".rstrip("0").ljust(least, "0")
    return f"{'-' * (units < 0)}{whole}{'.' * bool(fraction)}{fraction}"


def exact_total(values: Iterable[Decimal]) -> Decimal:
    """The exact sum of any number of values."""
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, value)
    return total


def exact_product(left: Decimal, right: Decimal) -> Decimal:
    return EXACT.multiply(left, right)


SHARE_PLACES = 6


def validate_share(share: Decimal) -> None:
    if share > 1:
        raise ValidationError(gettext("A share is 1 at most: 0.25 is a quarter."), code="share")
    if -exponent_of(share) > SHARE_PLACES:
        message = gettext("A share has at most %(places)s decimal places.")
        raise ValidationError(message % {"places": SHARE_PLACES}, code="share")
