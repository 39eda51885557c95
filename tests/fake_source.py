"""A value source whose values are in a dictionary: whatever works with it depends on no table of values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from uuid import UUID

from django.db import connection

from assets.valuation import registry, upkeep
from assets.valuation.protocol import AssetDay, AssetValues, EditTarget, Month, ValueDays, ValueSource, Window

NOBODY = UUID(int=0)


class FakeSource:
    """Values the assets in `amounts`, which has their amounts (in ten-thousandths) by day.

    `recorded` says whether the database can read the values: then `points_sql` has all of them as constants.
    """

    name = "fake"

    def __init__(self, *, recorded: bool) -> None:
        self.recorded = recorded
        self.amounts: dict[UUID, dict[date, int]] = {}

    @property
    def assets_sql(self) -> str:
        ids = ", ".join(["NULL", *(f"'{pk.hex}'" for pk in self.amounts)])
        return f"SELECT id AS asset_id FROM assets_asset WHERE id IN ({ids})"

    @property
    def points_sql(self) -> str | None:
        if not self.recorded:
            return None
        rows = [(pk, on, amount) for pk, days in self.amounts.items() for on, amount in days.items()]
        rows = rows or [(NOBODY, date.min, 0)]
        return " UNION ALL ".join(point(*row) for row in rows)

    def values(self, asset_ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
        for pk in asset_ids:
            days = sorted(self.amounts[pk])
            wanted = days[max(bisect_right(days, start) - 1, 0) : bisect_right(days, end)]
            if wanted:
                yield AssetValues(pk, tuple(wanted), [self.amounts[pk][on] for on in wanted])

    def values_of_months(self, months: Sequence[Month]) -> Iterator[tuple[UUID, date, int]]:
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

    # --- writes, as a service of a real source makes them ---

    def value_assets(self, amounts: Mapping[UUID, Mapping[date, int]]) -> None:
        """From now on the source values these assets, and has these values of them."""
        captured = upkeep.capture(amounts)
        self.amounts |= {pk: dict(days) for pk, days in amounts.items()}
        upkeep.update(captured)

    def leave_assets(self, asset_ids: Collection[UUID]) -> None:
        captured = upkeep.capture(asset_ids)
        for pk in asset_ids:
            del self.amounts[pk]
        upkeep.update(captured)

    def change(self, asset_ids: Collection[UUID], amounts: Mapping[date, int | None]) -> None:
        """Set the amount of each day for each of the assets; None removes it."""
        captured = upkeep.capture(asset_ids, amounts)
        for pk in asset_ids:
            self.amounts[pk] |= {on: amount for on, amount in amounts.items() if amount is not None}
            for on in [on for on, amount in amounts.items() if amount is None]:
                self.amounts[pk].pop(on, None)
        upkeep.update(captured)


def point(pk: UUID, on: date, amount: int) -> str:
    if connection.vendor == "sqlite":
        return f"""SELECT '{pk.hex}' AS asset_id, '{on}' AS "on", NULL AS instant, {amount} AS value"""
    return f"""SELECT '{pk}'::uuid AS asset_id, '{on}'::date AS "on", NULL::timestamptz AS instant,
        {amount}::bigint AS value"""


@contextmanager
def registered(source: ValueSource) -> Iterator[None]:
    registry.register(source)
    try:
        yield
    finally:
        registry.unregister(source)
