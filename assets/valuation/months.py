"""The table of monthly values: updated with every write of values, rebuilt from them, and compared with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import batched, groupby
from operator import itemgetter
from uuid import UUID

from assets.models import Asset, MonthlyValues
from assets.valuation import protocol, sql
from assets.valuation.codecs.months import NOTHING, EncodedMonth, encode_months
from assets.valuation.registry import (
    ASSETS_AT_A_TIME,
    Valuations,
    source_name,
    stored_values,
    values_of_months,
)
from strata.audit import clock

BATCH = 200


def touched(asset_id: UUID, days: Iterable[date]) -> set[protocol.Month]:
    return {(asset_id, on.replace(day=1)) for on in days}


def refresh(months: Collection[protocol.Month], valuations: Valuations) -> None:
    """Encode these months again from the current values: without any where the asset's source is not a stored one."""
    for batch in batched(sorted(months), BATCH):
        fresh = dict.fromkeys(batch, NOTHING)
        for pk, values in groupby(values_of_months(batch, valuations), key=itemgetter(0)):
            _, days, amounts = zip(*values, strict=True)
            fresh |= {(pk, month): encoded for month, encoded in encode_months(days, amounts)}
        sql.write_months(fresh.items())


def write_encoded(months: Mapping[protocol.Month, EncodedMonth]) -> None:
    """Write these months, whatever the values are."""
    for batch in batched(sorted(months), BATCH):
        sql.write_months((month, months[month]) for month in batch)


# --- rebuilt, and compared ---


def write(asset_id: UUID, days: Sequence[date], values: Sequence[int | None]) -> None:
    """Write all the months of an asset with these values, the oldest day first."""
    for batch in batched(encode_months(days, values), BATCH):
        sql.write_months(((asset_id, month), encoded) for month, encoded in batch)


def forget_portfolio(portfolio_id: UUID) -> None:
    MonthlyValues.objects.filter(asset__portfolio=portfolio_id).delete()


def calculated(valuations: Valuations) -> dict[protocol.Month, EncodedMonth]:
    """What the table should hold for these assets, calculated from their values."""
    return {
        (pk, month): encoded
        for pk, days, values in stored_values(valuations)
        for month, encoded in encode_months(days, values)
    }


def stored(asset_ids: Collection[UUID]) -> dict[protocol.Month, EncodedMonth]:
    """What the table holds for these assets, without months that have no values left."""
    clock.require_present()
    rows = MonthlyValues.objects.filter(asset__in=asset_ids).exclude(days=0)
    columns = rows.values_list("asset_id", "month", "days", "amounts")
    return {(pk, month): EncodedMonth(days, bytes(amounts)) for pk, month, days, amounts in columns}


def differences(portfolio_id: UUID) -> set[protocol.Month]:
    """The months of a portfolio's assets for which the table is wrong."""
    wrong: set[protocol.Month] = set()
    assets = (
        Asset.objects.filter(portfolio=portfolio_id).order_by("pk").values_list("pk", "valuation", "shares")
    )
    for batch in batched(assets, ASSETS_AT_A_TIME):
        valuations = {pk: source_name(*names) for pk, *names in batch}
        actual, expected = stored(valuations), calculated(valuations)
        wrong |= {month for month in actual | expected if actual.get(month) != expected.get(month)}
    return wrong
