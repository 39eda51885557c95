"""HeldQuantities: how much of an asset at market prices is held from which day on. A new price is multiplied by it.

The table can be rebuilt from the transactions at any time: `manage.py rebuild` does this, `manage.py doctor` compares.
"""

from __future__ import annotations

from django.db import models

from strata.tenancy.querysets import Owned


class HeldQuantities(Owned):
    """The quantity at the end of each day on which it changed; assets.valuation.codecs.quantities reads and writes it.

    Where the row of an asset is missing, its quantities are computed from the transactions.
    """

    belongs_to = "asset"
    is_derived = True

    asset = models.OneToOneField("assets.Asset", on_delete=models.CASCADE, primary_key=True, related_name="+")
    days = models.BinaryField(help_text="The days in order, as ordinals, four bytes each.")
    units = models.TextField(
        help_text="The quantities that go with them, in 10^-18: whole numbers or fractions."
    )

    def __str__(self) -> str:
        return f"{len(self.days) // 4} quantities"
