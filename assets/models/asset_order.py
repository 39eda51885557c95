"""AssetOrder: the order in which the members of a household want to see a portfolio's assets."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import models

from portfolios.models import Portfolio
from strata.audit.tracking import TrackedModel


class AssetOrder(TrackedModel):
    """A row of the portfolio and not of its assets, so that a new order changes no asset.

    `asset_ids` is a text with blanks between the ids. Some may be of assets that were deleted since, or are in another
    portfolio now; they are skipped. Assets that it does not name come last, by name.
    """

    belongs_to = "portfolio"
    raises_revision = False

    portfolio = models.OneToOneField(Portfolio, on_delete=models.CASCADE, related_name="asset_order")
    asset_ids = models.TextField(default="")

    def __str__(self) -> str:
        return f"Order of {self.portfolio}"

    @property
    def ids(self) -> list[UUID]:
        return [UUID(text) for text in self.asset_ids.split()]


def as_text(ids: Iterable[UUID]) -> str:
    return " ".join(map(str, ids))
