"""How the dashboard writes numbers, amounts, percentages and days, in the formats of its reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.utils.dateformat import format as format_day

from strata.fields import number_formats
from strata.fields.active_formats import active_formats, day_and_month_text, day_text, percentage_text

__all__ = ["Amount", "amount", "day_and_month_text", "day_text", "month_and_year", "number", "percentage"]

WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount as text, and its direction: "up", "down", or "" for zero."""

    digits: str
    currency: str
    direction: str

    def __str__(self) -> str:
        return f"{self.digits} {self.currency}"

    @property
    def whole(self) -> str:
        """The digits before the decimal mark."""
        return self.digits.partition(active_formats().number.decimal)[0]

    @property
    def decimals(self) -> str:
        """The decimal mark and the digits after it; "" without decimals."""
        return self.digits[len(self.whole) :]


def amount(value: Decimal, currency: str, *, signed: bool = False, whole: bool = False) -> Amount:
    """With the decimals that it has. `whole` rounds to units, half away from zero; `signed` also writes a plus."""
    value = value.quantize(WHOLE, ROUND_HALF_UP) if whole else value
    write = number_formats.signed_text if signed else number_formats.number_text
    direction = "up" if value > 0 else "down" if value < 0 else ""
    return Amount(write(value, active_formats().number, places_of(value)), currency, direction)


def places_of(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


def number(value: Decimal, places: int = 0) -> str:
    return number_formats.number_text(value, active_formats().number, places)


def percentage(ratio: Decimal, *, signed: bool = False) -> str:
    return percentage_text(ratio, signed=signed)


def month_and_year(on: date) -> str:
    return format_day(on, "M Y")
