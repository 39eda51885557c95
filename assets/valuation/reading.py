"""Reads the values of assets: from the monthly deltas, the monthly values, or the value sources themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, Protocol, cast
from uuid import UUID

from django.db.models import F

from assets.models import Asset, AssetCategory, AssetTag, AssetType
from assets.models.querysets import AssetQuerySet
from assets.valuation import protocol, registry, sql
from assets.valuation.forgotten.deriving_again import derive_again, derive_again_of_assets, stored_values
from assets.valuation.protocol import Gap, source_name
from assets.valuation.series import (
    Amount,
    Keys,
    Totals,
    ValueSeries,
    added_up,
    drop_zeros,
    fold,
    gaps_of,
    gaps_on,
    grid_totals,
    mapped_keys,
    money,
    ten_thousandths,
)
from assets.valuation.totals import month_ends
from assets.valuation.totals.delta_totals import MonthOfDeltas, running_totals
from strata.audit import clock

COLUMNS = {
    "type": "asset_type_id",
    "group": "asset_type__group",
    "liquidity": "asset_type__liquid",
    "currency": "currency",
    "institution": "institution_key",
    "portfolio": "portfolio_id",
    "asset": "pk",
}
LABELS: Mapping[str, type[AssetCategory] | type[AssetTag]] = {"category": AssetCategory, "tag": AssetTag}
GROUPINGS = (*COLUMNS, *LABELS)
# The groupings that the deltas can answer, and their column of keys; a group is the sum of its types, and so is what
# is liquid.
DELTA_KEY_COLUMNS = {
    None: None,
    "type": "asset_type_id",
    "group": "asset_type_id",
    "liquidity": "asset_type_id",
    "currency": None,
    "portfolio": "portfolio_id",
}
GROUPS_OF_TYPES: Mapping[str | None, str] = {"group": "group", "liquidity": "liquid"}
# Those that the deltas of single types can answer, where what is liquid is apart: a type is liquid or not.
DELTAS_OF_TYPES = DELTA_KEY_COLUMNS.keys() - {"portfolio"}
COARSE_DAYS = 7  # measured: with days so far apart, looking values up is faster than reading all of them
A_MONTH = 31  # in a span this short, nearly all days are in the months of its two ends


class Reader(Enum):
    """Where values are read. All give the same."""

    DELTAS = "running sums of the table of deltas"
    GRID = "each asset's newest value on each day, looked up and added up by the database"
    MONTHS = "the table of monthly values"
    MONTH_ENDS = "the last value of each month in the table of monthly values"
    SOURCES = "the value sources"


def choose_reader(
    days: Sequence[date], *, as_totals: bool = False, by_deltas: bool = False, derived: bool = True
) -> Reader:
    """The fastest reader that may be used for these days. Nothing else asks whether derived data may be read.

    `as_totals`: the database may add the values up; `by_deltas`: the table of deltas has the totals that are wanted.
    """
    derived = derived and clock.known_at() is None
    if derived and by_deltas:
        return Reader.DELTAS
    if as_totals and (days[-1] - days[0]).days >= COARSE_DAYS * (len(days) - 1):
        return Reader.MONTH_ENDS if derived and month_ends.are_ends(days) else Reader.GRID
    return Reader.MONTHS if derived else Reader.SOURCES


def totals_on(
    portfolio_ids: Collection[UUID],
    days: Sequence[date],
    *,
    group_by: str | None = None,
    key_map: Mapping[Hashable, Hashable] | None = None,
    only_assets: Collection[UUID] | None = None,
    liquid_apart: bool = False,
    include_all: bool = False,
    derived: bool = True,
    read_series: SeriesReader | None = None,
) -> Totals:
    """The totals of the portfolios' assets on each of `days` (each once, ascending), in ten-thousandths.

    `group_by` is one of GROUPINGS, or None for one total. The keys are ids (of types, categories, tags, portfolios and
    assets), texts (groups and currencies), or whether the type is liquid. An asset's keys are all its own categories or
    tags, so there may be several or none; `key_map` replaces keys by others (for example a category by its ancestor).
    With `only_assets` no other assets count. With `liquid_apart` what is liquid has columns of its own: its keys begin
    with True, and all others with False. Assets that do not count in net worth are left out, unless
    `include_all`. Columns that are zero on every day are left out. `derived=False` reads only the values themselves and
    no derived data; under known_at this is always so. With `read_series` the values that the deltas do not have are
    looked up in its series.
    """
    if not days:
        return Totals((), {})
    groups = Grouped(group_by, key_map or {}, liquid_apart)
    by_deltas = only_assets is None and group_by in (DELTAS_OF_TYPES if liquid_apart else DELTA_KEY_COLUMNS)
    reader = choose_reader(days, as_totals=True, by_deltas=by_deltas, derived=derived)
    if reader is Reader.DELTAS:
        totals = from_deltas(portfolio_ids, days, groups, read_series)
        if include_all:  # the deltas have only what counts
            totals = added_up(totals, totals_of(groups.refs(portfolio_ids, counts=False), days, read_series))
        return drop_zeros(totals)
    assets = groups.refs(portfolio_ids, counts=None if include_all else True)
    if only_assets is not None:
        assets = [asset for asset in assets if asset.id in only_assets]
    if read_series is not None:
        return drop_zeros(totals_of(assets, days, read_series))
    if reader is Reader.MONTH_ENDS:
        return drop_zeros(from_month_ends(assets, days))
    read = from_values_in_sql if reader is Reader.GRID else from_series
    return drop_zeros(read(assets, days, derived=derived))


type AmountsByPortfolio = dict[UUID, dict[str, Decimal]]  # by portfolio and currency


def amounts_on(portfolio_ids: Collection[UUID], on: date, *, include_all: bool = False) -> AmountsByPortfolio:
    """The total of each portfolio's assets on a day, by currency, without totals of zero: like totals_on for one day.

    In one query, unless there are assets that are not valued by hand.
    """
    return amounts_and_gaps_on(portfolio_ids, on, include_all=include_all)[0]


def amounts_and_gaps_on(
    portfolio_ids: Collection[UUID], on: date, *, include_all: bool = False
) -> tuple[AmountsByPortfolio, tuple[Gap, ...]]:
    """The same, with the gaps of the day: the assets that have one are in none of the totals."""
    if choose_reader((on,), by_deltas=not include_all) is Reader.DELTAS:
        return _amounts_of_deltas(portfolio_ids, on)
    sums: dict[UUID, dict[str, int]] = {}
    with_others: set[UUID] = set()
    for portfolio_id, currency, amount in sql.amounts_on(portfolio_ids, on, include_all=include_all):
        if amount is None:
            with_others.add(portfolio_id)
        else:
            sums.setdefault(portfolio_id, {})[currency] = amount
    gaps: list[Gap] = []
    for ref, series in _others_on(with_others, on, include_all=include_all):
        gaps += gaps_of(ref.id, series)
        if value := series.value_on(on):
            of_portfolio = sums.setdefault(cast("UUID", ref.keys[0]), {})
            of_portfolio[ref.currency] = of_portfolio.get(ref.currency, 0) + ten_thousandths(value)
    return _as_money(sums), gaps_on(gaps, (on,))


def _amounts_of_deltas(
    portfolio_ids: Collection[UUID], on: date
) -> tuple[AmountsByPortfolio, tuple[Gap, ...]]:
    sums: dict[UUID, dict[str, int]] = {}
    totals = from_deltas(portfolio_ids, (on,), Grouped("portfolio"))
    for ((portfolio_id,), currency), column in totals.columns.items():
        of_portfolio = sums.setdefault(cast("UUID", portfolio_id), {})
        of_portfolio[currency] = column.owned[0] + column.owed[0]
    return _as_money(sums), totals.gaps


def _as_money(sums: Mapping[UUID, Mapping[str, int]]) -> AmountsByPortfolio:
    amounts = {
        pk: {currency: money(amount) for currency, amount in by_currency.items() if amount}
        for pk, by_currency in sums.items()
    }
    return {pk: by_currency for pk, by_currency in amounts.items() if by_currency}


def _others_on(
    portfolio_ids: Collection[UUID], on: date, *, include_all: bool
) -> Iterator[tuple[AssetRef, ValueSeries]]:
    """The values of the day of each asset that is not valued by hand. Its portfolio is the key of its ref."""
    if not portfolio_ids:
        return iter(())
    assets = Asset.objects.filter(portfolio__in=portfolio_ids).exclude(registry.BY_HAND)
    refs = asset_refs(portfolio_ids, "portfolio", {}, counts=None if include_all else True, assets=assets)
    return _value_series(refs, on, on)


def value_series(
    assets: Collection[AssetRef],
    *,
    start: date,
    end: date,
    reported_in: str | None = None,
    only_ends: bool = False,
) -> Iterator[tuple[AssetRef, ValueSeries]]:
    """For each asset its newest value on or before `start`, and the values of all later days up to `end`.

    Assets in the currency `reported_in` need no rates: for these, only the months of the values that ExplainedAsset
    requires may be read; with `only_ends` for all. An asset without values has an empty series. Amounts are in
    ten-thousandths. Yields one asset at a time.
    """
    if (end - start).days <= A_MONTH or choose_reader((start, end)) is Reader.SOURCES:
        return _value_series(assets, start, end)
    by_ends: list[AssetRef] = []
    stored, by_all_values = _by_storage(assets)
    for asset in stored:
        needs_ends = only_ends or (asset.currency == reported_in and not asset.is_disposed_in(start, end))
        (by_ends if needs_ends else by_all_values).append(asset)
    ends = stored_values(valuations_of(by_ends), sql.values_at_the_ends, start, end)
    return chain(_value_series(by_all_values, start, end), with_values(by_ends, ends))


class AssetRef(NamedTuple):
    """An asset, what its values come from, and the groups that it counts in."""

    id: UUID
    currency: str
    valuation: str  # as Asset.valuation
    shares: str  # as Asset.shares
    disposed_on: date | None = None
    keys: Keys = ()

    @property
    def source(self) -> str:
        """The name of the source of the household's values."""
        return source_name(self.valuation, self.shares)

    @property
    def is_by_hand(self) -> bool:
        """Whether its recorded values are what counts."""
        return self.valuation == registry.MANUAL and not self.shares

    def is_disposed_in(self, start: date, end: date) -> bool:
        return self.disposed_on is not None and start < self.disposed_on <= end


