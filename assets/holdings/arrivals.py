"""From which day on the terms of an asset that moved whole say what it is worth in its new portfolio.

Its terms moved with it, and most begin long before: those values are of the portfolio that it was in.
"""

from __future__ import annotations

from django.db.models import DateField, F, OuterRef, Subquery
from django.db.models.expressions import Combinable

from assets.holdings.events import TradeType
from assets.models import Transaction

# The same for SQL, of one asset: {table} has the terms, which begin on its column `started_on`.
FIRST_DAYS = """SELECT COALESCE((SELECT t."on" FROM assets_transaction t WHERE t.asset_id = x.asset_id
    AND t.type = 'TRANSFER' AND t.quantity IS NULL AND t.transfer_id <> t.id AND t."on" > x.started_on LIMIT 1),
    x.started_on) AS "on" FROM {table} x WHERE x.asset_id = {{asset}}"""


def arrived_on() -> Combinable:
    """Of a row of terms: the day on which the asset came from another portfolio; None for any other."""
    legs = Transaction.objects.filter(asset=OuterRef("asset"), type=TradeType.TRANSFER, quantity=None)
    legs_in = legs.exclude(transfer_id=F("id")).order_by()
    return Subquery(legs_in.values("on")[:1], output_field=DateField())
