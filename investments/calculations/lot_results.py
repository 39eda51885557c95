"""The lots of an asset as they are found: open, closed, and what is missing. Pure.

Quantities are in 10^-18, in shares of their day; amounts in ten-thousandths of the asset's own currency.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from investments.calculations.lot_book import Part, Units, shared_out
from portfolios.lot_method import LotMethod

COST_OF, IS_UNKNOWN = attrgetter("cost"), attrgetter("lot.unknown")  # of a part


class OpenLot(NamedTuple):
    """What is left of a purchase. `reported` is its cost in the reporting currency (10^-18) where a pool knows it.

    `unknown`: the cost is in another currency than the asset's, without a rate on its day.
    """

    transaction_id: UUID
    acquired_on: date
    quantity: Units
    cost: int
    reported: int | None = None
    unknown: bool = False


class ClosedLot(NamedTuple):
    """What was sold of a purchase. `disposal_id` is the transaction or the action that closed it."""

    transaction_id: UUID
    disposal_id: UUID
    acquired_on: date
    disposed_on: date
    quantity: Units
    cost: int
    proceeds: int
    reported: int | None = None
    unknown: bool = False


class Closing(NamedTuple):
    """Parts of lots that were closed together, and the proceeds of all of them; `disposal_id` as above."""

    parts: Sequence[Part]
    disposal_id: UUID
    on: date
    proceeds: int
    unknown: bool = False

    @property
    def cost(self) -> int:
        return sum(map(COST_OF, self.parts))

    @property
    def is_unknown(self) -> bool:
        return self.unknown or any(map(IS_UNKNOWN, self.parts))

    def closed_lots(self) -> Iterator[ClosedLot]:
        """Each with its part of the proceeds: by quantity, or by cost where nothing is counted."""
        weights: list[Units] = [units for _, units, *_ in self.parts]
        if not any(weights):
            weights = [abs(cost) for _, _, cost, _ in self.parts]
        shares = shared_out(self.proceeds, weights)
        for (lot, units, cost, reported), share in zip(self.parts, shares, strict=True):
            acquired_on, _, _, transaction_id = lot.order
            unknown = self.unknown or lot.unknown
            yield ClosedLot(
                transaction_id, self.disposal_id, acquired_on, self.on, units, cost, share, reported, unknown
            )


class MissingLot(NamedTuple):
    """What was sold or sent away without being there, and the proceeds of it."""

    disposal_id: UUID
    on: date
    quantity: Units
    proceeds: int


class Arrival(NamedTuple):
    """What came from another asset, by a transfer or a corporate action, with its cost."""

    from_asset_id: UUID
    on: date
    quantity: Units
    cost: int


class LotNotThere(NamedTuple):
    """A sale that names a lot which is not there, or not enough of it: that part is sold by fifo."""

    disposal_id: UUID
    on: date


@dataclass(slots=True)
class AssetLots:
    """The lots of an asset on a day. `paid_back` is what actions paid that lowered costs.

    `knows_all_costs`: neither a lot nor what one was sold for was in a currency without a rate.
    """

    asset_id: UUID
    currency: str
    method: LotMethod
    open: list[OpenLot] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    missing: list[MissingLot] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    not_there: list[LotNotThere] = field(default_factory=list)
    missing_rates: list[tuple[str, date]] = field(default_factory=list)
    paid_back: int = 0
    knows_all_costs: bool = True

    @property
    def closed(self) -> list[ClosedLot]:
        """Every closed lot, made each time: totals are found faster from `closings`."""
        return [lot for closing in self.closings for lot in closing.closed_lots()]

    @property
    def count(self) -> int:
        return len(self.open) + sum(len(closing.parts) for closing in self.closings)

    @property
    def quantity(self) -> Units:
        return sum((lot.quantity for lot in self.open), start=0)

    @property
    def cost(self) -> int:
        return sum(lot.cost for lot in self.open)