class SeriesReader(Protocol):
    """A function that answers as value_series does, perhaps from memory."""

    def __call__(
        self, assets: Collection[AssetRef], *, start: date, end: date, reported_in: str | None = None
    ) -> Iterable[tuple[AssetRef, ValueSeries]]: ...


def ref_of(asset: Asset) -> AssetRef:
    return AssetRef(asset.pk, asset.currency, asset.valuation, asset.shares, asset.disposed_on)


REF_COLUMNS = ("pk", "currency", "valuation", "shares", "disposed_on")


def asset_refs(
    portfolio_ids: Collection[UUID],
    group_by: str | None,
    key_map: Mapping[Hashable, Hashable],
    *,
    counts: bool | None = True,
    assets: AssetQuerySet[Asset] | None = None,
    liquid_apart: bool = False,
) -> list[AssetRef]:
    """The portfolios' assets that count in net worth; the others with `counts=False`, and all with None.

    Only those of `assets`, which are in the portfolios, where it is given. `liquid_apart` is that of totals_on.
    """
    if assets is None:
        assets = Asset.objects.filter(portfolio__in=portfolio_ids)
    assets = assets.order_by()
    if counts is not None:
        assets = assets.filter(counts_in_net_worth=counts)
    labels = _labels(portfolio_ids, group_by) if group_by and group_by in LABELS else {}
    of_keys = {"is_liquid": F(COLUMNS["liquidity"])} if liquid_apart else {}
    if group_by in COLUMNS:
        of_keys["group_key"] = F(COLUMNS[group_by])

    @cache  # nearly all assets have the keys of another
    def keys_of(columns: tuple[Any, ...], label_ids: tuple[UUID, ...]) -> Keys:
        is_liquid, group_keys = columns[: int(liquid_apart)], columns[int(liquid_apart) :]
        return (*map(bool, is_liquid), *mapped_keys((*group_keys, *label_ids), key_map))

    rows = assets.annotate(**of_keys).values_list(*REF_COLUMNS, *of_keys)
    end = len(REF_COLUMNS)
    return [
        AssetRef._make((*row[:end], keys_of(row[end:], labels.get(row[0], ()) if labels else ())))
        for row in rows
    ]


