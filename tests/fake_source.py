"""A value source whose values are in a dictionary: whatever works with it depends on no table of values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from uuid import UUID

from django.db import connection

from assets.models import Asset
from assets.valuation import registry, upkeep
from assets.valuation.protocol import (
    AssetDay,
    AssetValues,
    EditTarget,
    KnownFlow,
    MissingPrice,
    Month,
    Origin,
    ValueDays,
    Window,
)

FAKE, MADE_UP = "fake", Origin("made up")


class FakeSource:
    """Values the assets in `amounts`, which has their amounts (in ten-thousandths) by day; None is a gap.

    `is_stored` says whether derived tables have the values.
    """

    name = FAKE

    def __init__(self, *, is_stored: bool) -> None:
        self.is_stored = is_stored
        self.amounts: dict[UUID, dict[date, int | None]] = {}
        self.instrument_ids: dict[UUID, UUID] = {}

    @property
    def first_days_sql(self) -> str | None:
        rows = [(pk, min(days)) for pk, days in self.amounts.items() if days]
        return " UNION ALL ".join(first_day(*row) for row in rows) or None

    def values(self, asset_ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
        for pk in asset_ids:
            days = sorted(self.amounts[pk])
            wanted = days[max(bisect_right(days, start) - 1, 0) : bisect_right(days, end)]
            if wanted:
                yield AssetValues(pk, tuple(wanted), [self.amounts[pk][on] for on in wanted])

    def rebuilt(self, asset_ids: Sequence[UUID]) -> Iterator[AssetValues]:
        return self.values(asset_ids, date.min, date.max)

    def outdated(self, asset_ids: Sequence[UUID]) -> set[UUID]:
        return set()

    def values_of_months(self, months: Sequence[Month]) -> Iterator[tuple[UUID, date, int | None]]:
        for pk, month in sorted(months):
            for on in sorted(on for on in self.amounts[pk] if on.replace(day=1) == month):
                yield pk, on, self.amounts[pk][on]

    def value_days(self, asset_ids: Collection[UUID]) -> Mapping[UUID, ValueDays]:
        return {pk: ValueDays(min(days), max(days)) for pk in asset_ids if (days := self.amounts[pk])}

    def windows(self, asset_ids: Collection[UUID], days: Collection[date]) -> Iterator[tuple[UUID, Window]]:
        for pk in asset_ids:
            of_asset = self.amounts[pk]
            first = max((on for on in of_asset if on < min(days)), default=min(days))
            last = min((on for on in of_asset if on > max(days)), default=max(days))
            near = {on: of_asset[on] for on in sorted(of_asset) if first <= on <= last}
            yield pk, Window(near, frozenset(near.keys() & set(days)))

    def edit_targets(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, EditTarget]:
        return {(pk, on): EditTarget("assets.Asset", pk) for pk, on in asset_days if on in self.amounts[pk]}

    def known_flows(
        self, asset_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, Sequence[KnownFlow]]:
        return {}

    def origins(self, asset_ids: Sequence[UUID], days: Sequence[date]) -> Mapping[AssetDay, Origin]:
        return {(pk, on): MADE_UP for pk in asset_ids for on in days}

    def missing_prices(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, MissingPrice]:
        return {
            (pk, on): MissingPrice(self.instrument_ids.get(pk), self.last_on(pk, on)) for pk, on in asset_days
        }

    def last_on(self, pk: UUID, on: date) -> date | None:
        """The last day up to `on` that has an amount."""
        return max(
            (day for day, amount in self.amounts[pk].items() if amount is not None and day <= on),
            default=None,
        )

    # --- writes, as a service of a real source makes them ---

    def value_assets(self, amounts: Mapping[UUID, Mapping[date, int | None]]) -> None:
        """From now on the source values these assets, and has these values of them."""
        mine = [pk for pk in amounts if pk in self.amounts]
        captured = upkeep.capture(mine)
        self.amounts |= {pk: dict(days) for pk, days in amounts.items()}
        upkeep.update(captured)
        Asset.objects.filter(pk__in=[*amounts]).exclude(pk__in=mine).update(valuation=self.name)

    def leave_assets(self, asset_ids: Collection[UUID]) -> None:
        Asset.objects.filter(pk__in=asset_ids).update(valuation=registry.MANUAL)
        for pk in asset_ids:
            del self.amounts[pk]

    def change(
        self,
        asset_ids: Collection[UUID],
        amounts: Mapping[date, int | None],
        gaps: Collection[date] = (),
    ) -> None:
        """Set the amount of each day for each of the assets; None removes it. `gaps` begin on their days."""
        captured = upkeep.capture(asset_ids, {*amounts, *gaps})
        for pk in asset_ids:
            self.amounts[pk] |= {on: amount for on, amount in amounts.items() if amount is not None}
            for on in [on for on, amount in amounts.items() if amount is None]:
                self.amounts[pk].pop(on, None)
            self.amounts[pk] |= dict.fromkeys(gaps)
        upkeep.update(captured)


def first_day(pk: UUID, on: date) -> str:
    if connection.vendor == "sqlite":
        return f"""SELECT '{on}' AS "on" WHERE {{asset}} = '{pk.hex}'"""
    return f"""SELECT '{on}'::date AS "on" WHERE {{asset}} = '{pk}'"""


@contextmanager
def registered(source: FakeSource) -> Iterator[None]:
    register(source)
    try:
        yield
    finally:
        registry.unregister(source)


def register(source: FakeSource) -> None:
    (registry.register_stored if source.is_stored else registry.register)(source)
