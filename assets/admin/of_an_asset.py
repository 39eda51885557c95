"""The base of the forms of values and transactions: their currency and their zone are those of an asset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from assets.models import Asset
from strata.admin.forms import StaleCheckedForm

if TYPE_CHECKING:
    _Form = StaleCheckedForm
else:
    _Form = object  # the mixin comes before such a form among its bases


class OfAnAsset(_Form):
    """The first base of a form of a value or a transaction. `parent` is set on an asset's page."""

    parent: Asset | None = None

    def currency_of_amounts(self) -> str:
        """The one that was typed; else that of the row, or of its asset."""
        typed = getattr(self, "cleaned_data", {}).get("currency") or vars(self.instance).get("currency", "")
        asset = self.asset()
        return str(typed).upper() or (asset.currency if asset else "")

    def zone_of_instants(self) -> str:
        asset = self.asset()
        return asset.portfolio.time_zone if asset and asset.portfolio_id else settings.TIME_ZONE

    def asset(self) -> Asset | None:
        """The asset of the page, that was chosen, or of the row."""
        chosen: Asset | None = self.parent or getattr(self, "cleaned_data", {}).get("asset")
        return chosen or (self.instance.asset if self.instance.asset_id else None)
