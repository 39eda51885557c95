"""How the values of assets are read: from the daily steps, the packed months, or the values themselves."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Min, OuterRef, Subquery

from assets.models import Asset, AssetCategory, AssetSnapshot, AssetTag, AssetType
from assets.valuation import protocol, sql
from assets.valuation.series import Keys, Totals, ValueSeries, fold, grid_totals, money, running_totals
from assets.valuation.sources import snapshots_sql
from strata.audit import clock

COLUMNS = {
    "type": "asset_type_id",
    "group": "asset_type__group",
    "currency": "currency",
    "portfolio": "portfolio_id",
    "asset": "pk",
}
LABELS = {"category": AssetCategory, "tag": AssetTag}
GROUPINGS = (*COLUMNS, *LABELS)
# What is stored of the sums knows these; a group is its types.
DELTA_KEY_COLUMNS = {
    None: None,
    "type": "asset_type_id",
    "group": "asset_type_id",
    "currency": None,
    "portfolio": "portfolio_id",
}
# Measured: for a few days values are looked up faster than steps are added up, and for weeks and more faster than
# all values are read.
FEW_DAYS = 3
COARSE_DAYS = 7
A_MONTH = 31  # those of its ends are nearly all of its days


def totals_on(
    portfolio_ids: Collection[UUID],
    days: Sequence[date],
    *,
    by: str | None = None,
    key_map: Mapping[Hashable, Hashable] | None = None,
    among: Collection[UUID] | None = None,
    derived: bool = True,
) -> Totals:
    """What the portfolios' assets add up to on each of `days` (each once, ascending), in ten-thousandths.

    `by` is one of GROUPINGS, or None for one total. The keys are ids (of types, categories, tags, portfolios and
    assets) or texts (groups and currencies). An asset's keys are all its own categories or tags, so there may be
    several or none; `rename` puts another key in the place of those that it names (a category's ancestor, say).
    Of the assets only those `among` some count, where these are given. Columns that are zero on every day are left
    out. `derived=False` reads the values themselves and nothing that is stored beside them, as is always done where
    the past is looked at as it was known.
    """
    if not days:
        return Totals((), {})
    derived = derived and clock.known_at() is None
    if derived and among is None and by in DELTA_KEY_COLUMNS and len(days) > FEW_DAYS:
        return drop_zeros(from_deltas(portfolio_ids, days, by, key_map or {}))
    held = asset_refs(portfolio_ids, by, key_map or {})
    if among is not None:
        held = [asset for asset in held if asset.id in among]
    coarse = (days[-1] - days[0]).days >= COARSE_DAYS * (len(days) - 1)
    return drop_zeros(from_values_in_sql(held, days) if coarse else from_series(held, days, derived=derived))


def amounts_on(portfolio_ids: Collection[UUID], on: date) -> dict[UUID, dict[str, Decimal]]:
    """What each portfolio's assets add up to on a day, in each of their currencies: totals_on of one day, at once."""
    found: dict[UUID, dict[str, Decimal]] = {}
    for portfolio_id, currency, amount in snapshots_sql.amounts_on(portfolio_ids, on):
        found.setdefault(portfolio_id, {})[currency] = money(amount)
    return found


def value_series(
    held: Collection[AssetRef], *, start: date, end: date, reported_in: str | None = None
) -> Iterator[tuple[AssetRef, ValueSeries]]:
    """Of each asset the newest value on or before `start`, and those of every later day up to `end`; one at a time.

    Of assets in the currency `reported_in`, which need no rates, only what AssetHistory says is enough, and what
    stands beside it in its months, where that is less. An asset that has no values has an empty history. Amounts are
    ten-thousandths.
    """
    derived = clock.known_at() is None
    if not derived or (end - start).days <= A_MONTH:
        return _histories(held, start, end, derived=derived)
    few, many = [], []
    for asset in held:
        needs_ends = asset.currency == reported_in and not asset.goes_in(start, end)
        (few if needs_ends else many).append(asset)
    ends = sql.values_at_the_ends([asset.id for asset in few], start, end)
    return chain(_histories(many, start, end), _with_values(few, ends))


def first_day(portfolio_ids: Collection[UUID]) -> date | None:
    """The day of the first value of any of the portfolios' assets: one look into the index for each asset."""
    values = AssetSnapshot.objects.filter(asset=OuterRef("pk")).order_by("on").values("on")[:1]
    assets = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
    return assets.annotate(first_on=Subquery(values)).aggregate(first=Min("first_on"))["first"]


class AssetRef(NamedTuple):
    """An asset, and the groups that it counts in."""

    id: UUID
    currency: str
    disposed_on: date | None = None
    keys: Keys = ()

    def goes_in(self, start: date, end: date) -> bool:
        return self.disposed_on is not None and start < self.disposed_on <= end


def asset_refs(
    portfolio_ids: Collection[UUID], by: str | None, key_map: Mapping[Hashable, Hashable]
) -> list[AssetRef]:
    assets = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
    if by in LABELS:
        labels = _labels(portfolio_ids, by)
        rows = assets.values_list("pk", "currency", "disposed_on")
        return [AssetRef(*row, _renamed(labels.get(row[0], ()), key_map)) for row in rows]
    if by is None:
        return [AssetRef(*row) for row in assets.values_list("pk", "currency", "disposed_on")]
    rows = assets.annotate(worth_key=F(COLUMNS[by])).values_list("pk", "currency", "disposed_on", "worth_key")
    return [AssetRef(*row, _renamed((key,), key_map)) for *row, key in rows]


def _labels(portfolio_ids: Collection[UUID], by: str) -> dict[UUID, list[UUID]]:
    links = LABELS[by].objects.filter(asset__portfolio__in=portfolio_ids).order_by()
    found: dict[UUID, list[UUID]] = {}
    for asset_id, label_id in links.values_list("asset_id", f"{by}_id"):
        found.setdefault(asset_id, []).append(label_id)
    return found


def _renamed(keys: Iterable[Hashable], key_map: Mapping[Hashable, Hashable]) -> Keys:
    """In one order, whatever the database's was: assets in the same groups stand in one column."""
    return tuple(sorted({key_map.get(key, key) for key in keys}, key=str))


def drop_zeros(totals: Totals) -> Totals:
    kept = {key: column for key, column in totals.columns.items() if any(column.owned) or any(column.owed)}
    return Totals(totals.days, kept)


# --- from the table of daily steps ---


def from_deltas(
    portfolio_ids: Collection[UUID],
    days: Sequence[date],
    by: str | None,
    key_map: Mapping[Hashable, Hashable],
) -> Totals:
    groups = dict(AssetType.objects.values_list("pk", "group")) if by == "group" else {}

    @cache
    def keys(named: UUID | None, currency: str) -> Keys:
        key = currency if by == "currency" else groups.get(named, named)
        return _renamed(() if by is None else (key,), key_map)

    every_day = len(days) > (days[-1] - days[0]).days
    steps = (
        sql.deltas_by_day(portfolio_ids, days[-1], by=DELTA_KEY_COLUMNS[by])
        if every_day
        else sql.deltas_by_period(portfolio_ids, days, by=DELTA_KEY_COLUMNS[by])
    )
    return running_totals(
        ((on, keys(named, currency), currency, *both) for on, currency, named, *both in steps), days
    )


# --- a fold for daily series, from the packed months; a grid for coarse ones, from the values ---


def from_series(held: Collection[AssetRef], days: Sequence[date], *, derived: bool = True) -> Totals:
    past = _histories(held, days[0], days[-1], derived=derived)
    return fold(((asset.keys, history) for asset, history in past), days)


def from_values_in_sql(held: Collection[AssetRef], days: Sequence[date]) -> Totals:
    """Each asset's newest value on each day, added up by the database, which is told where each asset counts."""
    places: dict[tuple[Keys, str], int] = {}
    rows = [
        (asset.id, places.setdefault((asset.keys, asset.currency), len(places)), asset.disposed_on)
        for asset in held
    ]
    columns = list(places)
    sums = snapshots_sql.sums_on(rows, days)
    return grid_totals(((on, *columns[place], amount) for on, place, *both in sums for amount in both), days)


def _histories(
    held: Collection[AssetRef], start: date, end: date, *, derived: bool = True
) -> Iterator[tuple[AssetRef, ValueSeries]]:
    read = sql.values_in_months if derived else snapshots_sql.values_between
    return _with_values(held, read([asset.id for asset in held], start, end))


def _with_values(
    held: Collection[AssetRef], found: Iterable[protocol.Values]
) -> Iterator[tuple[AssetRef, ValueSeries]]:
    """A history for each, empty where no values were found."""
    assets = {asset.id: asset for asset in held}
    for pk, days, values in found:
        asset = assets.pop(pk)
        yield asset, ValueSeries(asset.currency, days, values, asset.disposed_on)
    for asset in assets.values():
        yield asset, ValueSeries(asset.currency, disposed_on=asset.disposed_on)
