"""Writes the household's share of an asset."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from assets.models import Asset
from assets.rules.assets.ownership import validate_shares, validate_sharing
from assets.valuation import has_market_price
from assets.valuation.formulas.shares import Share, as_text, read_shares
from strata.tenancy.writes import Precondition, always, atomic_write, locked_row, save_changes


@atomic_write
def put_shares(asset_id: UUID, shares: Sequence[Share], *, precondition: Precondition = always) -> Asset:
    """Replace the shares of the asset by these; without any the household owns all of it.

    400 that names the field for bad shares, and for an asset at its market price.
    """
    asset = locked_row(Asset.objects.select_related("portfolio"), asset_id, "asset")
    precondition(asset)
    validate_shares(shares)
    validate_sharing("shares", is_shared=bool(shares), has_market_price=has_market_price(asset.valuation))
    save_changes(asset, {"shares": as_text(shares)})
    return asset


def shares_of(asset: Asset) -> list[Share]:
    return read_shares(asset.shares)
