"""Assets, their values and transactions, what sorts them, and the rates, in the admin."""

from assets.admin import asset, classification, entries, rates

__all__ = ["asset", "classification", "entries", "rates"]
