"""Households, who belongs to them, their portfolios, what these were worth and how they are meant to be spread."""

from portfolios.models.household import Household, Membership
from portfolios.models.portfolio import Portfolio, PortfolioSnapshot
from portfolios.models.target import AllocationTarget

__all__ = ["AllocationTarget", "Household", "Membership", "Portfolio", "PortfolioSnapshot"]
