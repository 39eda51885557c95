"""The rules of a transfer between two assets. They take values, not rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext

from assets.rules.refusal import refusal
from strata.exceptions import Conflict

TRANSFER = "TRANSFER"


class Side(NamedTuple):
    """One of the two assets; `counts_units` says whether it has quantities."""

    asset_id: UUID
    household_id: UUID
    currency: str
    instrument_id: UUID | None
    counts_units: bool


def validate_destination(to_asset_id: UUID | None, to_portfolio_id: UUID | None) -> None:
    if (to_asset_id is None) == (to_portfolio_id is None):
        raise refusal("to_asset_id", gettext("Send either to_asset_id or to_portfolio_id."), code="required")


def validate_sides(source: Side, target: Side) -> None:
    """What is moved stays in the household, in its currency, and of its instrument."""
    if source.asset_id == target.asset_id:
        raise refusal("to_asset_id", gettext("It is the asset itself."))
    if source.household_id != target.household_id:
        raise refusal("to_asset_id", gettext("It is in another household."))
    if source.currency != target.currency:
        raise refusal("to_asset_id", gettext("Its currency is another one."))
    if source.instrument_id != target.instrument_id:
        raise refusal("to_asset_id", gettext("It has another instrument."))


def validate_moved_quantity(quantity: Decimal | None, *, counts_units: bool) -> None:
    if counts_units and quantity is None:
        raise refusal("quantity", gettext("Send how much is moved."), code="required")
    if not counts_units and quantity is not None:
        raise refusal("quantity", gettext("The asset has no quantities: it moves whole."))
    if quantity is not None and quantity <= 0:
        raise refusal("quantity", gettext("Enter a number greater than zero."))


def validate_changed_leg(before: Decimal | None, after: Decimal | None) -> None:
    """The quantity of a leg keeps its sign; a leg of a whole asset has none."""
    if (before is None) != (after is None) or (before and after is not None and before * after <= 0):
        raise refusal("quantity", gettext("The quantity of a transfer keeps its sign."))


def whole_is_fixed(field: str) -> Conflict:
    message = gettext("The asset was moved whole on this day: undo the transfer instead.")
    return Conflict("TRANSFER_IS_FIXED", message, field)


def do_legs_agree(legs: Sequence[tuple[str, Any, Decimal | None]]) -> bool:
    """Whether these are one leg, or two of the same day whose quantities cancel out: each a type, a day, a quantity."""
    quantities = [quantity for _, _, quantity in legs]
    cancels_out = quantities == [None, None] or (None not in quantities and not sum(filter(None, quantities)))
    is_one_event = {(kind, on) for kind, on, _ in legs} == {(TRANSFER, legs[0][1])}
    return is_one_event and (len(legs) == 1 or (len(legs) == 2 and cancels_out))
