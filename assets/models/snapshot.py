"""AssetSnapshot: what the whole of an asset was worth at an instant."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from strata.audit.tracking import TrackedModel
from strata.fields.active_formats import name_on_day
from strata.fields.dates import DayField, InstantField
from strata.fields.money import MoneyField
from strata.fields.names import NoteField


class AssetSnapshot(TrackedModel):
    """The recorded value of an asset at an instant, for its whole quantity, in its own currency; negative if owed.

    `on` is the day of `observed_at` in the portfolio's time zone when the row was written. It stays if the portfolio
    changes its zone.
    """

    belongs_to = "asset"
    located_by = ("asset_id",)

    # No index of its own: that of the constraint below begins with the asset.
    asset = models.ForeignKey(
        Asset, verbose_name=_("asset"), on_delete=models.CASCADE, related_name="snapshots", db_index=False
    )
    value = MoneyField(_("value"))
    observed_at = InstantField(_("time"), blank=True, help_text=_("Only if a day has several values."))
    on = DayField(_("date"), blank=True, help_text=_("Today if empty."))
    note = NoteField(_("note"), blank=True, default="")

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("value"), _("values")
        ordering = ("-on", "-observed_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("asset", "on", "observed_at"), name="snapshot_one_per_asset_and_instant"
            ),
        )

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        row = super().from_db(*args, **kwargs)
        row.note_place()
        return row

    def __str__(self) -> str:
        return name_on_day(self.asset, self.on)

    @property
    def currency(self) -> str:
        """The asset's. For a row without an asset there is no such attribute."""
        return self.asset.currency
