"""Makes what a new user owns and owes in one step: household, portfolio, assets, and their first values."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from assets.models import Asset
from assets.services.assets import create_asset
from portfolios.models import Household, Portfolio
from portfolios.services.households import create_household, update_household
from portfolios.services.portfolios import create_portfolio, update_portfolio
from strata.accounts.models import User
from strata.db.locks import lock_rows
from strata.exceptions import Conflict
from strata.tenancy.roles import EDITORS, OWNER, role_in
from strata.tenancy.writes import atomic_write

ALREADY_THERE = Conflict("ALREADY_THERE", _("Your first assets are there already."))


class NewThing(NamedTuple):
    """An asset to make. `value` is signed: a debt is negative. None: it has no value yet."""

    name: str
    asset_type_id: UUID
    currency: str
    value: Decimal | None


class FirstPortfolio(NamedTuple):
    """The portfolio that the assets go to: a new one of this name where the household has none."""

    name: str
    base_currency: str
    time_zone: str


@atomic_write
def make_first_assets(
    user: User, household_name: str, settings: FirstPortfolio, things: Iterable[NewThing]
) -> Portfolio:
    """The portfolio with the new assets, in the household that first_household_of finds, or in a new one.

    409 ALREADY_THERE where the user has assets: of two requests the second makes nothing twice.
    """
    lock_rows(User.objects.filter(pk=user.pk))
    if Asset.objects.for_user(user).exists():
        raise Conflict(ALREADY_THERE.code, ALREADY_THERE.message)
    household = household_with_name(user, household_name)
    portfolio = portfolio_with(household, settings)
    for thing in things:
        create_asset(portfolio.pk, **thing._asdict())
    return portfolio


def first_household_of(user: User) -> Household | None:
    """The oldest household that the user owns, else the oldest in which the user may edit; none of the demo."""
    households = Household.objects.for_user(user, EDITORS).filter(is_demo=False)
    owned = households.filter(memberships__user=user, memberships__role=OWNER)
    return owned.order_by("created_at", "id").first() or households.order_by("created_at", "id").first()


def first_portfolio_of(household: Household) -> Portfolio | None:
    return household.portfolios.order_by("created_at", "id").first()


def household_with_name(user: User, name: str) -> Household:
    """Only an owner renames it."""
    household = first_household_of(user)
    if household is None:
        return create_household(user, name)
    if role_in(user, household.pk) != OWNER:
        return household
    return update_household(household.pk, {"name": name})


def portfolio_with(household: Household, settings: FirstPortfolio) -> Portfolio:
    portfolio = first_portfolio_of(household)
    if portfolio is None:
        return create_portfolio(household.pk, **settings._asdict())
    changes = {"base_currency": settings.base_currency, "time_zone": settings.time_zone}
    return update_portfolio(portfolio.pk, changes)
