"""Assets, their values and transactions, how they are sorted, and the exchange rates."""

from assets.models.asset import Asset, AssetCategory, AssetTag
from assets.models.asset_order import AssetOrder
from assets.models.classification import AssetType, Category, Tag
from assets.models.daily_delta import DailyDelta
from assets.models.exchange_rate import ExchangeRate
from assets.models.instrument import Instrument
from assets.models.monthly_values import MonthlyValues
from assets.models.rates_version import RatesVersion
from assets.models.snapshot import AssetSnapshot
from assets.models.transaction import Transaction

__all__ = [
    "Asset",
    "AssetCategory",
    "AssetOrder",
    "AssetSnapshot",
    "AssetTag",
    "AssetType",
    "Category",
    "DailyDelta",
    "ExchangeRate",
    "Instrument",
    "MonthlyValues",
    "RatesVersion",
    "Tag",
    "Transaction",
]
