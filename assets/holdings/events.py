"""What happened to the holdings of assets, in the order in which it counts: trades and corporate actions. Pure.

Quantities are whole numbers of 10^-18 units (`quantity_units`), as they were on their day: nothing is restated for a
later split. Money is in ten-thousandths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from portfolios.lot_method import LotMethod

QUANTITY_PLACES = 18  # EXACT_PLACES of strata.fields.numbers, which calculations do not import
QUANTITY_UNIT = 10**QUANTITY_PLACES
_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, Overflow])


class TradeType(StrEnum):
    """The types of transactions, with the text that Transaction.type stores."""

    ACQUIRE = "ACQUIRE"
    DISPOSE = "DISPOSE"
    ADJUST = "ADJUST"
    INCOME = "INCOME"
    EXPENSE = "EXPENSE"
    TRANSFER = "TRANSFER"


class ActionType(StrEnum):
    """The types of corporate actions, with the text that an action's row stores."""

    SPLIT = "split"
    STOCK_DIVIDEND = "stock_dividend"
    SPIN_OFF = "spin_off"
    MERGER = "merger"
    RETURN_OF_CAPITAL = "return_of_capital"


class ChosenLot(NamedTuple):
    """A lot that a sale or a transfer names: by the transaction that opened it, in shares of the sale's day."""

    transaction_id: UUID
    quantity: int


class Trade(NamedTuple):
    """A transaction of an asset.

    `quantity` has a sign for ADJUST and TRANSFER only (a transfer's leg out is negative); None where units are not
    counted. `amount` is gross, `amount`, `fee` and `tax` are in `currency` and never negative. `closes` is true for the
    DISPOSE that records the asset's disposal: it sells all that is held where it has no quantity. It is also true for
    the leg out of a transfer without a quantity, which moves the whole asset.

    Of a transfer both legs are trades. `other_asset_id` is the asset of the other leg, and `amount` (0 if it has none)
    is the cost of what arrives where that asset is not among those that are given.
    """

    transaction_id: UUID
    type: TradeType
    on: date
    at: datetime
    position: int
    currency: str
    quantity: int | None = None
    amount: int = 0
    fee: int = 0
    tax: int = 0
    lots: tuple[ChosenLot, ...] = ()
    closes: bool = False
    transfer_id: UUID | None = None
    other_asset_id: UUID | None = None


class Action(NamedTuple):
    """A corporate action, as an event of an asset that holds its instrument.

    - SPLIT: one share becomes numerator / denominator.
    - STOCK_DIVIDEND: numerator new ones are added for each denominator held.
    - SPIN_OFF: numerator shares of `to_asset_id` for each denominator held, with the part `cost_ratio` of the cost.
    - MERGER: the same for all of the cost, and the shares held end. `cash` per old share closes the part `cost_ratio`
      of the cost.
    - RETURN_OF_CAPITAL: `cash` per share lowers the cost.

    `cash` is in the asset's currency itself (not in ten-thousandths), because it is per share. `to_asset_id` is None
    for an action without an asset that could receive its shares: then it has no effect.
    """

    action_id: UUID
    type: ActionType
    on: date
    numerator: int = 1
    denominator: int = 1
    to_asset_id: UUID | None = None
    cost_ratio: Fraction = Fraction(0)
    cash: Fraction = Fraction(0)

    @property
    def ratio(self) -> Fraction:
        """Shares after it (of a spin-off or merger: shares that arrive) for one share before it."""
        if self.type is ActionType.STOCK_DIVIDEND:
            return 1 + Fraction(self.numerator, self.denominator)
        return Fraction(self.numerator, self.denominator)

    @property
    def other_asset_id(self) -> UUID | None:
        """As that of a trade."""
        return self.to_asset_id

    @property
    def moves(self) -> bool:
        """Whether its shares go to another asset."""
        return self.type in (ActionType.SPIN_OFF, ActionType.MERGER)


type Event = Trade | Action


class AssetEvents(NamedTuple):
    """All events of one asset in their order: by day, the actions of a day (by creation) before its trades, these by
    instant, position and creation.

    `method` is the asset's own, or its portfolio's, or its household's, or fifo. The events of all assets that are
    linked by transfers and actions belong together: whoever computes lots gives them all.

    `opening_quantity` is Asset.quantity and `opening_on` the day from which it is held: they count where no trade has a
    quantity.
    """

    asset_id: UUID
    currency: str
    events: Sequence[Event]
    method: LotMethod = LotMethod.FIFO
    allow_short: bool = False
    opening_quantity: int = 0
    opening_on: date | None = None

    @property
    def counts_units(self) -> bool:
        """Whether its quantity follows from its trades. What an expense counts is nothing of the asset."""
        return any(
            isinstance(event, Trade) and event.quantity is not None and event.type is not TradeType.EXPENSE
            for event in self.events
        )


type Ledger = Mapping[UUID, AssetEvents]


def event_order(event: Event) -> tuple[object, ...]:
    """What sorts the events of one asset. Ids are made in the order of creation (UUID version 7)."""
    if isinstance(event, Action):
        return (event.on, 0, event.action_id)
    return (event.on, 1, event.at, event.position, event.transaction_id)


def quantity_units(quantity: Decimal) -> int:
    """A quantity as whole 10^-18 units. Raises decimal.Inexact for more places."""
    return int(quantity.scaleb(QUANTITY_PLACES, _EXACT).to_integral_exact(context=_EXACT))


def whole(number: Fraction) -> int | Fraction:
    """The same number, as an int where it is one: ints are faster."""
    return number.numerator if number.denominator == 1 else number


def quantity_of(units: int | Fraction) -> Fraction:
    return Fraction(units, QUANTITY_UNIT)
