"""The lock for writes of an asset, its values and its transactions: the row of its portfolio."""

from __future__ import annotations

from uuid import UUID

from assets.models import Asset
from assets.models.querysets import AssetQuerySet
from portfolios.models import Portfolio
from strata.db.locks import lock_rows
from strata.db.retry import Restart
from strata.exceptions import NotFound


def locked_asset(
    asset_id: UUID, to: UUID | None = None, *, assets: AssetQuerySet[Asset] | None = None
) -> Asset:
    """Lock the asset's portfolio, and with it `to`, the portfolio that the asset moves to; then read the asset.

    `assets` are those that the caller may see. Raises NotFound if the asset is not one of them, and Restart if it
    moved to another portfolio while this waited for the lock.
    """
    asset_rows = (Asset.objects.all() if assets is None else assets).filter(pk=asset_id)
    portfolios = asset_rows.order_by().values("portfolio")
    if to is not None:
        portfolios = portfolios.union(Portfolio._base_manager.filter(pk=to).order_by().values("pk"))
    locked = lock_rows(Portfolio._base_manager.filter(pk__in=portfolios))
    asset = asset_rows.select_related("portfolio").first()
    if asset is None:
        raise NotFound("asset")
    if asset.portfolio_id not in locked:
        raise Restart("the asset has moved")
    if to is not None and to not in locked:
        raise NotFound("portfolio")
    return asset
