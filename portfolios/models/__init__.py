"""Households, who is in them, and their portfolios."""

from portfolios.models.household import Household, Invitation, Membership, Role
from portfolios.models.lot_method import LotMethod
from portfolios.models.portfolio import Portfolio

__all__ = ["Household", "Invitation", "LotMethod", "Membership", "Portfolio", "Role"]
