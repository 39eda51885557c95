"""Assets, their values and movements, how they are sorted, and the exchange rates."""

from assets.models.asset import Asset, AssetCategory, AssetSnapshot, AssetTag
from assets.models.daily_step import DailyStep
from assets.models.market import ExchangeRate
from assets.models.packed_month import PackedMonth
from assets.models.taxonomy import AssetType, Category, Tag
from assets.models.transaction import Transaction

__all__ = [
    "Asset",
    "AssetCategory",
    "AssetSnapshot",
    "AssetTag",
    "AssetType",
    "Category",
    "DailyStep",
    "ExchangeRate",
    "PackedMonth",
    "Tag",
    "Transaction",
]
