"""DismissedFinding: a finding about a portfolio's data that a member looked at and does not want to see again."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portfolios.models import Portfolio
from strata.audit.tracking import TrackedModel
from strata.fields.names import NoteField

REASON_LENGTH = 1000


class DismissedFinding(TrackedModel):
    """`key` is the key of the finding (reports.calculations.quality); if its facts change, the key changes.

    There is no link to the asset: if it moves to another portfolio, the dismissals do not move with it, and the
    findings are shown there again.
    """

    belongs_to = "portfolio"

    portfolio = models.ForeignKey(
        Portfolio,
        verbose_name=_("portfolio"),
        on_delete=models.CASCADE,
        related_name="dismissed_findings",
        db_index=False,
    )
    key = models.CharField(max_length=80)
    reason = NoteField(_("reason"), max_length=REASON_LENGTH)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("dismissed finding"), _("dismissed findings")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("portfolio", "key"), name="finding_dismissed_once_per_portfolio"),
        )

    def __str__(self) -> str:
        return self.key
