"""The table of monthly values: what a write changes in it, rebuilt from the values, and compared with them.

Its SQL for reports is in assets.valuation.sql.months.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import batched, chain, groupby
from operator import itemgetter
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from assets.models import Asset, MonthlyValues
from assets.valuation.codecs.months import NOTHING, EncodedMonth, encode_months, encoded_rows
from assets.valuation.protocol import Month, source_name
from assets.valuation.registry import ASSETS_AT_A_TIME, Valuations, stored_values, values_of_months
from strata.audit import clock
from strata.db.bulk import insert_rows, replace_rows

BATCH = 200
INSERTED_AT_ONCE = 5_000
COLUMNS = ("asset", "month", "days", "amounts")
NO_MONTHS: Mapping[Month, EncodedMonth] = {}


type Row = tuple[str, str, int, bytes]


class NewMonths:
    """Inserts all months of assets of which none is stored, those of many assets in one statement."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, asset_id: UUID, days: Sequence[date], values: Sequence[int | None]) -> None:
        """The values are those of the asset, the oldest day first."""
        pk = asset_id.hex
        self.rows += [(pk, iso(month), bits, encoded) for month, bits, encoded in encoded_rows(days, values)]
        if len(self.rows) > INSERTED_AT_ONCE:
            self.insert()

    def insert(self) -> None:
        if self.rows:
            insert_rows(MonthlyValues, COLUMNS, self.rows)
            self.rows = []


iso = lru_cache(1024)(date.isoformat)  # many assets have the same months


def write(months: Iterable[tuple[Month, EncodedMonth]]) -> None:
    """Insert months, or replace those that are stored; each occurs once."""
    rows = ((pk.hex, iso(month), *encoded) for (pk, month), encoded in months)
    replace_rows(MonthlyValues, COLUMNS, rows, unique=("asset", "month"))


def apply(
    months: Collection[Month], valuations: Valuations, encoded: Mapping[Month, EncodedMonth] = NO_MONTHS
) -> None:
    """Write these months: as `encoded` has them, or else as the current values are."""
    unknown = set(months) - encoded.keys()
    write(chain(read_again(unknown, valuations), sorted(encoded.items())))


def read_again(months: Collection[Month], valuations: Valuations) -> Iterator[tuple[Month, EncodedMonth]]:
    """These months of the current values: without any where the asset's source is not a stored one."""
    for batch in batched(sorted(months), BATCH):
        fresh = dict.fromkeys(batch, NOTHING)
        for pk, values in groupby(values_of_months(batch, valuations), key=itemgetter(0)):
            _, days, amounts = zip(*values, strict=True)
            fresh |= {(pk, month): encoded for month, encoded in encode_months(days, amounts)}
        yield from fresh.items()


# --- rebuilt, and compared ---


def of_no_asset() -> QuerySet[MonthlyValues]:
    """Months of assets that are gone: nobody reads them, and no constraint of PostgreSQL prevents them."""
    return MonthlyValues.objects.filter(~Exists(Asset.objects.filter(pk=OuterRef("asset")))).order_by()


def forget_portfolio(portfolio_id: UUID) -> None:
    assets = Asset.objects.filter(portfolio=portfolio_id).order_by()
    MonthlyValues.objects.filter(asset__in=assets.values("pk")).delete()


def forget_of(asset_ids: Collection[UUID]) -> None:
    MonthlyValues.objects.filter(asset__in=asset_ids).delete()


def calculated(valuations: Valuations) -> dict[Month, EncodedMonth]:
    """What the table should hold for these assets, calculated from their values."""
    return {
        (pk, month): encoded
        for pk, days, values in stored_values(valuations)
        for month, encoded in encode_months(days, values)
    }


def stored(asset_ids: Collection[UUID]) -> dict[Month, EncodedMonth]:
    """What the table holds for these assets, without months that have no values left."""
    clock.require_present()
    rows = MonthlyValues.objects.filter(asset__in=asset_ids).exclude(days=0)
    columns = rows.values_list("asset_id", "month", "days", "amounts")
    return {(pk, month): EncodedMonth(days, bytes(amounts)) for pk, month, days, amounts in columns}


def differences(portfolio_id: UUID) -> set[Month]:
    """The months of a portfolio's assets for which the table is wrong."""
    wrong: set[Month] = set()
    assets = (
        Asset.objects.filter(portfolio=portfolio_id).order_by("pk").values_list("pk", "valuation", "shares")
    )
    for batch in batched(assets, ASSETS_AT_A_TIME):
        valuations = {pk: source_name(*names) for pk, *names in batch}
        actual, expected = stored(valuations), calculated(valuations)
        wrong |= {month for month in actual | expected if actual.get(month) != expected.get(month)}
    return wrong
