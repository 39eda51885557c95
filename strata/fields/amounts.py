"""Amounts as people write them in forms: with the decimal places of the currency. The API accepts four places."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError

from strata.fields.currencies import minor_units
from strata.fields.numbers import exponent_of, plain


def decimals(value: Decimal) -> int:
    """The number of decimal places it was written with: 1.230 has three."""
    return max(0, -exponent_of(value))


def amount_text(value: Decimal, currency: str) -> str:
    """The amount with the decimal places of the currency, or with more where the amount has more."""
    whole, _, fraction = plain(value).partition(".")
    fraction = fraction.ljust(minor_units(currency), "0")
    return f"{whole}.{fraction}" if fraction else whole


def validate_places(value: Decimal, currency: str) -> None:
    """Only for forms. Somebody who writes 1.234 may mean more than a thousand; it is not an amount in euros."""
    places = minor_units(currency)
    if decimals(value) > places:
        most = f"at most {places} decimal places" if places else "no decimal places"
        message = f"{currency} has {most}. Write thousands without a separator, such as 1234."
        raise ValidationError(message, code="max_places")
