"""What a value source is: one way in which assets get values. Everything else in valuation is built on this.

Amounts are whole ten-thousandths of the asset's own currency, negative for what is owed. Days are calendar days where
the asset's portfolio is. Ids have come through `for_user` already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol
from uuid import UUID

type Place = tuple[UUID, int, date | None]  # an asset, the number of the column it counts in, its disposal
type Month = tuple[UUID, date]  # of an asset, by its first day
type AssetDay = tuple[UUID, date]


class AssetValues(NamedTuple):
    """An asset's values: of each day that has any the one that counts, oldest first; `amounts` go with `days`."""

    asset_id: UUID
    days: Sequence[date]
    amounts: Sequence[int]  # ten-thousandths


class ValueDays(NamedTuple):
    """The first and the last day with a value."""

    first: date
    last: date


class Window(NamedTuple):
    """Part of an asset's values: from the last day with a value before the days that a write touches to the first such
    day after them. `amounts` has all days in between that have a value, oldest first; `touched` are those that the
    write touches.
    """

    amounts: Mapping[date, int]  # ten-thousandths
    touched: frozenset[date]


class EditTarget(NamedTuple):
    """The row that a person edits to correct a value: the label of its model, such as "assets.Asset", and its id."""

    model_label: str
    pk: UUID


class ValueSource(Protocol):
    """One way in which assets get values. An asset has one source at a time.

    Under known_at each method answers from the rows that the journal records, and never from a derived table.
    """

    @property
    def name(self) -> str:
        """A word for the source: "snapshots", "loan"."""

    @property
    def assets_sql(self) -> str | None:
        """A SELECT of `asset_id`: the assets that the source values. It reads recorded rows, and has no parameters.

        None for the one source that values all assets that no other source names.
        """

    @property
    def points_sql(self) -> str | None:
        """A SELECT of (asset_id, "on", instant, value): a row for each value of its assets, without parameters.

        It is always the same text, because queries with it are compiled once. `instant` orders the values of one day;
        it may be NULL where a day has one value. Of a source with `assets_sql` it has the assets named there alone.
        An index must serve (asset_id, "on", instant). It reads recorded rows. None where values are computed: they are
        then read from the monthly values, and under known_at from `values`.
        """

    def values(self, asset_ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
        """Of each asset the newest value on or before `start`, and those of later days up to `end`.

        Assets without any are left out. Derived tables are filled from this.
        """

    def values_of_months(self, months: Sequence[Month]) -> Iterator[tuple[UUID, date, int]]:
        """(asset, day, amount) of each day in these months that has a value, in the order of assets and days."""

    def value_days(self, asset_ids: Collection[UUID]) -> Mapping[UUID, ValueDays]:
        """The first and the last day with a value of each asset. Assets without any are left out."""

    def windows(self, asset_ids: Collection[UUID], days: Collection[date]) -> Iterator[tuple[UUID, Window]]:
        """What a write on these days changes: see Window. Assets without a value there are left out."""

    def edit_targets(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, EditTarget]:
        """The row behind the value of each asset and day, in a fixed number of queries. Days without are left out."""
