"""The statement of net worth: each asset by class, with the sums that a bank reads. Rounded as the allocation is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from assets.valuation.protocol import PriceGap
from assets.valuation.series import Missing
from reports.calculations.allocation import Allocation


class Holding(NamedTuple):
    """A current asset, and its newest value on the day in its own currency; None before the first. A debt is negative.

    `is_counted` is whether it counts in net worth.
    """

    id: Hashable
    name: str
    group: str
    currency: str
    value: Decimal | None
    value_on: date | None
    is_counted: bool = True


class Line(NamedTuple):
    """A holding, and its value in the currency of the statement; None without a value, or without a rate."""

    holding: Holding
    reported: Decimal | None

    @property
    def lacks_rate(self) -> bool:
        return self.reported is None and self.holding.value is not None


class Section(NamedTuple):
    """The lines of a class, and the sum of those that have a value."""

    group: str
    lines: Sequence[Line]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """In `currency`; `liabilities` are not above zero, and `net` is `assets` and `liabilities` added up.

    The sums of the sections add up to `net`. `mixes_sides`: a debt is in one's favour, or something else below zero, so
    the sum of a class is on another side than its lines.
    """

    on: date
    currency: str
    assets: Decimal
    liabilities: Decimal
    net: Decimal
    sections: Sequence[Section]
    not_counted: Sequence[Line]
    missing_rates: Sequence[Missing]
    missing_prices: Sequence[PriceGap]
    mixes_sides: bool


def statement(
    holdings: Iterable[Holding], by_asset: Allocation, *, debts: str, with_all: Allocation | None = None
) -> Statement:
    """The holdings by class, in the order given. `by_asset` is their allocation; `debts` is the class of debts.

    `with_all` is the allocation with those that do not count, where there are any: it gives their values alone.
    """
    values = (_values(with_all) if with_all else {}) | _values(by_asset)
    lines = [Line(holding, _reported(holding, values)) for holding in holdings]
    counted = [line for line in lines if line.holding.is_counted]
    return Statement(
        by_asset.on,
        by_asset.currency,
        by_asset.assets,
        by_asset.liabilities,
        by_asset.net,
        _sections(counted),
        [line for line in lines if not line.holding.is_counted],
        by_asset.missing_rates,
        by_asset.missing_prices,
        any(_is_on_the_other_side(line.holding, debts) for line in counted),
    )


def _values(by_asset: Allocation) -> dict[Hashable, Decimal]:
    return {part.key: part.value for part in (*by_asset.asset_groups, *by_asset.liability_groups)}


def _reported(holding: Holding, values: Mapping[Hashable, Decimal]) -> Decimal | None:
    """Zero needs no rate."""
    return Decimal(0) if holding.value == 0 else values.get(holding.id)


def _sections(lines: Iterable[Line]) -> list[Section]:
    by_group: dict[str, list[Line]] = {}
    for line in lines:
        by_group.setdefault(line.holding.group, []).append(line)
    return [
        Section(group, of_group, sum((line.reported or Decimal(0) for line in of_group), Decimal(0)))
        for group, of_group in by_group.items()
    ]


def _is_on_the_other_side(holding: Holding, debts: str) -> bool:
    value = holding.value or 0
    return value > 0 if holding.group == debts else value < 0
