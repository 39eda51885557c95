"""What corrects a holding to the quantity that a file says: the difference to what is held without the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from assets.holdings.events import QUANTITY_PLACES
from assets.holdings.reading import quantities_of
from assets.models import Transaction
from strata.fields.numbers import EXACT


def corrections(asset_id: UUID | None, quantities: Mapping[date, Decimal]) -> dict[date, Decimal]:
    """What has to be added on each day, so that at its end there is the quantity that the file says.

    An earlier import of the same quantities has corrected them already, and then nothing has to be added. The trades
    of the file itself do not count: a format gives either quantities or trades of an account.
    """
    # The quantity of an asset itself counts only as long as no transaction has one.
    counted = Transaction.objects.filter(asset_id=asset_id, quantity__isnull=False) if asset_id else None
    held = (
        quantities_of([asset_id])[asset_id] if asset_id and counted is not None and counted.exists() else None
    )
    result: dict[date, Decimal] = {}
    added = Decimal(0)
    for on in sorted(quantities):
        units = held.on(on) if held else 0
        difference = EXACT.subtract(quantities[on], EXACT.add(_decimal(units), added))
        result[on] = difference
        added = EXACT.add(added, difference)
    return result


def _decimal(units: int | Fraction) -> Decimal:
    """Parts of units that no decimal number can say are rounded to its last place."""
    return Decimal(round(units)).scaleb(-QUANTITY_PLACES, EXACT)
