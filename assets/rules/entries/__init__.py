"""Checks of transactions, transfers, disposals and values."""
