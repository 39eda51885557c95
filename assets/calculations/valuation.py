"""Amounts in several currencies, added up in one, with what could not be converted named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from assets.calculations.rates import MissingRate, RateBook


@dataclass(frozen=True, slots=True)
class Missing:
    """An amount that was left out, and the currency whose rate is not known on that day."""

    currency: str
    on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Worth:
    """An exact total, before rounding, of all that could be converted."""

    value: Fraction
    missing: tuple[Missing, ...]

    @property
    def complete(self) -> bool:
        return not self.missing


def worth(amounts: Mapping[str, Decimal], currency: str, *, on: date, rates: RateBook) -> Worth:
    """The amounts (per currency) in `currency` at the rates of the day. Zero needs no rate."""
    total, missing = Fraction(0), []
    for source, amount in sorted(amounts.items()):
        if amount == 0:
            continue
        try:
            total += Fraction(amount) * rates.pair(source, currency, on=on)
        except MissingRate as gap:
            missing.append(Missing(gap.currency if gap.currency != currency else source, on, amount))
    return Worth(total, tuple(missing))
