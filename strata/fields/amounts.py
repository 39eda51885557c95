"""Amounts as people write them in forms: with the decimal places of their currency and no more. The API keeps four."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError

from strata.fields.currencies import minor_units
from strata.fields.numbers import plain


def decimals(value: Decimal) -> int:
    """How many decimal places it was written with: 1.230 has three."""
    return max(0, -value.as_tuple().exponent)


def amount_text(value: Decimal, currency: str) -> str:
    """As people write amounts of the currency: with its decimal places, and more where the amount has more."""
    whole, _, fraction = plain(value).partition(".")
    fraction = fraction.ljust(minor_units(currency), "0")
    return f"{whole}.{fraction}" if fraction else whole


def validate_places(value: Decimal, currency: str) -> None:
    """For forms alone. 1.234 may be meant as more than a thousand, and is no amount of euros in any case."""
    places = minor_units(currency)
    if decimals(value) > places:
        most = f"at most {places} decimal places" if places else "no decimal places"
        message = f"{currency} has {most}. Write thousands without a separator, such as 1234."
        raise ValidationError(message, code="max_places")