class Grouped(NamedTuple):
    """How the totals of portfolios are grouped: the arguments of totals_on."""

    group_by: str | None = None
    key_map: Mapping[Hashable, Hashable] = {}
    liquid_apart: bool = False

    def refs(self, portfolio_ids: Collection[UUID], **which: Any) -> list[AssetRef]:
        return asset_refs(portfolio_ids, self.group_by, self.key_map, liquid_apart=self.liquid_apart, **which)


def _labels(portfolio_ids: Collection[UUID], group_by: str) -> dict[UUID, tuple[UUID, ...]]:
    links = LABELS[group_by].objects.filter(asset__portfolio__in=portfolio_ids).order_by()
    labels_by_asset: dict[UUID, tuple[UUID, ...]] = {}
    for asset_id, label_id in links.values_list("asset_id", f"{group_by}_id"):
        labels_by_asset[asset_id] = (*labels_by_asset.get(asset_id, ()), label_id)
    return labels_by_asset


# --- from the table of monthly deltas ---


def from_deltas(
    portfolio_ids: Collection[UUID],
    days: Sequence[date],
    groups: Grouped,
    read_series: SeriesReader | None = None,
) -> Totals:
    """Where the deltas are forgotten, they are derived again, or the values are read themselves."""
    try:
        return _from_deltas(portfolio_ids, days, groups, read_series)
    except sql.Forgotten:
        if derive_again(portfolio_ids):
            return from_deltas(portfolio_ids, days, groups, read_series)
    return from_series(groups.refs(portfolio_ids), days, derived=False)


