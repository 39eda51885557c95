"""What transfers and corporate actions move between assets, and what actions pay, in money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from fractions import Fraction
from uuid import UUID

from django.db.models import F, Q

from assets import valuation
from assets.holdings.events import QUANTITY_UNIT, Action
from assets.holdings.quantities import Quantities, quantities
from assets.holdings.reading import read_ledger
from assets.models import Asset, InstrumentAction, Transaction
from assets.valuation import AssetRef
from assets.valuation.series import ten_thousandths
from investments.calculations.flows import MONEY_UNIT, Moved, Moving, cash_of, moved_amounts
from investments.calculations.lots import lots
from investments.calculations.reported import half_even
from investments.queries.ledgers import refs_of

ACTIONS = (
    InstrumentAction.Type.SPIN_OFF,
    InstrumentAction.Type.MERGER,
    InstrumentAction.Type.RETURN_OF_CAPITAL,
)


def acting_assets(portfolio_ids: Collection[UUID], start: date, end: date) -> set[UUID]:
    """The assets with a corporate action after `start` up to `end` that may move shares or pay something. One query."""
    actions = {
        "instrument__actions__type__in": ACTIONS,
        "instrument__actions__on__gt": start,
        "instrument__actions__on__lte": end,
    }
    of_all = Q(**actions, instrument__actions__household=None)
    own = Q(**actions, instrument__actions__household=F("portfolio__household"))
    assets = Asset.objects.filter(own | of_all, portfolio__in=portfolio_ids).order_by()
    return set(assets.values_list("pk", flat=True))


class Worth:
    """What units that arrive are worth on that day, in ten-thousandths, from what is read once for these assets.

    It is their part of the value at the end of the day. Where fewer are left then, as some of them have been sold, that
    may be nothing, or too little to divide: then it is the price that counts.
    """

    def __init__(
        self, refs: Collection[AssetRef], held: Mapping[UUID, Quantities], *, start: date, end: date
    ) -> None:
        self.held = held
        self.sources = {ref.id: ref.source for ref in refs}
        series = valuation.value_series(refs, start=start, end=end) if refs else ()
        self.series = {ref.id: values for ref, values in series}

    def __call__(self, moving: Moving) -> int | None:
        asset_id, on, quantity = moving.asset_id, moving.on, Fraction(moving.quantity)
        units = Fraction(self.held[asset_id].on(on))
        if abs(units) < abs(quantity) and self.has_price(asset_id):
            price = valuation.unit_price(asset_id, on)
            return None if price is None else half_even_of(price * MONEY_UNIT * quantity / QUANTITY_UNIT)
        value = self.series[asset_id].value_on(on) if asset_id in self.series else None
        if value is None or not units:
            return None
        return half_even_of(ten_thousandths(value) * quantity / units)

    def has_price(self, asset_id: UUID) -> bool:
        return valuation.has_market_price(self.sources[asset_id])


def half_even_of(amount: Fraction) -> int:
    return half_even(amount.numerator, amount.denominator)


def moved_whole(asset_ids: Collection[UUID]) -> set[UUID]:
    """Those of the assets that moved whole to another portfolio. Without any nothing is read."""
    if not asset_ids:
        return set()
    legs_out = Transaction.objects.filter(asset__in=asset_ids, transfer_id=F("id"), quantity=None).order_by()
    return set(legs_out.values_list("asset_id", flat=True))


def moved_values(asset_ids: Collection[UUID], start: date, end: date) -> dict[UUID, list[Moved]]:
    """For each asset what came from others and went to them from `start` up to `end`, and what actions paid (negative).

    What moves is quantity x value of a unit where it arrives, on that day; without a value there it is the cost moved.
    """
    ledger = read_ledger(asset_ids)
    lots_by_asset, held = lots(ledger, on=end), quantities(ledger)
    arrived_at = [pk for pk, of_asset in lots_by_asset.items() if of_asset.arrivals]
    worth = Worth(refs_of(arrived_at), held, start=start, end=end)
    moved = defaultdict(list, moved_amounts(lots_by_asset, worth))
    for pk, asset in ledger.items():
        for event in asset.events:
            if isinstance(event, Action) and event.on <= end and (paid := cash_of(event, held[pk])):
                moved[pk].append(Moved(event.on, -paid, asset.currency))
    return moved
