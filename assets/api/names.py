"""What a request may name by its code or name in place of an id."""

from __future__ import annotations

from assets.models import Asset, AssetType, Category, Tag
from portfolios.models import Portfolio
from strata.api.names import NamedRows

PORTFOLIOS = NamedRows(Portfolio, "portfolio")
ASSETS = NamedRows(Asset, "asset")
ASSET_TYPES = NamedRows(AssetType, "asset_type", key="label_key", code="code")
CATEGORIES = NamedRows(Category, "category")
TAGS = NamedRows(Tag, "tag")
