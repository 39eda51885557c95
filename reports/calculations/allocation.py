"""How what is owned is spread over groups on one day: shares, targets, drift, and what to buy or sell.

Shares are of what is owned only; what is owed is listed separately and has no shares. "Drift" is the share less its
target. "Rebalance" is what to buy (positive) or sell (negative) to reach the target without new money.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from assets.rates.book import MissingRate, RateBook
from assets.valuation.protocol import PriceGap
from assets.valuation.series import Amount, Keys, Missing, missing, money
from reports.calculations.order import by_key
from reports.calculations.rounding import SHARE_PLACES, largest_remainder, rounded, shares


@dataclass(frozen=True, slots=True)
class Position:
    """One asset's value on the day, in its own currency, and the groups that it counts in.

    `liquid` is whether it can be turned into money within days.
    """

    keys: Keys
    currency: str
    value: Amount
    liquid: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """One group's part of what is owned. `share` is None if nothing is owned at all.

    `target`, `drift` and `rebalance` are None for a group without a target.
    """

    key: Hashable
    value: Decimal
    share: Decimal | None
    target: Decimal | None = None
    drift: Decimal | None = None
    rebalance: Decimal | None = None


class Part(NamedTuple):
    """A part of what is owned. `share` is None if nothing is owned at all."""

    value: Decimal
    share: Decimal | None


NOTHING = Part(Decimal(0), None)


@dataclass(frozen=True, slots=True)
class Allocation:
    """What is owned and what is owed on a day, by group, in `currency`, rounded so that it adds up.

    `asset_groups` (largest first) have positive values, or zero for a group that has only a target;
    `liability_groups` have negative values and no shares. The key None is for assets in no group. If groups
    `overlap`, values and shares of the asset groups add up to more than `assets` and 1. `liquid` is the part of what is
    owned that is liquid.
    """

    on: date
    currency: str
    assets: Decimal
    liabilities: Decimal
    asset_groups: tuple[Slice, ...]
    liability_groups: tuple[Slice, ...]
    overlap: bool
    missing_rates: tuple[Missing, ...]
    liquid: Part = NOTHING
    missing_prices: tuple[PriceGap, ...] = ()

    @property
    def net(self) -> Decimal:
        return self.assets + self.liabilities

    @property
    def complete(self) -> bool:
        return not (self.missing_rates or self.missing_prices)


def allocation(
    positions: Iterable[Position],
    *,
    on: date,
    currency: str,
    places: int,
    rates: RateBook,
    targets: Mapping[Hashable, Decimal] | None = None,
) -> Allocation:
    """The allocation on a day, at that day's rates. Amounts without a rate are left out and named, by currency.

    `targets` are shares (0.25 is a quarter). If they add up to less than 1, a group without a target has none;
    else its target is 0. If they add up to more than 1, the rebalance amounts need money that is not there.
    """
    positions = list(positions)
    owned, owed, liquid = _Side(), _Side(), Fraction(0)
    lost: dict[str, Decimal] = {}
    for position in positions:
        try:
            rate = rates.rate(position.currency, currency, on=on) if position.value else Fraction(0)
        except MissingRate:
            lost[position.currency] = lost.get(position.currency, Decimal(0)) + money(position.value)
            continue
        value = Fraction(money(position.value)) * rate
        (owned if position.value > 0 else owed).add(position.keys, value)
        liquid += value if position.liquid and value > 0 else 0
    overlap = any(len(set(position.keys)) > 1 for position in positions)
    # Net worth also rounds the net, and its two sides by largest remainder: both reports show the same figures.
    assets, liabilities = largest_remainder([owned.total, owed.total], places)
    return Allocation(
        on,
        currency,
        assets,
        liabilities,
        _slices(owned, assets, targets or {}, places, overlap=overlap),
        _debts(owed, liabilities, places, overlap=overlap),
        overlap,
        tuple(
            gap
            for source, amount in sorted(lost.items())
            for gap in missing(source, currency, on, amount, rates)
        ),
        _liquid_part(liquid, owned.total, assets, places),
    )


def _liquid_part(liquid: Fraction, owned: Fraction, assets: Decimal, places: int) -> Part:
    """Rounded as the group of what is liquid is, beside the group of what is not."""
    values = largest_remainder([liquid, owned - liquid], places, total=assets)
    portions = shares([liquid, owned - liquid])
    return Part(values[0], portions[0] if portions else None)


class _Side:
    """Running sums of what is owned, or of what is owed."""

    def __init__(self) -> None:
        self.total = Fraction(0)
        self.groups: dict[Hashable, Fraction] = {}

    def add(self, keys: Keys, value: Fraction) -> None:
        if value:
            self.total += value
            for key in dict.fromkeys(keys) or (None,):
                self.groups[key] = self.groups.get(key, Fraction(0)) + value


def _slices(
    owned: _Side, assets: Decimal, targets: Mapping[Hashable, Decimal], places: int, *, overlap: bool
) -> tuple[Slice, ...]:
    groups = by_key({**owned.groups, **{key: owned.groups.get(key, Fraction(0)) for key in targets}})
    exact = list(groups.values())
    values = _parts(exact, assets, places, overlap=overlap)
    goals = _goals(list(groups), targets)
    wanted = _wanted(goals, assets, places)
    rows = zip(groups, values, _shares(exact, owned.total, overlap=overlap), goals, wanted, strict=True)
    slices = [
        Slice(
            key,
            value,
            share,
            target,
            None if target is None or share is None else share - target,
            None if goal is None else goal - value,
        )
        for key, value, share, target, goal in rows
    ]
    return tuple(sorted(slices, key=lambda slice_: -slice_.value))


def _parts(exact: Sequence[Fraction], total: Decimal, places: int, *, overlap: bool) -> list[Decimal]:
    if overlap:
        return [rounded(value, places) for value in exact]
    return largest_remainder(exact, places, total=total) if exact else []


def _shares(exact: Sequence[Fraction], total: Fraction, *, overlap: bool) -> Sequence[Decimal | None]:
    if not total:
        return [None] * len(exact)
    if overlap:
        return [rounded(value / total, SHARE_PLACES) for value in exact]
    return shares(exact) or []


def _goals(keys: Sequence[Hashable], targets: Mapping[Hashable, Decimal]) -> list[Decimal | None]:
    """Each group's target; if the targets add up to 1 or more, a group without one has the target 0."""
    rest = Decimal(0) if sum(map(Fraction, targets.values())) >= 1 else None
    return [targets.get(key, rest) for key in keys]


def _wanted(goals: Sequence[Decimal | None], assets: Decimal, places: int) -> list[Decimal | None]:
    """What each group with a target would be worth at its target; the sum is `assets` if the targets add up to 1."""
    aimed = [Fraction(goal) * Fraction(assets) for goal in goals if goal is not None]
    amounts = iter(largest_remainder(aimed, places) if aimed else [])
    return [None if goal is None else next(amounts) for goal in goals]


def _debts(owed: _Side, total: Decimal, places: int, *, overlap: bool) -> tuple[Slice, ...]:
    groups = by_key(owed.groups)
    values = _parts(list(groups.values()), total, places, overlap=overlap)
    debts = [Slice(key, value, None) for key, value in zip(groups, values, strict=True)]
    return tuple(sorted(debts, key=lambda slice_: slice_.value))
