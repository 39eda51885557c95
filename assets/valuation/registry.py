"""The value sources: which there are, which of them values an asset, and the values of all of them.

An asset is valued by the source that names it in `assets_sql`, and otherwise by the source that names none (the
snapshots). With a single source nothing here makes a query of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from itertools import batched
from uuid import UUID

from django.db import connection

from assets.valuation.protocol import AssetDay, AssetValues, EditTarget, Month, ValueDays, ValueSource, Window
from strata.db.params import IDS, fetch_rows, ids_param, parse_id
from strata.db.prepared import forget_prepared

ASSETS_AT_A_TIME = 200  # so that ten years of values of many assets are never in memory at once

_sources: list[ValueSource] = []


def register(source: ValueSource) -> None:
    """Add a source. Raises TypeError for a name that is taken, and for a second source that values all other assets."""
    for other in _sources:
        if other.name == source.name:
            raise TypeError(f"There is a value source called {source.name!r} already.")
        if other.assets_sql is None and source.assets_sql is None:
            raise TypeError(f"{other.name} and {source.name} would both value all other assets.")
    _sources.append(source)
    _sources.sort(key=lambda source: source.assets_sql is None)  # it comes last
    forget_prepared()


def unregister(source: ValueSource) -> None:
    """Remove a source. For tests: its assets are valued by the others at once."""
    _sources.remove(source)
    forget_prepared()


def by_asset(asset_ids: Iterable[UUID]) -> Iterator[tuple[ValueSource, list[UUID]]]:
    """Each source with those of the assets that it values, in the order given; sources without any are left out."""
    rest = list(dict.fromkeys(asset_ids))
    for source in _sources:
        of_source = rest
        if source.assets_sql is not None and rest:
            named = _named_by(source.assets_sql, rest)
            of_source = [pk for pk in rest if pk in named]
            rest = [pk for pk in rest if pk not in named]
        if of_source:
            yield source, of_source


def _named_by(assets_sql: str, asset_ids: Sequence[UUID]) -> set[UUID]:
    statement = f"""SELECT asset_id FROM ({assets_sql}) AS named
        WHERE asset_id IN ({IDS[connection.vendor]})"""  # noqa: S608 - the source's own SQL
    return {parse_id(pk) for (pk,) in fetch_rows(statement, [ids_param(asset_ids)])}


def valued_by(source: ValueSource, asset_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the assets that the source values."""
    return {pk for other, ids in by_asset(asset_ids) if other.name == source.name for pk in ids}


def computes() -> bool:
    """Whether any source computes its values, so that `points` has none of them."""
    return any(source.points_sql is None for source in _sources)


def computed(asset_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the assets whose values are computed."""
    if not computes():
        return set()
    return {pk for source, ids in by_asset(asset_ids) if source.points_sql is None for pk in ids}


def points() -> str:
    """A SELECT of (asset_id, "on", instant, value): the values of all sources that record them.

    With one source it is that source's own text. With several the last one has only the assets that no other names.
    """
    if len(_sources) == 1 and _sources[0].points_sql is not None:
        return _sources[0].points_sql
    named = " UNION ALL ".join(source.assets_sql for source in _sources if source.assets_sql is not None)
    parts = [
        source.points_sql
        if source.assets_sql is not None
        else f"""SELECT asset_id, "on", instant, value FROM ({source.points_sql}) AS point
            WHERE asset_id NOT IN ({named})"""  # noqa: S608 - the sources' own SQL
        for source in _sources
        if source.points_sql is not None
    ]
    return " UNION ALL ".join(parts)


# --- values, whatever they come from ---


def values(asset_ids: Iterable[UUID], start: date, end: date) -> Iterator[AssetValues]:
    """Of each asset the newest value on or before `start`, and those of later days up to `end`; never from a derived
    table. Assets without any are left out.
    """
    for source, ids in by_asset(asset_ids):
        yield from source.values(ids, start, end)


def all_values(asset_ids: Iterable[UUID]) -> Iterator[AssetValues]:
    for batch in batched(asset_ids, ASSETS_AT_A_TIME):
        yield from values(batch, date.min, date.max)


def values_of_months(months: Sequence[Month]) -> Iterator[tuple[UUID, date, int]]:
    """(asset, day, amount) of each day in these months that has a value, in the order of each asset's days."""
    for source, ids in by_asset(dict.fromkeys(pk for pk, _ in months)):
        of_source = set(ids)
        yield from source.values_of_months([month for month in months if month[0] in of_source])


def windows(asset_ids: Iterable[UUID], days: Collection[date]) -> Iterator[tuple[UUID, Window]]:
    """What a write on these days changes, of each asset that has a value there."""
    for source, ids in by_asset(asset_ids):
        yield from source.windows(ids, days)


def value_days(asset_ids: Iterable[UUID]) -> dict[UUID, ValueDays]:
    """The first and the last day with a value of each asset. Assets without any are left out."""
    days: dict[UUID, ValueDays] = {}
    for source, ids in by_asset(asset_ids):
        days |= source.value_days(ids)
    return days


def edit_targets(asset_days: Collection[AssetDay]) -> dict[AssetDay, EditTarget]:
    """The row behind the value of each asset and day. Days without a value are left out."""
    targets: dict[AssetDay, EditTarget] = {}
    for source, ids in by_asset(dict.fromkeys(pk for pk, _ in asset_days)):
        of_source = set(ids)
        targets |= source.edit_targets([key for key in asset_days if key[0] in of_source])
    return targets
