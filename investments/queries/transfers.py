"""What the transfers of a report move between assets, in money."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from assets import valuation
from assets.holdings.quantities import quantities
from assets.holdings.reading import read_ledger
from assets.valuation.series import ten_thousandths
from investments.calculations.flows import Moved, moved_amounts
from investments.calculations.lots import lots
from investments.queries.ledgers import refs_of


def moved_values(asset_ids: Collection[UUID], start: date, end: date) -> dict[UUID, list[Moved]]:
    """For each asset what came from others and went to them from `start` up to `end`.

    It is quantity x value of a unit where it arrives, on that day; without a value there it is the cost moved.
    """
    ledger = read_ledger(asset_ids)
    lots_by_asset = lots(ledger, on=end)
    arrived_at = [pk for pk, of_asset in lots_by_asset.items() if of_asset.arrivals]
    series = {
        ref.id: values for ref, values in valuation.value_series(refs_of(arrived_at), start=start, end=end)
    }

    def value_on(asset_id: UUID, on: date) -> int | None:
        value = series[asset_id].value_on(on) if asset_id in series else None
        return None if value is None else ten_thousandths(value)

    return moved_amounts(lots_by_asset, quantities(ledger), value_on)
