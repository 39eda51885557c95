"""Households, who is in them, and their portfolios."""

from portfolios.models.household import Household, Membership
from portfolios.models.portfolio import Portfolio

__all__ = ["Household", "Membership", "Portfolio"]
