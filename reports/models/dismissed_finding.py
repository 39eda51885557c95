"""DismissedFinding: a finding of a portfolio's quality that a member looked at and does not want to see again."""

from __future__ import annotations

from django.db import models

from portfolios.models import Portfolio
from strata.audit.tracking import TrackedModel
from strata.fields.names import NoteField

REASON_LENGTH = 1000


class DismissedFinding(TrackedModel):
    """`key` is the finding's own (reports.calculations.quality): of other facts it would be another one.

    It names no asset: an asset that moves to another portfolio leaves its dismissed findings behind, and they are
    findings again where it goes.
    """

    household_lookup = "portfolio__household"
    portfolio_lookup = "portfolio"

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.CASCADE, related_name="dismissed_findings", db_index=False
    )
    key = models.CharField(max_length=80)
    reason = NoteField(max_length=REASON_LENGTH)

    class Meta(TrackedModel.Meta):
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("portfolio", "key"), name="finding_dismissed_once_per_portfolio"),
        )

    def __str__(self) -> str:
        return self.key
