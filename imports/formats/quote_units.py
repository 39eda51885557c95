"""What one unit of a quoted price is in the currency: bonds are quoted in per cent of their nominal, options for one of
the shares that they are of. Some files do it otherwise: their own numbers decide.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from stdnum import cusip

from imports.reading.numbers import rounded_fraction

PER_CENT = "1/100"
OPTION_SHARES = "100"
CUSIP_LENGTH = 9
PLACES = 18


class QuoteUnits:
    """Of the securities of one file. The first row with quantity, price and amount decides for its security."""

    def __init__(self) -> None:
        self.units: dict[str, str] = {}

    def see(
        self,
        security: str,
        usual: str,
        quantity: Decimal | None,
        price: Decimal | None,
        amount: Decimal | None,
    ) -> None:
        """`usual` is the unit of such a security. The amount may have costs in it: only its size counts."""
        if quantity and price and amount and security not in self.units:
            ratio = abs(Fraction(amount) / Fraction(quantity) / Fraction(price))
            unit = Fraction(usual)
            is_usual = ratio * ratio < unit if unit < 1 else ratio * ratio > unit
            self.units[security] = usual if is_usual else "1"

    def of(self, security: str, otherwise: str) -> str:
        """`otherwise` is the unit where no row of the security has all three numbers."""
        return self.units.get(security, otherwise)


def as_quoted(price: Decimal, unit: str) -> Decimal:
    """The price of one unit of the currency as it is quoted: 0.985 is 98.5 in per cent."""
    return price if unit == "1" else rounded_fraction(Fraction(price) / Fraction(unit), PLACES)


def is_cusip(text: str) -> bool:
    """Whether it is a CUSIP by its length and its check digit: of bonds some brokers have it as the symbol."""
    return len(text) == CUSIP_LENGTH and any(map(str.isdigit, text)) and bool(cusip.is_valid(text))