def _from_deltas(
    portfolio_ids: Collection[UUID], days: Sequence[date], groups: Grouped, read_series: SeriesReader | None
) -> Totals:
    group_by, key_map, liquid_apart = groups
    key_column = "asset_type_id" if liquid_apart else DELTA_KEY_COLUMNS[group_by]
    months: Iterable[Any] = sql.months_of_deltas(portfolio_ids, days, key_column=key_column)
    column = GROUPS_OF_TYPES.get(group_by)
    types: dict[UUID | None, tuple[bool, Hashable]] = {}
    if column or liquid_apart:
        months = list(months)
        rows = AssetType.objects.filter(pk__in={type_id for _, type_id, _ in months})
        types = {row[0]: row[1:] for row in rows.values_list("pk", "liquid", column or "pk")}

    @cache
    def keys(key_id: UUID | None, currency: str) -> Keys:
        is_liquid, key = types.get(key_id, (False, key_id))
        key = currency if group_by == "currency" else key
        mapped = mapped_keys(() if group_by is None else (key,), key_map)
        return (is_liquid, *mapped) if liquid_apart else mapped

    has_others = has_gaps = False

    def of_types() -> Iterator[tuple[Keys, str, MonthOfDeltas]]:
        nonlocal has_others, has_gaps
        for currency, key_id, month in months:
            if currency == sql.OTHERS:
                has_others, has_gaps = month.owned_sum > 0, month.owed_sum > 0
            else:
                yield keys(key_id, currency), currency, month

    totals = running_totals(of_types(), days)
    if has_gaps:
        gaps = (Gap(*row) for row in sql.gaps_between(portfolio_ids, days[0], days[-1]))
        totals = dataclasses.replace(totals, gaps=gaps_on(gaps, days))
    if not has_others:
        return totals
    others = Asset.objects.filter(portfolio__in=portfolio_ids).exclude(registry.in_derived_tables())
    return added_up(totals, totals_of(groups.refs(portfolio_ids, assets=others), days, read_series))


# --- from the last values of months ---


def from_month_ends(assets: Collection[AssetRef], days: Sequence[date]) -> Totals:
    """Where months are forgotten, they are derived again, or the values are read themselves."""
    try:
        return _from_month_ends(assets, days)
    except sql.Forgotten:
        if derive_again_of_assets([asset.id for asset in assets]):
            return from_month_ends(assets, days)
    return from_series(assets, days, derived=False)


def _from_month_ends(assets: Collection[AssetRef], days: Sequence[date]) -> Totals:
    """Only stored values are in months: the other assets are folded."""
    in_table, others = _by_storage(assets)
    stored = {asset.id: asset for asset in in_table}
    ends = [on for on in days if month_ends.is_end(on)]
    rows = (
        (asset.keys, asset.currency, month_ends.values_on_ends(months, values, ends, asset.disposed_on))
        for pk, months, values in sql.last_values_of_months(list(stored), ends[0], ends[-1])
        for asset in [stored[pk]]
    )
    other_days = [on for on in days if not month_ends.is_end(on)]
    parts = [from_lookups(_value_series(stored.values(), on, on), [on]) for on in other_days]
    totals = month_ends.joined([month_ends.totals_of_values(rows, ends), *parts], days)
    if priced := [pk for pk, asset in stored.items() if asset.valuation != registry.MANUAL]:
        gaps = (Gap(*row) for row in sql.gaps_of_assets(priced, days[0], days[-1]))
        totals = dataclasses.replace(totals, gaps=gaps_on(gaps, days))
    return added_up(totals, from_series(others, days)) if others else totals


