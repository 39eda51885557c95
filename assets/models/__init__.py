"""Assets, their values and transactions, how they are sorted, exchange rates, and the prices of instruments."""

from assets.models.asset import Asset, AssetCategory, AssetTag
from assets.models.asset_order import AssetOrder
from assets.models.classification import AssetType, Category, Tag
from assets.models.derived.forgotten_portfolio import ForgottenPortfolio
from assets.models.derived.held_quantities import HeldQuantities
from assets.models.derived.monthly_deltas import MonthlyDeltas
from assets.models.derived.monthly_values import MonthlyValues
from assets.models.derived.packed_prices import PackedPrices
from assets.models.derived.rates_version import RatesVersion
from assets.models.derived.valuation_settings import ValuationSettings
from assets.models.derived.value_gap import ValueGap
from assets.models.exchange_rate import ExchangeRate
from assets.models.instrument import Instrument
from assets.models.instrument_action import InstrumentAction
from assets.models.loan import Loan, LoanExtraPayment, LoanHoliday, LoanRate
from assets.models.price import PriceBlock, PriceLoad
from assets.models.price_source import InstrumentSource, PriceFetch, PriceSource, PriceSourceHealth
from assets.models.snapshot import AssetSnapshot
from assets.models.terms import Depreciation, Growth
from assets.models.transaction import Transaction

__all__ = [
    "Asset",
    "AssetCategory",
    "AssetOrder",
    "AssetSnapshot",
    "AssetTag",
    "AssetType",
    "Category",
    "Depreciation",
    "ExchangeRate",
    "ForgottenPortfolio",
    "Growth",
    "HeldQuantities",
    "Instrument",
    "InstrumentAction",
    "InstrumentSource",
    "Loan",
    "LoanExtraPayment",
    "LoanHoliday",
    "LoanRate",
    "MonthlyDeltas",
    "MonthlyValues",
    "PackedPrices",
    "PriceBlock",
    "PriceFetch",
    "PriceLoad",
    "PriceSource",
    "PriceSourceHealth",
    "RatesVersion",
    "Tag",
    "Transaction",
    "ValuationSettings",
    "ValueGap",
]
