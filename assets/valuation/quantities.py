"""The table of quantities held: updated with every write that changes what is held, rebuilt, and compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

from assets.models import Asset, HeldQuantities
from assets.valuation.codecs.quantities import EncodedQuantities, decode_quantities, encode_quantities
from assets.valuation.formulas.market import Held
from assets.valuation.registry import source_name
from assets.valuation.sources.market_inputs import MARKET, held_by, holders_of
from strata.audit import clock

BATCH = 200


def read(asset_ids: Collection[UUID], since: date) -> dict[UUID, Held]:
    """What each of the assets holds from the end of the day on (see decode_quantities), as far as that is stored."""
    return {pk: decode_quantities(encoded, since) for pk, encoded in stored(asset_ids).items()}


def write(held: Mapping[UUID, Held]) -> None:
    """Insert the quantities of these assets, or replace those that are stored."""
    rows = [HeldQuantities(asset_id=pk, **encode_quantities(each)._asdict()) for pk, each in held.items()]
    if rows:
        HeldQuantities.objects.bulk_create(
            rows,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=("asset",),
            update_fields=EncodedQuantities._fields,
        )


def forget(asset_ids: Collection[UUID]) -> None:
    if asset_ids:
        HeldQuantities.objects.filter(asset__pk__among=list(asset_ids)).delete()


# --- rebuilt, and compared ---


def forget_portfolio(portfolio_id: UUID) -> None:
    HeldQuantities.objects.filter(asset__portfolio=portfolio_id).delete()


def calculated(asset_ids: Collection[UUID]) -> dict[UUID, EncodedQuantities]:
    """What the table should hold for these assets at market prices."""
    return {pk: encode_quantities(of_asset) for pk, of_asset in held_by(holders_of(asset_ids)).items()}


def stored(asset_ids: Collection[UUID]) -> dict[UUID, EncodedQuantities]:
    clock.require_present()
    rows = HeldQuantities.objects.filter(asset__pk__among=list(asset_ids)).values_list(
        "asset_id", "days", "units"
    )
    return {pk: EncodedQuantities(bytes(days), units) for pk, days, units in rows}


def differences(portfolio_id: UUID) -> set[UUID]:
    """The assets of a portfolio for which the table has something else than their transactions give."""
    assets = Asset.objects.filter(portfolio=portfolio_id).order_by().values_list("pk", "valuation", "shares")
    sources = {pk: source_name(*names) for pk, *names in assets}
    actual = stored(sources)
    expected = calculated([pk for pk, name in sources.items() if name == MARKET])
    return {pk for pk, encoded in actual.items() if encoded != expected.get(pk)}
