"""The rows that writers lock. A portfolio's row guards everything in the portfolio, a household's row the rest.

A write that needs both locks the household first (see strata.db.locks). A row that is gone is a 404 for that resource.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from portfolios.models import Household, Portfolio
from strata.db.locks import lock_rows
from strata.exceptions import NotFound


def lock_household(household_id: UUID) -> None:
    lock_households([household_id])


def lock_households(household_ids: Collection[UUID]) -> None:
    """Lock them in the order of their ids. Raises NotFound if one no longer exists."""
    _lock_all(Household, household_ids, "household")


def lock_portfolios(portfolio_ids: Collection[UUID]) -> None:
    """Lock them in the order of their ids. Raises NotFound if one no longer exists."""
    _lock_all(Portfolio, portfolio_ids, "portfolio")


def _lock_all(model: type[Household] | type[Portfolio], ids: Collection[UUID], resource: str) -> None:
    wanted = set(ids)
    if wanted - set(lock_rows(model._base_manager.filter(pk__in=wanted))):
        raise NotFound(resource)
