"""MonthlyDeltas: by how much the total of a portfolio's assets of one type and currency changed on the days of a month.

The table can be rebuilt from the values at any time: `manage.py rebuild` does this, `manage.py doctor` compares.
"""

from __future__ import annotations

from uuid import UUID

from django.db import models

from portfolios.models import Portfolio
from strata.tenancy.querysets import Owned

ALL_TYPES = UUID(int=0)  # instead of a type's id: the sum of all types; it is less than every id


class MonthlyDeltas(Owned):
    """By how much what is owned (total >= 0) and what is owed (total <= 0) changed from day to day, of the assets that
    count in net worth. assets.valuation.codecs.deltas reads and writes the days.

    The sums of the month are in ten-thousandths, each in two halves: `high` x 10**8 + `low`, both with the amount's
    sign. So the database can add them up without overflow. Each type has rows, and ALL_TYPES has the sums over the
    types: there are few of these, and most reports read only them. A month without a change left stays as a row without
    days.
    """

    belongs_to = "portfolio"
    is_derived = True

    # In the order of the primary key, which is the only index.
    pk = models.CompositePrimaryKey("portfolio_id", "asset_type_id", "month", "currency")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="+", db_index=False)
    # No constraint: derived rows do not block the deletion of a type, and ALL_TYPES is not the id of a type.
    asset_type = models.ForeignKey(
        "assets.AssetType",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        db_index=False,
    )
    month = models.DateField(help_text="Its first day.")
    currency = models.CharField(max_length=3)
    days = models.IntegerField(help_text="A bit for each day with a change; the lowest is the first day.")
    owned = models.BinaryField(help_text="By how much what is owned rose on each of these days.")
    owed = models.BinaryField(help_text="By how much what is owed rose, so mostly negative.")
    begun = models.BinaryField(help_text="How many assets had their first value on each of these days.")
    owned_high = models.BigIntegerField(help_text="The sum of `owned`.")
    owned_low = models.BigIntegerField()
    owed_high = models.BigIntegerField(help_text="The sum of `owed`.")
    owed_low = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.currency} in {self.month:%Y-%m}"
