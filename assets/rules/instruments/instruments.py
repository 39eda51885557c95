"""The rules of an instrument: its identifiers, and the unit in which its price is quoted.

The check digits of ISIN (ISO 6166), CUSIP and SEDOL are python-stdnum's.
"""

from __future__ import annotations

import re
from fractions import Fraction
from types import ModuleType

from django.core.exceptions import ValidationError
from stdnum import cusip, isin
from stdnum.exceptions import ValidationError as NotAnIdentifier
from stdnum.gb import sedol

from strata.fields.currencies import MINOR_UNITS, UNITS_PER_CURRENCY

_RATIO = re.compile(r"([0-9]{1,9})(?:/([0-9]{1,9}))?")
_MIC = re.compile(r"[A-Z0-9]{4}")


def validate_isin(text: str) -> str:
    return _identifier(isin, "ISIN", text)


def validate_cusip(text: str) -> str:
    return _identifier(cusip, "CUSIP", text)


def validate_sedol(text: str) -> str:
    return _identifier(sedol, "SEDOL", text)


def _identifier(module: ModuleType, name: str, text: str) -> str:
    """The identifier in capitals without spaces; "" for none."""
    if not text.strip():
        return ""
    try:
        return str(module.validate(text))
    except NotAnIdentifier:
        message = f"This is no {name}: its length or its check digit is wrong."
        raise ValidationError(message, code=f"BAD_{name}") from None


def validate_mic(text: str) -> str:
    """The code of an exchange (ISO 10383) in capitals; "" for none."""
    code = text.strip().upper()
    if code and not _MIC.fullmatch(code):
        raise ValidationError(
            "A market identifier code has four letters or digits, such as XETR.", code="BAD_MIC"
        )
    return code


def quote_unit(text: str) -> Fraction:
    """What one quoted unit is in the currency: "1/100" for pence, "100" for an option on a hundred shares."""
    match = _RATIO.fullmatch(text.strip())
    if not match or not int(match[1]) or (match[2] and not int(match[2])):
        raise ValidationError(
            "Send a ratio of whole numbers above zero as text: 1, 1/100 or 100.", code="BAD_QUOTE_UNIT"
        )
    return Fraction(int(match[1]), int(match[2] or 1))


def validate_quote_unit(text: str) -> str:
    """The ratio in lowest terms: "2/200" becomes "1/100"."""
    return str(quote_unit(text))


def minor_unit_hint(code: str) -> ValidationError | None:
    """The refusal of a code such as GBp, which is a hundredth of a currency and belongs into the quote unit."""
    currency = MINOR_UNITS.get(code) or (MINOR_UNITS.get(code.upper()) if code.islower() else None)
    if currency is None:
        return None
    message = (
        f"{code} is a minor unit: {UNITS_PER_CURRENCY} {code} are 1 {currency}; send currency {currency} and "
        f"quote_unit 1/{UNITS_PER_CURRENCY}."
    )
    return ValidationError(message, code="minor_unit")
