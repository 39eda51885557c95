"""Households, who is in them, and their portfolios."""

from portfolios.models.household import Household, Invitation, Membership, Role
from portfolios.models.lot_method import LOT_METHODS
from portfolios.models.portfolio import Portfolio

__all__ = ["LOT_METHODS", "Household", "Invitation", "Membership", "Portfolio", "Role"]
