"""The admin pages of assets, their values and transactions, classification, instruments, and exchange rates."""

from assets.admin import asset, classification, entries, instruments, price_sources, rates

__all__ = ["asset", "classification", "entries", "instruments", "price_sources", "rates"]
