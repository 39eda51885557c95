"""The table of packed months: kept in step with the values, made anew, and compared with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import batched
from uuid import UUID

from assets import sql
from assets.calculations.packing import NOTHING, Packed, changed, packed
from assets.models import Asset, PackedMonth
from assets.stored_values import ASSETS_AT_A_TIME, Around, all_values

BATCH = 200


def amend(before: Mapping[UUID, Around], after: Mapping[UUID, Around]) -> None:
    """Write what some snapshots change: they stood where they were `before`, and stand where they are `after`."""
    months: dict[sql.Month, dict[date, int | None]] = {}
    for pk, on, value in _standing(before, after):
        months.setdefault((pk, on.replace(day=1)), {})[on] = value
    for batch in batched(sorted(months), BATCH):
        known = sql.months_of(batch)
        sql.write_months((key, changed(key[1], known.get(key, NOTHING), months[key])) for key in batch)


def _standing(
    before: Mapping[UUID, Around], after: Mapping[UUID, Around]
) -> Iterable[tuple[UUID, date, int | None]]:
    """The value of each day that is touched: where a snapshot leaves, another of the day stands, or none."""
    for pk, around in before.items():
        for on in around.touched:
            yield pk, on, around.without.get(on)
    for pk, around in after.items():
        for on in around.touched:
            yield pk, on, around.with_them[on]


# --- made anew, and compared ---


def write(asset_id: UUID, days: Iterable[date], values: Iterable[int]) -> None:
    """Write all the months of an asset with these values, the oldest day first."""
    for batch in batched(packed(zip(days, values, strict=True)), BATCH):
        sql.write_months(((asset_id, month), one) for month, one in batch)


def forget_portfolio(portfolio_id: UUID) -> None:
    PackedMonth.objects.filter(asset__portfolio=portfolio_id).delete()


def calculated(asset_ids: Iterable[UUID]) -> dict[sql.Month, Packed]:
    """What the table should hold of some assets, by their values."""
    return {
        (pk, month): one
        for pk, days, values in all_values(asset_ids)
        for month, one in packed(zip(days, values, strict=True))
    }


def stored(asset_ids: Collection[UUID]) -> dict[sql.Month, Packed]:
    """What the table holds of them. Months that have come to nothing are as good as none."""
    rows = PackedMonth.objects.filter(asset__in=asset_ids).exclude(days=0)
    found = rows.values_list("asset_id", "month", "days", "amounts")
    return {(pk, month): Packed(days, bytes(amounts)) for pk, month, days, amounts in found}


def mistakes(portfolio_id: UUID) -> set[sql.Month]:
    """The months of a portfolio's assets about which the table is wrong."""
    wrong: set[sql.Month] = set()
    ids = Asset.objects.filter(portfolio=portfolio_id).order_by("pk").values_list("pk", flat=True)
    for some in batched(ids, ASSETS_AT_A_TIME):
        there, wanted = stored(some), calculated(some)
        wrong |= {month for month in there | wanted if there.get(month) != wanted.get(month)}
    return wrong
