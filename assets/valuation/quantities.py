"""The table of quantities held: written with the values that follow from them, by the source of market prices."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

from assets.models import HeldQuantities
from assets.valuation.codecs.quantities import EncodedQuantities, decode_quantities, encode_quantities
from assets.valuation.formulas.market import Held
from strata.audit import clock
from strata.db.bulk import replace_rows


def read(asset_ids: Collection[UUID], since: date) -> dict[UUID, Held]:
    """What each of the assets holds from the end of the day on (see decode_quantities), as far as that is stored."""
    return {pk: decode_quantities(encoded, since) for pk, encoded in stored(asset_ids).items()}


def write(held: Mapping[UUID, Held]) -> None:
    """Insert the quantities of these assets, or replace those that are stored."""
    replace_rows(
        HeldQuantities,
        ("asset", *EncodedQuantities._fields),
        ((pk.hex, *encode_quantities(each)) for pk, each in held.items()),
        unique=("asset",),
    )


def forget(asset_ids: Collection[UUID]) -> None:
    if asset_ids:
        HeldQuantities.objects.filter(asset__pk__among=list(asset_ids)).delete()


def forget_portfolio(portfolio_id: UUID) -> None:
    HeldQuantities.objects.filter(asset__portfolio=portfolio_id).delete()


def stored(asset_ids: Collection[UUID]) -> dict[UUID, EncodedQuantities]:
    """What the table has of these assets."""
    clock.require_present()
    rows = HeldQuantities.objects.filter(asset__pk__among=list(asset_ids))
    columns = rows.values_list("asset_id", "days", "units")
    return {pk: EncodedQuantities(bytes(days), units) for pk, days, units in columns}
