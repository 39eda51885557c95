"""PackedPrices: the prices of an instrument that count in a year, in one row. Values are calculated from this table.

It can be rebuilt from the blocks at any time: `manage.py rebuild` does this, `manage.py doctor` compares.
"""

from __future__ import annotations

from django.db import models

from assets.models.price import EncodedPrices


class PackedPrices(EncodedPrices):
    """The newest price of each day. `adjustments` says up to which day each is divided by later splits.

    It is empty where none is, else runs of prices: "250:,3:739585" are 250 undivided ones and then 3 that are divided
    by the splits up to the day with the ordinal 739585.
    """

    belongs_to = "instrument"
    shared_when_unowned = True
    is_derived = True

    id = models.BigAutoField(primary_key=True)
    adjustments = models.TextField(default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("instrument", "year"), name="packed_prices_one_per_year"),
        )

    def __str__(self) -> str:
        return f"{self.instrument_id} in {self.year}"
