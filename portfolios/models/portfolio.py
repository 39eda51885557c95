"""Portfolio: a set of assets added up in one currency; PortfolioSnapshot: its total, written down on a day."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from assets import derived
from portfolios.models.household import Household
from strata.days import DayField, InstantField, TimeZoneField
from strata.history import TrackedModel
from strata.money import CurrencyField
from strata.names import NameField, NameKeyField, NoteField


def default_time_zone() -> str:
    return settings.TIME_ZONE


class Portfolio(TrackedModel):
    """`revision` is counted up by every write to the portfolio or to anything in it, and by every new rate."""

    household_lookup = "household"
    portfolio_lookup = ""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="portfolios")
    name = NameField()
    name_key = NameKeyField()
    base_currency = CurrencyField(default="EUR")
    time_zone = TimeZoneField(default=default_time_zone)
    revision = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta(TrackedModel.Meta):
        ordering = ("name_key", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("household", "name_key"), name="portfolio_name_unique_in_household"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs):
        """The revision only ever grows: what this instance knows of it may be old, and is not written back."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            fields = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            kwargs["update_fields"] = fields - {"revision"}
        super().save(*args, **kwargs)

    @classmethod
    def before_delete(cls, ids):
        derived.forget_portfolios(ids)
        return True


class PortfolioSnapshot(TrackedModel):
    """A portfolio's total on a day. `missing_rates` names what it leaves out when it is not `complete`.

    The total was counted when the portfolio had `revision`: under another it may be old. Ask portfolios.reports.
    """

    household_lookup = "portfolio__household"

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.CASCADE, related_name="snapshots", db_index=False
    )
    on = DayField()
    observed_at = InstantField()
    # A total may exceed what one value may be: it is text of an exact number, and never added up by SQL.
    value = models.CharField(max_length=40)
    currency = CurrencyField()
    complete = models.BooleanField(default=True)
    missing_rates = models.JSONField(default=list, blank=True)
    revision = models.PositiveBigIntegerField(null=True, editable=False)
    note = NoteField(blank=True, default="")
    manual = models.BooleanField(default=True)

    class Meta(TrackedModel.Meta):
        ordering = ("-on", "-observed_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("portfolio", "on", "observed_at"), name="portfolio_snapshot_one_per_instant"
            ),
            models.UniqueConstraint(
                fields=("portfolio", "on"),
                condition=models.Q(manual=False),
                name="portfolio_snapshot_one_taken_a_day",
            ),
        )

    def __str__(self) -> str:
        return f"{self.portfolio} on {self.on}"
