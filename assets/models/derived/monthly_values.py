"""MonthlyValues: an asset's values of a month in one row. Long series are read from this table.

The table can be rebuilt from the values at any time: `manage.py rebuild` does this, `manage.py doctor` compares.
"""

from __future__ import annotations

from django.db import models

from strata.tenancy.querysets import Owned


class MonthlyValues(Owned):
    """The last value of each day, in the asset's own currency; assets.valuation.codecs.months reads and writes it.

    A month whose values were all deleted stays as a row without days.
    """

    belongs_to = "asset"
    is_derived = True

    # In the order of the primary key, which is the only index.
    pk = models.CompositePrimaryKey("asset_id", "month")
    # Without a constraint: to compare thousands of new months with the table of assets takes longer than to write them.
    asset = models.ForeignKey(
        "assets.Asset", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    month = models.DateField(help_text="Its first day.")
    days = models.IntegerField(help_text="A bit for each day that has a value; the lowest is the first day.")
    amounts = models.BinaryField(help_text="The values in order, in ten-thousandths, eight bytes each.")

    class Meta:
        db_table = "assets_packedmonth"  # the model's first name

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
