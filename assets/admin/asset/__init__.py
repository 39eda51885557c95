"""The admin pages of assets: the list, and what an asset's own page shows."""

from assets.admin.asset import page

__all__ = ["page"]
