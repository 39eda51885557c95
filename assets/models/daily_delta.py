"""DailyStep: by how much a portfolio's assets of one type and currency rose and fell on a day, all added up.

It can be made anew from the values at any time: `manage.py rebuild` does, `manage.py doctor` compares.
"""

from __future__ import annotations

from uuid import UUID

from django.db import models

from portfolios.models import Portfolio
from strata.tenancy.querysets import Owned

ALL_TYPES = UUID(int=0)  # in the place of a type's id: what the steps of all types come to


class DailyDelta(Owned):
    """The change of what is owned (>= 0 in all) and of what is owed (<= 0) against the day before it.

    In ten-thousandths, each in two halves: `high` x 10**8 + `low`, both with the amount's sign. So they can be
    added up by the database, however many and however large the values are. Beside the steps of each type stand
    those of ALL_TYPES, of which there are few: most histories read only these.
    """

    household_lookup = "portfolio__household"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="+", db_index=False)
    # A type is not held back by what is derived, nor looked for in it when it goes; ALL_TYPES is none.
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
        # There are ten times as many steps of single types, which most histories pass over.
        indexes = (
            models.Index(
                fields=("portfolio", "on", "currency"),
                condition=models.Q(asset_type=ALL_TYPES),
                name="daily_step_of_all_types",
            ),
        )

    def __str__(self) -> str:
        return f"{self.currency} on {self.on}"
