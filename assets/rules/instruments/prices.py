"""The rules of a price: it is a positive number of a day that has come.

They are called for every one of 100,000 rows, so a good price is read without an exception and without a Decimal.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from strata.exceptions import Invalid
from strata.fields.dates import FIRST_YEAR, LAST_YEAR, parse_day
from strata.fields.numbers import exact, exponent_of, plain

type Number = tuple[int, int]  # a price as a whole number over 10**places

_PLAIN = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,18}))?")
_NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]+)?")

PRICE_MISSING = _("There is no price.")
PRICE_NOT_POSITIVE = _("A price is greater than zero.")
PRICE_NOT_A_NUMBER = _("Send a price in plain digits, such as 12.34, with at most 18 decimal places.")
PRICE_JUMP = _("It is a hundred times off the price of %(day)s. Where it is right, send accept_jumps.")
PRICE_IN_FUTURE = _("The day has not come yet.")
DAY_NOT_A_DAY = _("There is no such day: send it as YYYY-MM-DD.")


def read_price(value: Any) -> Number | Invalid:
    """The price of a row: text in plain digits, or a number without a loss. Trailing zeros do not count."""
    if type(value) is str and (match := _PLAIN.fullmatch(value)):
        whole, fraction = match.groups()
        if fraction is None:
            number = int(whole)
            return (number, 0) if number else Invalid("price", PRICE_NOT_POSITIVE, "PRICE_NOT_POSITIVE")
        if fraction[-1] == "0":
            fraction = fraction.rstrip("0")
        number = int(whole + fraction)
        return (
            (number, len(fraction)) if number else Invalid("price", PRICE_NOT_POSITIVE, "PRICE_NOT_POSITIVE")
        )
    return _read_other(value)


def _read_other(value: Any) -> Number | Invalid:
    if value is None or value == "":
        return Invalid("price", PRICE_MISSING, "PRICE_MISSING")
    if isinstance(value, str):
        if _NEGATIVE.fullmatch(value):
            return Invalid("price", PRICE_NOT_POSITIVE, "PRICE_NOT_POSITIVE")
        return Invalid("price", PRICE_NOT_A_NUMBER, "PRICE_NOT_A_NUMBER")
    try:
        number = exact(value)
    except ValidationError:
        return Invalid("price", PRICE_NOT_A_NUMBER, "PRICE_NOT_A_NUMBER")
    return in_units(number) if number > 0 else Invalid("price", PRICE_NOT_POSITIVE, "PRICE_NOT_POSITIVE")


def in_units(price: Decimal) -> Number:
    number = Decimal(plain(price))
    places = -exponent_of(number)
    return int(number.scaleb(places)), places


def read_day(value: Any, latest: date) -> int | Invalid:
    """The ordinal of the day of a row. `latest` is today, where it is latest."""
    try:
        on = parse_day(value) if isinstance(value, str) else None
    except ValidationError:
        on = None
    if on is None or not FIRST_YEAR <= on.year <= LAST_YEAR:
        return Invalid("on", DAY_NOT_A_DAY, "DAY_NOT_A_DAY")
    if on > latest:
        return Invalid("on", PRICE_IN_FUTURE, "PRICE_IN_FUTURE")
    return on.toordinal()
