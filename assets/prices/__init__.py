"""Prices of instruments: recorded in blocks, packed for reading, converted for splits, and read as a PriceSeries."""

from assets.prices.hooks import register_hook
from assets.prices.reading import first_days, read, terms_of
from assets.prices.series import PriceSeries

__all__ = ["PriceSeries", "first_days", "read", "register_hook", "terms_of"]
