"""Why net worth changed between two days: money that moved, income, expenses, values, rates, assets added and removed.

For any assets and two days, in one currency and to the cent:

    net(end) - net(start) = net_flows + income - expenses + value_change + fx_change + added - removed

"Balance" assets (accounts, loans) change because money moves: the part of the change that their recorded income and
expenses do not explain is their net flow, including the first value and the closing. "Value" assets (shares, houses)
have net flows only from transactions; a first value without an ACQUIRE is "added", a disposal without a DISPOSE on
its day is "removed", and the rest is a change in value. So if shares are bought from an account that is also in the
report, the two net flows cancel out.

What a change of the household's share moves, of an asset of either kind, is "added" where the share rises and "removed"
where it falls, at the whole value of that day, unless there is a trade on the day. The rest is at the old share.

Changes of a day are converted at that day's rate; `fx_change` is the value of the day before times the change of the
rate, day by day. While a value does not change, these products add up to value x (last rate - first rate). So only
days on which a value changed are needed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from assets.rates.book import RateBook
from assets.valuation.protocol import PriceGap
from assets.valuation.series import MONEY_PLACES, Keys, Missing
from reports.calculations.attribution import UNIT_PLACES, ExplainedAsset, Split, split_changes
from reports.calculations.controlled_rounding import round_table
from reports.calculations.order import by_key
from reports.calculations.rounding import apportion, half_even, in_places, whole_units


class Parts(NamedTuple):
    """The values on the two days and the parts of the change, rounded so that they add up.

    `expenses` and `removed` are subtracted: they are positive if something was paid, or an asset was removed.
    """

    start_value: Decimal
    end_value: Decimal
    net_flows: Decimal
    income: Decimal
    expenses: Decimal
    value_change: Decimal
    fx_change: Decimal
    added: Decimal
    removed: Decimal

    @property
    def change(self) -> Decimal:
        return self.end_value - self.start_value


@dataclass(frozen=True, slots=True)
class NetWorthChange:
    """The change of net worth in `currency` after `start` up to the end of `end`, in all and by asset or group.

    The rows add up to the total, part by part, unless groups `overlap`. `left_out` are the assets that are in no
    figure of either day, because a rate that they need is missing, or on one of the days their price; `missing_rates`
    names their amounts, and the amounts of single transactions that were left out, and `missing_prices` the prices.
    """

    start: date
    end: date
    currency: str
    total: Parts
    rows: Mapping[Hashable, Parts]
    overlap: bool
    left_out: tuple[Hashable, ...]
    missing_rates: tuple[Missing, ...]
    missing_prices: tuple[PriceGap, ...] = ()

    @property
    def complete(self) -> bool:
        return not (self.missing_rates or self.missing_prices)


def change_between(
    assets: Iterable[ExplainedAsset],
    *,
    start: date,
    end: date,
    currency: str,
    places: int,
    rates: RateBook,
    groups: Mapping[Hashable, Keys] | None = None,
) -> NetWorthChange:
    """Why the net worth of the assets changed after `start` up to the end of `end`, in `currency`.

    Rows are by asset, or with `groups` (the groups of each asset) by group, None for assets in no group. Everything is
    rounded to `places`: the two nets half to even from their exact values, all other figures to one of the two nearest
    numbers, so that every row and every column adds up.

    An asset is left out on both days if its currency has no rate on one of them, or on a day between on which its value
    changed. A transaction without a rate on its day is ignored; what it would explain stays in its asset's net flow or
    change in value. Both are named in the result.

    A purchase or sale (ACQUIRE, DISPOSE) before the asset's first value takes effect on the day of that value, and not
    at all if there is no value; INCOME and EXPENSE count on their own day. Nothing after `end` counts. Raises
    ValueError if `end` is before `start`.
    """
    splits = split_changes(assets, start=start, end=end, currency=currency, rates=rates)
    if groups is None:
        rows: Mapping[Hashable, Split] = by_key(splits.by_asset)
        overlap = False
    else:
        rows = _by_group(splits.by_asset, groups)
        overlap = any(len(set(groups.get(asset, ()))) > 1 for asset in splits.by_asset)
    before, after = whole_units(splits.net_start, places), whole_units(splits.net_end, places)
    parts = apportion(_total(splits.by_asset.values()).signed(), _unit(places), after - before)
    total: Sequence[int] = [before, *parts, -after]
    shown, total = (_each(rows, places), total) if overlap else _table(rows, total, places)
    return NetWorthChange(
        start,
        end,
        currency,
        _parts(total, places),
        shown,
        overlap,
        splits.left_out,
        splits.missing_rates,
    )


def _by_group(splits: Mapping[Hashable, Split], groups: Mapping[Hashable, Keys]) -> dict[Hashable, Split]:
    members: dict[Hashable, list[Split]] = {}
    for asset, split in splits.items():
        for key in dict.fromkeys(groups.get(asset, ())) or (None,):
            members.setdefault(key, []).append(split)
    return {key: _total(splits_of_group) for key, splits_of_group in by_key(members).items()}


def _total(splits: Iterable[Split]) -> Split:
    return Split(*map(sum, zip(*splits, strict=True)))


def _each(rows: Mapping[Hashable, Split], places: int) -> dict[Hashable, Parts]:
    """Every row rounded separately: groups that overlap do not add up to the total anyway."""
    shown = {}
    for key, split in rows.items():
        unit = _unit(places)
        start, end = half_even(split.start_value, unit), half_even(split.end_value, unit)
        shown[key] = _parts([start, *apportion(split.signed(), unit, end - start), -end], places)
    return shown


def _table(
    rows: Mapping[Hashable, Split], total: Sequence[int], places: int
) -> tuple[dict[Hashable, Parts], Sequence[int]]:
    """The rows, rounded so that each row adds up and all rows add up to the total; and the total."""
    exact = [[split.start_value, *split.signed(), -split.end_value] for split in rows.values()]
    shown, total = round_table(exact, _unit(places), total)
    return {key: _parts(units, places) for key, units in zip(rows, shown, strict=True)}, total


def _unit(places: int) -> int:
    """A unit of the last place shown, in whole numbers of 10**-44. Raises ValueError for more places than money has."""
    if not 0 <= places <= MONEY_PLACES:
        raise ValueError(f"money has 0 to {MONEY_PLACES} places, not {places}")
    unit: int = 10 ** (UNIT_PLACES - places)
    return unit


def _parts(row: Sequence[int], places: int) -> Parts:
    """The Parts of a row in units: (start value, the parts with their signs, end value with its sign changed)."""
    start, net_flows, income, paid, value_change, fx_change, added, gone, end = row
    figures = (start, -end, net_flows, income, -paid, value_change, fx_change, added, -gone)
    return Parts(*[in_places(units, places) for units in figures])