# --- a fold for daily series, from the monthly values; a grid for coarse ones, from the values ---


def from_series(assets: Collection[AssetRef], days: Sequence[date], *, derived: bool = True) -> Totals:
    gaps: list[Gap] = []

    def all_series() -> Iterator[tuple[Keys, ValueSeries]]:
        for asset, series in _value_series(assets, days[0], days[-1], derived=derived):
            gaps.extend(gaps_of(asset.id, series))
            yield asset.keys, series

    totals = fold(all_series(), days)
    return dataclasses.replace(totals, gaps=gaps_on(gaps, days))


def totals_of(assets: Collection[AssetRef], days: Sequence[date], read_series: SeriesReader | None) -> Totals:
    """From the series that `read_series` has read for other reports too, if it is given."""
    if read_series is None:
        return from_series(assets, days)
    return from_lookups(read_series(assets, start=days[0], end=days[-1]), days)


def from_lookups(read: Iterable[tuple[AssetRef, ValueSeries]], days: Sequence[date]) -> Totals:
    """Each asset's value looked up on each day: for few days, and series that were read for something else too."""
    gaps: list[Gap] = []

    def rows() -> Iterator[tuple[date, Keys, str, Amount]]:
        for asset, series in read:
            gaps.extend(gaps_of(asset.id, series))
            for on in days:
                if value := series.value_on(on):
                    yield on, asset.keys, asset.currency, value

    totals = grid_totals(rows(), days)
    return dataclasses.replace(totals, gaps=gaps_on(gaps, days))


def from_values_in_sql(assets: Collection[AssetRef], days: Sequence[date], *, derived: bool = True) -> Totals:
    """Each asset's newest value on each day; the database adds them up by the column in which the asset counts.

    Only the values of assets that are valued by hand, as a whole, are rows: the others are folded.
    """
    places: dict[tuple[Keys, str], int] = {}
    rows = [
        (asset.id, places.setdefault((asset.keys, asset.currency), len(places)), asset.disposed_on)
        for asset in assets
        if asset.is_by_hand
    ]
    columns = list(places)
    sums = sql.sums_on(rows, days)
    grid = grid_totals(
        ((on, *columns[place], amount) for on, place, *owned_owed in sums for amount in owned_owed), days
    )
    others = [asset for asset in assets if not asset.is_by_hand]
    return added_up(grid, from_series(others, days, derived=derived)) if others else grid


def _value_series(
    assets: Collection[AssetRef], start: date, end: date, *, derived: bool = True
) -> Iterator[tuple[AssetRef, ValueSeries]]:
    if choose_reader((start, end), derived=derived) is not Reader.MONTHS:
        return with_values(assets, registry.values(valuations_of(assets), start, end))
    stored, others = _by_storage(assets)
    read = stored_values(valuations_of(stored), sql.values_in_months, start, end)
    if others:
        read = chain(read, registry.values(valuations_of(others), start, end))
    return with_values(assets, read)


def _by_storage(assets: Collection[AssetRef]) -> tuple[list[AssetRef], list[AssetRef]]:
    """The assets whose values are in the derived tables, and the others."""
    names = registry.stored_names()
    stored = [asset for asset in assets if asset.source in names]
    return stored, [asset for asset in assets if asset.source not in names]


def valuations_of(assets: Iterable[AssetRef]) -> dict[UUID, str]:
    return {asset.id: asset.source for asset in assets}


def with_values(
    assets: Collection[AssetRef], values_of_assets: Iterable[protocol.AssetValues]
) -> Iterator[tuple[AssetRef, ValueSeries]]:
    """A series for each asset; empty for an asset without values."""
    by_id = {asset.id: asset for asset in assets}
    for pk, days, values in values_of_assets:
        asset = by_id.pop(pk)
        yield asset, ValueSeries(asset.currency, days, values, asset.disposed_on)
    for asset in by_id.values():
        yield asset, ValueSeries(asset.currency, disposed_on=asset.disposed_on)
