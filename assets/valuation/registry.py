"""The value sources: which there are, which of them values an asset, and the values of all of them.

Asset.valuation names the source of an asset, and Asset.shares the household's part of its values. The functions here
are given both with the ids, so that none of them makes a query to find them out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from itertools import batched
from uuid import UUID

from django.db.models import Q

from assets.models.asset import Valuation
from assets.valuation.formulas.shares import Shares, parts, shares_in
from assets.valuation.protocol import (
    AssetDay,
    AssetValues,
    EditTarget,
    KnownFlow,
    MissingPrice,
    Month,
    Origin,
    StoredSource,
    ValueDays,
    ValueSource,
    Window,
)
from strata.db.prepared import forget_prepared

# By the id of the asset its source_name; Asset.valuation alone for the whole values.
type Valuations = Mapping[UUID, str]
ASSETS_AT_A_TIME = 200  # so that ten years of values of many assets are never in memory at once
MANUAL: str = Valuation.MANUAL.value
BY_HAND = Q(valuation=MANUAL, shares="")  # assets whose recorded values are what counts

_stored: dict[str, StoredSource] = {}
_computed: dict[str, ValueSource] = {}
_points = ""


def register(source: ValueSource) -> None:
    """Add a source. Raises TypeError for a name that is taken."""
    if source.name in _stored or source.name in _computed:
        raise TypeError(f"There is a value source called {source.name!r} already.")
    _computed[source.name] = source
    forget_prepared()


def register_stored(source: StoredSource) -> None:
    """The same for a source whose values are in the derived tables."""
    register(source)
    _stored[source.name] = source
    del _computed[source.name]


def register_manual(source: StoredSource, *, points_sql: str) -> None:
    """The source of the assets that are valued by hand. Its values are rows, which the database can read by itself:
    `points_sql` is a SELECT of (asset_id, "on", instant, value), a row for each value, without parameters. `instant`
    orders the values of one day. An index must serve (asset_id, "on", instant).
    """
    global _points
    register_stored(source)
    _points = points_sql


def unregister(source: ValueSource) -> None:
    """Remove a source. For tests."""
    _stored.pop(source.name, None)
    _computed.pop(source.name, None)
    forget_prepared()


def is_by_hand(valuation: str) -> bool:
    """Whether recorded values are the only ones. All other assets have a value of each day by themselves."""
    return valuation == MANUAL


def has_market_price(valuation: str) -> bool:
    """Whether an asset is worth its units at the price of its instrument."""
    return valuation == Valuation.MARKET


def valued_at_market() -> Q:
    """Of assets: those that are worth their units at the price of their instrument."""
    return Q(valuation=Valuation.MARKET)


def valued_by_hand() -> Q:
    """Of assets: those that are valued by hand."""
    return Q(valuation=MANUAL)


def is_stored(name: str) -> bool:
    return name in _stored


def stored_names() -> list[str]:
    return sorted(_stored)


def in_derived_tables() -> Q:
    """Of assets: those whose values are in the derived tables."""
    return Q(valuation__in=stored_names(), shares="")


def of_stored_sources(valuations: Valuations) -> dict[UUID, str]:
    """Those of the assets whose values are in the derived tables."""
    return {pk: name for pk, name in valuations.items() if name in _stored}


def by_source(valuations: Valuations) -> Iterator[tuple[ValueSource, list[UUID]]]:
    """Each source with those of the assets that it values, in the order given; sources without any are left out."""
    ids_by_name: dict[str, list[UUID]] = {}
    for pk, name in valuations.items():
        ids_by_name.setdefault(name, []).append(pk)
    for name, ids in ids_by_name.items():
        yield _source(name), ids


def _source(name: str) -> ValueSource:
    valuation, _, shares = name.partition(" ")
    source = _stored.get(valuation) or _computed[valuation]
    return SharedSource(source, shares_in(shares)) if shares else source


def by_stored_source(valuations: Valuations) -> Iterator[tuple[StoredSource, list[UUID]]]:
    """The same for the stored sources alone."""
    for source, ids in by_source(of_stored_sources(valuations)):
        yield _stored[source.name], ids


# --- for SQL: constant texts, because queries with them are compiled once ---


def points() -> str:
    """A SELECT of (asset_id, "on", instant, value): the recorded values. They are anchors where the asset has another
    source than MANUAL, and of the whole asset where the household owns a share.
    """
    return _points


def first_day(asset: str) -> str:
    """The day of the first value of an asset, whatever its source is; `asset` is the SQL of its id."""
    sources: list[ValueSource] = [*_stored.values(), *_computed.values()]
    days = [source.first_days_sql.format(asset=asset) for source in sources if source.first_days_sql]
    return f'(SELECT MIN(d."on") FROM ({" UNION ALL ".join(days)}) AS d)'  # noqa: S608 - constants only


# --- values, whatever they come from ---


def values(valuations: Valuations, start: date, end: date) -> Iterator[AssetValues]:
    """Of each asset the newest value on or before `start`, and those of later days up to `end`; never from a derived
    table. Assets without any are left out.
    """
    for source, ids in by_source(valuations):
        yield from source.values(ids, start, end)


def value_days(valuations: Valuations) -> dict[UUID, ValueDays]:
    """The first and the last day with a value of each asset. Assets without any are left out."""
    days: dict[UUID, ValueDays] = {}
    for source, ids in by_source(valuations):
        days |= source.value_days(ids)
    return days


def edit_targets(asset_days: Collection[AssetDay], valuations: Valuations) -> dict[AssetDay, EditTarget]:
    """The row behind the value of each asset and day. Days without a value are left out."""
    targets: dict[AssetDay, EditTarget] = {}
    for source, ids in by_source({pk: valuations[pk] for pk, _ in asset_days}):
        of_source = set(ids)
        targets |= source.edit_targets([key for key in asset_days if key[0] in of_source])
    return targets


def known_flows(valuations: Valuations, start: date, end: date) -> dict[UUID, Sequence[KnownFlow]]:
    """The income and the expenses after `start` up to `end` that the sources themselves know, by asset."""
    flows: dict[UUID, Sequence[KnownFlow]] = {}
    for source, ids in by_source(valuations):
        flows |= source.known_flows(ids, start, end)
    return flows


def origins(valuations: Valuations, days: Sequence[date]) -> dict[AssetDay, Origin]:
    """What the value of each asset on each of the days was made of."""
    by_day: dict[AssetDay, Origin] = {}
    for source, ids in by_source(valuations):
        by_day |= source.origins(ids, days)
    return by_day


def missing_prices(asset_days: Collection[AssetDay], valuations: Valuations) -> dict[AssetDay, MissingPrice]:
    """Which price is missing, of each asset and day that is in a gap; those without one are left out."""
    missing: dict[AssetDay, MissingPrice] = {}
    for source, ids in by_source({pk: valuations[pk] for pk, _ in asset_days}):
        of_source = set(ids)
        missing |= source.missing_prices([key for key in asset_days if key[0] in of_source])
    return missing


# --- what derived tables are filled from: the stored sources ---


def stored_values(valuations: Valuations) -> Iterator[AssetValues]:
    """All values of the assets of stored sources."""
    for batch in batched(valuations.items(), ASSETS_AT_A_TIME):
        yield from values(of_stored_sources(dict(batch)), date.min, date.max)


def rebuilt(valuations: Valuations) -> Iterator[AssetValues]:
    """The same, and each source stores what it derives besides values."""
    for batch in batched(valuations.items(), ASSETS_AT_A_TIME):
        for source, ids in by_stored_source(dict(batch)):
            yield from source.rebuilt(ids)


def outdated(valuations: Valuations) -> Iterator[UUID]:
    """The assets of which what their source has derived besides values is wrong."""
    for source, ids in by_stored_source(valuations):
        yield from source.outdated(ids)


def values_of_months(
    months: Sequence[Month], valuations: Valuations
) -> Iterator[tuple[UUID, date, int | None]]:
    """(asset, day, amount) of each day in these months that has a value, in the order of each asset's days."""
    for source, ids in by_stored_source({pk: valuations[pk] for pk, _ in months}):
        of_source = set(ids)
        yield from source.values_of_months([month for month in months if month[0] in of_source])


