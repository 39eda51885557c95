"""Amounts in the money of another day: multiplied by what a price index rose by until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from uuid import UUID

from assets.prices.series import PriceOnDay


@dataclass(frozen=True, slots=True)
class RealTerms:
    """An index on the days of a series. `values` has the value that counts on each of `days`, None without one.

    Amounts are in the money of the last day.
    """

    instrument_id: UUID
    symbol: str
    days: Sequence[date]
    values: Sequence[PriceOnDay | None]

    @property
    def on(self) -> date:
        return self.days[-1]

    @property
    def last(self) -> PriceOnDay | None:
        return self.values[-1]

    def factors(self) -> list[Fraction | None]:
        """By what the amounts of each day are multiplied; None where the index of it or of the last day is unknown."""
        last = self.last
        if last is None:
            return [None] * len(self.days)
        return [None if value is None else last.price / value.price for value in self.values]

    def lacking_on(self, number: int) -> date | None:
        """The day without a value, because of which the amounts of `days[number]` are unknown; None if they are not."""
        if self.last is None:
            return self.on
        return self.days[number] if self.values[number] is None else None
