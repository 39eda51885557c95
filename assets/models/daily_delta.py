"""DailyDelta: by how much the total of a portfolio's assets of one type and currency changed on a day.

The table can be rebuilt from the values at any time: `manage.py rebuild` does this, `manage.py doctor` compares.
"""

from __future__ import annotations

from uuid import UUID

from django.db import models

from portfolios.models import Portfolio
from strata.tenancy.querysets import Owned

ALL_TYPES = UUID(int=0)  # instead of a type's id: the sum of all types


class DailyDelta(Owned):
    """By how much what is owned (total >= 0) and what is owed (total <= 0) changed since the day before, of the assets
    that count in net worth.

    In ten-thousandths, each in two halves: `high` x 10**8 + `low`, both with the amount's sign. So the database
    can add them up without overflow. Each type has rows, and ALL_TYPES has the sums over the types: there are few of
    these, and most series read only them.
    """

    household_lookup = "portfolio__household"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="+", db_index=False)
    # No constraint: derived rows do not block the deletion of a type, and ALL_TYPES is not the id of a type.
    asset_type = models.ForeignKey(
        "assets.AssetType",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        db_index=False,
    )
    currency = models.CharField(max_length=3)
    on = models.DateField()
    owned_high = models.BigIntegerField()
    owned_low = models.BigIntegerField()
    owed_high = models.BigIntegerField()
    owed_low = models.BigIntegerField()

    class Meta:
        db_table = "assets_dailystep"  # the model's first name
        constraints = (
            models.UniqueConstraint(
                fields=("portfolio", "on", "currency", "asset_type"), name="daily_step_one_per_day_and_kind"
            ),
        )
        # There are ten times as many rows of single types, which most series do not read.
        indexes = (
            models.Index(
                fields=("portfolio", "on", "currency"),
                condition=models.Q(asset_type=ALL_TYPES),
                name="daily_step_of_all_types",
            ),
        )

    def __str__(self) -> str:
        return f"{self.currency} on {self.on}"
