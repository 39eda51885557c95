"""The admin pages of assets, their values and transactions, classification, instruments, and exchange rates."""

from assets.admin import asset, classification, entries, instruments, rates

__all__ = ["asset", "classification", "entries", "instruments", "rates"]
