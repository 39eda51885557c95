"""The rules of the lots that a sale names. They take values, not rows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.utils.translation import gettext

from assets.rules.refusal import refusal
from strata.fields.numbers import exact_total

NAMES_LOTS = ("DISPOSE", "TRANSFER")


def validate_lots(
    chosen: Mapping[UUID, Decimal],
    *,
    transaction_type: str,
    quantity: Decimal | None,
    held: Mapping[UUID, Fraction | None],
) -> None:
    """Refuses lots beside a sale, more than it sells, lots that the asset does not have, and more than one holds.

    `held` are the lots of the asset on the day of the sale, in shares of that day; None where it is not known how much
    of one is left.
    """
    if transaction_type not in NAMES_LOTS:
        raise refusal("lots", gettext("Only a sale or a transfer names lots."))
    if any(units <= 0 for units in chosen.values()):
        raise refusal("lots", gettext("The quantity of a lot is above zero."))
    if exact_total(chosen.values()) > abs(quantity or Decimal(0)):
        raise refusal("lots", gettext("The lots are more than the transaction moves."))
    for transaction_id, units in chosen.items():
        if transaction_id not in held:
            raise refusal(
                "lots", gettext("The asset has no lot of the transaction %(id)s.") % {"id": transaction_id}
            )
        left = held[transaction_id]
        if left is not None and units > left:
            raise refusal(
                "lots", gettext("The lot of the transaction %(id)s is smaller.") % {"id": transaction_id}
            )
