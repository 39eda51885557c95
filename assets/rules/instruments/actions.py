"""The rules of a corporate action: which values each type has, and when two are the same. They take values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext

from assets.rules.refusal import refusal

RATIO = ("numerator", "denominator")
MOST_SHARES = 10**30  # that may become of one share, by all actions together; as many may become one
REQUIRED = {
    "split": RATIO,
    "stock_dividend": RATIO,
    "spin_off": ("to_instrument_id", *RATIO, "cost_ratio"),
    "merger": ("to_instrument_id", *RATIO),
    "return_of_capital": ("amount",),
    "rename": (),
}
OPTIONAL = {
    "spin_off": ("to_asset_id",),
    "merger": ("to_asset_id", "cash", "cash_cost_ratio"),
    "rename": ("symbol", "isin"),
}


class ActionValues(NamedTuple):
    """`type` is the text of an InstrumentAction.Type; None or "" is a value that the action does not have."""

    type: str
    numerator: int | None = None
    denominator: int | None = None
    to_instrument_id: UUID | None = None
    to_asset_id: UUID | None = None
    cost_ratio: Decimal | None = None
    cash: Decimal | None = None
    cash_cost_ratio: Decimal | None = None
    amount: Decimal | None = None
    symbol: str = ""
    isin: str = ""

    @property
    def ratio(self) -> Fraction | None:
        return Fraction(self.numerator, self.denominator) if self.numerator and self.denominator else None

    @property
    def shares_for_one(self) -> Fraction:
        """How many shares there are after it for one before."""
        ratio = Fraction(1) if self.ratio is None else self.ratio
        return ratio + 1 if self.type == "stock_dividend" else ratio


class ActionKey(NamedTuple):
    """What makes two actions of an instrument the same one, whoever entered them."""

    type: str
    on: date
    ratio: Fraction | None
    to_instrument_id: UUID | None
    amount: Decimal | None
    symbol: str
    isin: str


def action_key(on: date, values: ActionValues) -> ActionKey:
    return ActionKey(
        values.type,
        on,
        values.ratio,
        values.to_instrument_id,
        values.amount,
        values.symbol,
        values.isin,
    )


def validate_action(values: ActionValues) -> None:
    """Raises ValidationError that names a field that is missing, that the type does not have, or is out of range."""
    required, optional = REQUIRED[values.type], OPTIONAL.get(values.type, ())
    for name in values._fields[1:]:
        is_given = getattr(values, name) not in (None, "")
        if is_given and name not in (*required, *optional):
            message = gettext("An action of the type %(type)s has no such value.")
            raise refusal(name, message % {"type": values.type})
        if name in required and not is_given:
            raise refusal(name, gettext("This field is required."), code="required")
    for name in RATIO:
        if getattr(values, name) == 0:
            raise refusal(name, gettext("Enter a number greater than zero."))
    for name in ("cost_ratio", "cash_cost_ratio"):
        if (getattr(values, name) or 0) > 1:
            raise refusal(name, gettext("It is a part of the cost: 1 at most."))
    if values.cash is not None and values.cash_cost_ratio is None:
        raise refusal(
            "cash_cost_ratio", gettext("Send the part of the cost that the cash closes."), code="required"
        )
    if values.type == "rename" and not (values.symbol or values.isin):
        raise refusal("symbol", gettext("Send a new symbol or a new ISIN."), code="required")


def validate_together(actions: Iterable[ActionValues]) -> None:
    """Raises ValidationError where actions multiply or divide a share beyond all bounds: no such number is written.

    What multiplies and what divides is counted apart, because either may come first.
    """
    up = down = Fraction(1)
    for ratio in (action.shares_for_one for action in actions):
        up, down = (up * ratio, down) if ratio > 1 else (up, down * ratio)
        if up > MOST_SHARES or down * MOST_SHARES < 1:
            message = gettext(
                "With the other actions, one share would become more than 10^30 shares, or that many would become one."
            )
            raise refusal("numerator", message)
