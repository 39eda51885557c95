"""ValuationSettings: the settings with which the stored values were calculated."""

from __future__ import annotations

from django.db import models


class ValuationSettings(models.Model):
    """One row. Where it is missing, the settings have not been looked at yet."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    price_max_age_days = models.PositiveIntegerField(help_text="PRICE_MAX_AGE_DAYS.")

    def __str__(self) -> str:
        return f"prices count for {self.price_max_age_days} days"
