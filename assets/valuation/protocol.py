"""What a value source is: one way in which assets get values. Everything else in valuation is built on this.

Amounts are whole ten-thousandths of the asset's own currency, negative for what is owed. Days are calendar days where
the asset's portfolio is. Ids have come through `for_user` already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, Protocol
from uuid import UUID

type Place = tuple[UUID, int, date | None]  # an asset, the number of the column it counts in, its disposal
type Month = tuple[UUID, date]  # of an asset, by its first day
type AssetDay = tuple[UUID, date]


def source_name(valuation: str, shares: str) -> str:
    """Which source has the values of an asset: that of its valuation, or the household's part of that."""
    return f"{valuation} {shares}" if shares else valuation


class AssetValues(NamedTuple):
    """An asset's values: of each day that has any the one that counts, oldest first; `amounts` go with `days`.

    None is a gap: from this day on there is no value, until the next day with one.
    """

    asset_id: UUID
    days: Sequence[date]
    amounts: Sequence[int | None]  # ten-thousandths


class ValueDays(NamedTuple):
    """The first and the last day with a value."""

    first: date
    last: date


class Window(NamedTuple):
    """Part of an asset's values: from the last day with a value before the days that a write touches to the first such
    day after them. `amounts` has all days in between that have a value, oldest first; `touched` are those that the
    write touches.
    """

    amounts: Mapping[date, int | None]  # ten-thousandths; None is a gap, as in AssetValues
    touched: frozenset[date]


class EditTarget(NamedTuple):
    """The row that a person edits to correct a value: the label of its model, such as "assets.Asset", and its id."""

    model_label: str
    pk: UUID


class Origin(NamedTuple):
    """What a value was made of: "snapshot" for a recorded one, "schedule", "growth", and so on, and the inputs.

    `price` is what one unit of `quantity` costs, in the currency and in units of the day; `price_on` says when it was.
    """

    source: str
    rate: Decimal | None = None  # a year, as a fraction of 1
    quantity: Fraction | None = None
    price: Fraction | None = None
    price_on: date | None = None


class KnownFlow(NamedTuple):
    """Income or an expense that follows from a source, as the interest of a loan. Not negative."""

    on: date
    amount: int  # ten-thousandths
    is_income: bool = False


class Gap(NamedTuple):
    """The days from `start` up to the day before `end` (None: all later ones) on which an asset has no value, because
    no price counts. It counts nothing then.
    """

    asset_id: UUID
    start: date
    end: date | None

    def has(self, on: date) -> bool:
        return self.start <= on and (self.end is None or on < self.end)


class MissingPrice(NamedTuple):
    """Why an asset is in a gap: its instrument has no price that counts on the day. `last_on` is the day of the last
    price before that; None where there is none. `instrument_id` is None where the source has no instrument for it.
    """

    instrument_id: UUID | None = None
    last_on: date | None = None


class PriceGap(NamedTuple):
    """An asset that is left out on a day, because no price of its instrument counts. `last_on` is the day of the last
    price before that, None where there is none. Without an instrument `symbol` is "".
    """

    asset_id: UUID
    asset_name: str
    portfolio_id: UUID
    instrument_id: UUID | None
    symbol: str
    on: date
    last_on: date | None


class ValueSource(Protocol):
    """One way in which assets get values. Asset.valuation says by its name which source an asset has.

    A stored source keeps the values of its assets in the derived tables. The values of any other source are computed
    whenever they are read: time alone may add some. Under known_at each method answers from the rows that the journal
    records, and never from a derived table.
    """

    @property
    def name(self) -> str:
        """As Asset.valuation has it."""

    @property
    def is_stored(self) -> bool:
        """Whether derived tables have its values."""

    @property
    def first_days_sql(self) -> str | None:
        """A SELECT of ("on"): from which day on one asset has values, where that is not a recorded one.

        {asset} is in place of the asset's id. It reads recorded rows, by an index on the asset, gives a few rows at
        most, and has no parameters. The id is inside of it because SQLite reads whole tables where a condition is
        outside of a UNION ALL with a join or a subquery. None where only a recorded value is the beginning.
        """

    def values(self, asset_ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
        """Of each asset the newest value on or before `start`, and those of later days up to `end`.

        Assets without any are left out. Derived tables are filled from this.
        """

    def value_days(self, asset_ids: Collection[UUID]) -> Mapping[UUID, ValueDays]:
        """The first and the last day with a value of each asset. Assets without any are left out."""

    def edit_targets(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, EditTarget]:
        """The row behind the value of each asset and day, in a fixed number of queries. Days without are left out."""

    def known_flows(
        self, asset_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, Sequence[KnownFlow]]:
        """Income and expenses after `start` up to `end` that nobody has to enter, of the assets that have any."""

    def origins(self, asset_ids: Sequence[UUID], days: Sequence[date]) -> Mapping[AssetDay, Origin]:
        """What the value of each asset on each of the days was made of. Days without a value may be left out."""

    def missing_prices(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, MissingPrice]:
        """Which price is missing, of each asset and day that is in a gap, in a fixed number of queries.

        The days are in gaps: each is asked for once a gap, and not for each of its days. Those of which the source
        knows nothing more are left out.
        """


class StoredSource(ValueSource, Protocol):
    """What keeps derived tables up to date with the writes of a stored source."""

    def rebuilt(self, asset_ids: Sequence[UUID]) -> Iterator[AssetValues]:
        """All values of each of the assets. It stores what the source itself derives besides values, and has none of
        it before.
        """

    def outdated(self, asset_ids: Sequence[UUID]) -> set[UUID]:
        """The assets of which what the source has derived besides values is wrong."""

    def values_of_months(self, months: Sequence[Month]) -> Iterator[tuple[UUID, date, int | None]]:
        """(asset, day, amount) of each day in these months that has a value, in the order of assets and days."""

    def windows(self, asset_ids: Collection[UUID], days: Collection[date]) -> Iterator[tuple[UUID, Window]]:
        """What a write on these days changes: see Window. Assets without a value there are left out."""
