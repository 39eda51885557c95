"""Portfolio: a set of assets added up in one currency."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portfolios.models.household import Household
from portfolios.models.lot_method import LOT_METHODS
from strata.audit.tracking import TrackedModel
from strata.fields.currencies import CurrencyField
from strata.fields.dates import TimeZoneField
from strata.fields.names import NameField, NameKeyField


def default_time_zone() -> str:
    return settings.TIME_ZONE


class Portfolio(TrackedModel):
    """Every write to the portfolio or to anything in it, and every new rate, raises `revision`."""

    belongs_to = "household"
    portfolio_lookup = ""

    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="portfolios"
    )
    name = NameField(_("name"))
    name_key = NameKeyField()
    base_currency = CurrencyField(_("reporting currency"), default="EUR")
    time_zone = TimeZoneField(
        _("time zone"), default=default_time_zone, help_text=_("Decides when a day begins.")
    )
    lot_method = models.CharField(
        _("lots sold first"),
        max_length=8,
        choices=LOT_METHODS,
        null=True,
        blank=True,
        help_text=_("As the household if empty."),
    )
    allow_short = models.BooleanField(
        _("short sales"),
        default=False,
        db_default=False,
        help_text=_(
            "Off: a sale of more than is held is reported as missing. On: it opens a short position."
        ),
    )
    revision = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("portfolio"), _("portfolios")
        ordering = ("name_key", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("household", "name_key"), name="portfolio_name_unique_in_household"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Does not write `revision`: this instance may hold an old one, and the revision must only grow."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            fields = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            kwargs["update_fields"] = fields - {"revision"}
        super().save(*args, **kwargs)
