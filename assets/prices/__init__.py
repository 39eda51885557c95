"""Prices of instruments: recorded in blocks, packed for reading, converted for splits, and read as a PriceSeries."""

from assets.prices.hooks import register_hook
from assets.prices.reading import read
from assets.prices.series import PriceSeries

__all__ = ["PriceSeries", "read", "register_hook"]
