"""PortfolioSnapshot: a portfolio's total, written down on a day."""

from __future__ import annotations

from django.db import models

from portfolios.models import Portfolio
from strata.audit.tracking import TrackedModel
from strata.fields.currencies import CurrencyField
from strata.fields.dates import DayField, InstantField
from strata.fields.names import NoteField


class PortfolioSnapshot(TrackedModel):
    """A portfolio's total on a day. `missing_rates` names what it leaves out when it is not `complete`.

    The total was counted when the portfolio had `revision`: under another it may be old. Ask reports.queries.
    """

    household_lookup = "portfolio__household"
    portfolio_lookup = "portfolio"
    raises_revision = False  # what is written down of the figures changes none of them

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.CASCADE, related_name="snapshots", db_index=False
    )
    on = DayField()
    observed_at = InstantField()
    # A total may exceed what one value may be: it is text of an exact number, and never added up by SQL.
    value = models.CharField(max_length=80)
    currency = CurrencyField()
    complete = models.BooleanField(default=True)
    missing_rates = models.JSONField(default=list, blank=True)
    revision = models.PositiveBigIntegerField(null=True, editable=False)
    note = NoteField(blank=True, default="")
    manual = models.BooleanField(default=True)

    class Meta(TrackedModel.Meta):
        app_label = "portfolios"  # the journal names it so
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
