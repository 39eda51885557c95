"""Households, who belongs to them, their portfolios and what these were worth."""

from portfolios.models.household import Household, Membership
from portfolios.models.portfolio import Portfolio, PortfolioSnapshot

__all__ = ["Household", "Membership", "Portfolio", "PortfolioSnapshot"]
