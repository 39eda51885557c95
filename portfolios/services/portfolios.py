"""Creates, changes and deletes portfolios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from portfolios.models import Household, Portfolio
from strata.audit import deletions
from strata.exceptions import Conflict
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    conflict_if_duplicate,
    delete_row,
    locked_parent,
    locked_row,
    save_changes,
)

NAME_IS_TAKEN = Conflict("DUPLICATE_NAME", _("The name is taken."), "name")


@atomic_write
def create_portfolio(household_id: UUID, *, precondition: Precondition = always, **values: Any) -> Portfolio:
    """A portfolio with a `name`; all other values have defaults. 409 DUPLICATE_NAME."""
    household = locked_parent(Portfolio, Household.objects.all(), household_id, "household")
    precondition(household)
    with conflict_if_duplicate(Portfolio, NAME_IS_TAKEN):
        return Portfolio.objects.create(household=household, **values)


@atomic_write
def update_portfolio(
    portfolio_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> Portfolio:
    """Rename it, or change its currency or time zone. 409 DUPLICATE_NAME."""
    portfolio = locked_row(Portfolio.objects.all(), portfolio_id, "portfolio")
    precondition(portfolio)
    with conflict_if_duplicate(Portfolio, NAME_IS_TAKEN):
        save_changes(portfolio, changes)
    return portfolio


def delete_portfolio(portfolio_id: UUID, *, precondition: Precondition = always) -> None:
    """Delete it with its assets, their values, and its stored totals and targets. Its journal stays."""
    delete_row(Portfolio.objects.all(), portfolio_id, "portfolio", precondition, delete=deletions.delete)


PORTFOLIOS = Service(create=create_portfolio, update=update_portfolio, delete=delete_portfolio)