def windows(valuations: Valuations, days: Collection[date]) -> Iterator[tuple[UUID, Window]]:
    """What a write on these days changes, of each asset that has a value there."""
    for source, ids in by_stored_source(valuations):
        yield from source.windows(ids, days)


# --- assets of which the household owns a share ---


class SharedSource:
    """The household's part of the values of another source. Nothing of it is stored, whatever that source is."""

    is_stored = False
    first_days_sql = None  # those of the other source

    def __init__(self, whole: ValueSource, shares: Shares) -> None:
        self.name, self.whole, self.shares = whole.name, whole, shares

    def values(self, asset_ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
        for pk, days, amounts in self.whole.values(asset_ids, start, end):
            yield AssetValues(pk, *parts(days, amounts, self.shares, start=start, end=end))

    def value_days(self, asset_ids: Collection[UUID]) -> Mapping[UUID, ValueDays]:
        """Of the whole: a change of the share is no day with a value here."""
        return self.whole.value_days(asset_ids)

    def edit_targets(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, EditTarget]:
        return self.whole.edit_targets(asset_days)

    def known_flows(
        self, asset_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, Sequence[KnownFlow]]:
        return {
            pk: [flow._replace(amount=self.shares.part_on(flow.on, flow.amount)) for flow in flows]
            for pk, flows in self.whole.known_flows(asset_ids, start, end).items()
        }

    def origins(self, asset_ids: Sequence[UUID], days: Sequence[date]) -> Mapping[AssetDay, Origin]:
        return self.whole.origins(asset_ids, days)

    def missing_prices(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, MissingPrice]:
        return self.whole.missing_prices(asset_days)
