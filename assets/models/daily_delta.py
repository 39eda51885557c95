"""DailyDelta: by how much a portfolio's assets of one type and currency rose and fell on a day, all added up.

It can be rebuilt from the values at any time: `manage.py rebuild` does this, `manage.py doctor` compares.
"""

from __future__ import annotations

from uuid import UUID

from django.db import models

from portfolios.models import Portfolio
from strata.tenancy.querysets import Owned

ALL_TYPES = UUID(int=0)  # instead of a type's id: the sum of all types


class DailyDelta(Owned):
    """By how much what is owned (>= 0 in total) and what is owed (<= 0) changed since the day before.

    In ten-thousandths, each in two halves: `high` x 10**8 + `low`, both with the amount's sign. In this way
    the database can add them up, however many and however large the values are. Each type has rows, and ALL_TYPES has
    their sums, which are few: most series read only these.
    """

    household_lookup = "portfolio__household"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="+", db_index=False)
    # Derived rows do not prevent the deletion of a type, and are not searched then; ALL_TYPES is no type's id.
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
        db_table = "assets_dailystep"  # as it was first called
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
