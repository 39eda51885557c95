"""What the checks examine: an asset with its values and transactions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from assets.valuation.series import Amount, ValueSeries, money


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transaction as it was recorded; `by_disposal` if disposing of the asset recorded it."""

    id: Hashable
    on: date
    type: str
    amount: Amount | None
    currency: str
    quantity: Hashable
    by_disposal: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """An asset with the data that the checks need.

    `type` is its type's code; `liability` says whether values of that type are owed. A value is stale if it is more
    than `stale_after_days` old. `traded_on` are the days (ascending) of purchases, sales and adjustments, which
    explain a jump since the value before; `transactions` are all transactions of the period, oldest first.
    `first_value_on` is the day of its very first value, which may be before the beginning of `history`; it may be left
    out of an asset without a day of acquisition or disposal. Values that are computed are never out of date, and have
    no typing errors. `drift` is of a loan whose last recorded value is not the one of its schedule: the day, the
    recorded value, and that of the schedule.
    """

    asset: Hashable
    name: str
    type: str
    history: ValueSeries
    stale_after_days: int
    liability: bool = False
    traded_on: Sequence[date] = ()
    acquired_on: date | None = None
    transactions: Sequence[Recorded] = ()
    portfolio: Hashable = None
    first_value_on: date | None = None
    is_computed: bool = False
    drift: tuple[date, Amount, Amount] | None = None

    @property
    def first_on(self) -> date | None:
        """The day of its first value."""
        return self.first_value_on or (self.history.days[0] if self.history.days else None)


def until(asset: Examined, on: date) -> Examined:
    """The asset without the values that do not count on the day: later ones, and those since its disposal."""
    past = asset.history
    count = bisect_right(past.days, past.last_day(on))
    if count == len(past.days):
        return asset
    return replace(asset, history=replace(past, days=past.days[:count], values=past.values[:count]))


def is_gone(asset: Examined, on: date) -> bool:
    return asset.history.disposed_on is not None and asset.history.disposed_on <= on


def plain(amount: Amount) -> str:
    return f"{money(amount).normalize():f}"
