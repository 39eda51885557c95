"""Households, their members, and portfolios."""
