"""PortfolioSnapshot: a portfolio's stored total of a day."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portfolios.models import Portfolio
from strata.audit.tracking import TrackedModel
from strata.fields.active_formats import name_on_day
from strata.fields.currencies import CurrencyField
from strata.fields.dates import DayField, InstantField
from strata.fields.names import NoteField


class PortfolioSnapshot(TrackedModel):
    """A portfolio's total on a day. If it is not `complete`, `missing_rates` and `missing_prices` name what it leaves
    out.

    The total was calculated when the portfolio had `revision`. If that has changed, it may be outdated: read it through
    reports.services.portfolio_snapshots.
    """

    belongs_to = "portfolio"
    raises_revision = False  # storing a total changes no figure
    computed_columns = ("value", "currency", "complete", "missing_rates", "missing_prices")

    portfolio = models.ForeignKey(
        Portfolio,
        verbose_name=_("portfolio"),
        on_delete=models.CASCADE,
        related_name="snapshots",
        db_index=False,
    )
    on = DayField(_("date"))
    observed_at = InstantField(_("time"))
    # A total may exceed the limit of a single value: it is stored as text, exact, and never added up by SQL.
    value = models.CharField(_("value"), max_length=80)
    currency = CurrencyField(_("currency"))
    complete = models.BooleanField(_("all rates and prices known"), default=True)
    missing_rates = models.JSONField(_("missing rates"), default=list, blank=True)
    missing_prices = models.JSONField(
        _("missing prices"), default=list, db_default=models.Value([], models.JSONField()), blank=True
    )
    revision = models.PositiveBigIntegerField(null=True, editable=False)
    note = NoteField(_("note"), blank=True, default="")
    manual = models.BooleanField(_("taken by hand"), default=True)

    class Meta(TrackedModel.Meta):
        app_label = "portfolios"  # the journal has this label
        verbose_name, verbose_name_plural = _("saved total"), _("saved totals")
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
        return name_on_day(self.portfolio, self.on)
