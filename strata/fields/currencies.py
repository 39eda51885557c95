"""Currencies: codes, minor units, and rounding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import cache
from typing import Any

from babel import Locale
from babel.numbers import get_currency_precision
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext

from strata.db.collation import CodePointCollated
from strata.db.typed import Get, Set
from strata.fields.base import ValidatedField
from strata.fields.numbers import MONEY_PLACES

_ROUNDING = Context(prec=120, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])


def round_money(value: Decimal, currency: str) -> Decimal:
    """Round to the currency's minor unit, half to even. This is the only rounding, for numbers that are shown."""
    return value.quantize(Decimal(1).scaleb(-minor_units(currency)), context=_ROUNDING)


NO_CURRENCY = frozenset({"XXX", "XTS"})
# Metals and units of account, for which ISO 4217 has no minor unit: shown with MONEY_PLACES decimal places.
WITHOUT_MINOR_UNIT = frozenset({"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XUA"})
# babel follows CLDR, which has 0 decimal places where the coins are no longer used. These are from ISO 4217:
_TWO = ("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER")
ISO_MINOR_UNITS = {"IQD": 3, **dict.fromkeys(_TWO, 2)}


@cache
def currency_names(language: str = "en") -> dict[str, str]:
    """Every currency code, present and past, with its name in the language."""
    names, shown = Locale("en").currencies, Locale(language).currencies
    return {code: shown.get(code, names[code]) for code in sorted(names) if code not in NO_CURRENCY}


@cache
def currency_codes() -> frozenset[str]:
    return frozenset(currency_names())


def minor_units(code: str) -> int:
    """The number of decimal places of the currency in ISO 4217: EUR 2, JPY 0, KWD 3."""
    if code in WITHOUT_MINOR_UNIT:
        return MONEY_PLACES
    return ISO_MINOR_UNITS.get(code) or get_currency_precision(code)


# Codes that exchanges and price lists use for a hundredth of a currency. In capitals, GBp would mean 100 times as much.
UNITS_PER_CURRENCY = 100
MINOR_UNITS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ZAC": "ZAR", "ILA": "ILS"}
# All small letters or all capitals. Mixed case is refused, because it may be a minor unit.
CURRENCY_PATTERN = "^([A-Z]{3}|[a-z]{3})$"


def validate_currency(code: Any) -> str:
    """The code in capitals. Raises ValidationError for an unknown code, with a hint where it is a minor unit."""
    if isinstance(code, str) and re.fullmatch(CURRENCY_PATTERN.removesuffix("$"), code):
        if code.upper() in currency_codes():
            return code.upper()
        if code.upper() in MINOR_UNITS:
            raise _minor_unit(code, MINOR_UNITS[code.upper()])
    if isinstance(code, str) and code in MINOR_UNITS:
        raise _minor_unit(code, MINOR_UNITS[code])
    raise ValidationError(
        gettext("Enter the three capital letters of a currency, such as EUR."), code="unknown_currency"
    )


def _minor_unit(code: str, currency: str) -> ValidationError:
    message = gettext(
        "%(code)s is a minor unit, not a currency: %(units)s %(code)s are 1 %(currency)s. "
        "Divide the amount by %(units)s and enter %(currency)s."
    )
    words = {"code": code, "units": UNITS_PER_CURRENCY, "currency": currency}
    return ValidationError(message % words, code="minor_unit")


class CurrencyField(ValidatedField[Set, Get], CodePointCollated[Set, Get], models.CharField):  # type: ignore[type-arg]  # takes none when it runs
    """Three capital letters of ISO 4217."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_length": 3})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, kwargs

    def to_python(self, value: Any) -> str | None:
        return value if value is None or value == "" else validate_currency(value)

    def get_prep_value(self, value: Any) -> Any:
        value = models.Field.get_prep_value(self, value)
        return value.upper() if isinstance(value, str) and value.islower() else value
