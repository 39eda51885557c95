"""ValueGap: the days on which an asset that is valued by a stored source has no value, because no price counts.

The table can be rebuilt from the values at any time: `manage.py rebuild` does this, `manage.py doctor` compares.
"""

from __future__ import annotations

from django.db import models

from strata.tenancy.querysets import Owned


class ValueGap(Owned):
    """From `start_on` on there is no value, until the next day that has one or another gap; None is without an end.

    Reports find out from this table whether they leave something out, without reading values.
    """

    belongs_to = "asset"
    is_derived = True

    # In the order of the primary key, which is the only index.
    pk = models.CompositePrimaryKey("asset_id", "start_on")
    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="+", db_index=False)
    start_on = models.DateField()
    end_on = models.DateField(null=True, help_text="The first day after it.")

    def __str__(self) -> str:
        return f"from {self.start_on}"
