"""What only the first demo has: a row for each example of the API's document that the household has none for.

The examples name them by their fixed ids.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from assets.models import AssetType, ExchangeRate
from assets.models.classification import Group, Kind
from demo.ids import Row, fixed_id
from portfolios.models import Household, Invitation, Portfolio
from reports.models import AllocationTarget, PortfolioSnapshot
from reports.queries.totals import portfolio_total
from reports.services.portfolio_snapshots import write_down
from strata.accounts.models import ApiToken, User
from strata.accounts.services import issue_token
from strata.fields.dates import noon
from strata.tenancy.roles import VIEWER

REQUEST_ID = "demo"  # of what the command writes


def make_examples(household: Household, user: User, first_day: date) -> None:
    portfolio = household.portfolios.get()
    save_total(portfolio, first_day)
    AllocationTarget.objects.create(
        id=fixed_id(Row.TARGET),
        household=household,
        portfolio=portfolio,
        group=Group.REAL_ESTATE,
        share=Decimal("0.7"),
    )
    AssetType.objects.create(
        id=fixed_id(Row.ASSET_TYPE),
        household=household,
        code="BOARD_GAMES",
        label="Board games",
        group=Group.PHYSICAL_COLLECTIONS,
        kind=Kind.VALUE,
        stale_after_days=400,
    )
    Invitation.objects.create(id=fixed_id(Row.INVITATION), household=household, username="sam", role=VIEWER)
    make_token(user)
    add_rate(first_day)


def save_total(portfolio: Portfolio, on: date) -> None:
    row = PortfolioSnapshot(
        id=fixed_id(Row.TOTAL),
        portfolio=portfolio,
        on=on,
        observed_at=noon(on, portfolio.time_zone),
        note="The first total",
    )
    write_down(row, portfolio_total(portfolio, on), portfolio.revision)
    row.save()


def make_token(user: User) -> None:
    """A token whose secret nobody has seen. A user who stayed when an earlier demo was removed has it already."""
    if ApiToken.objects.filter(pk=fixed_id(Row.TOKEN)).exists():
        return
    token, _secret = issue_token(user, name="Example of a token", scope=ApiToken.Scope.READ)
    token.delete()
    token.pk = fixed_id(Row.TOKEN)
    token.save(force_insert=True)


def add_rate(on: date) -> None:
    """A rate of the demo alone. Rates are never deleted, so that of an earlier demo stays."""
    if not ExchangeRate.objects.filter(pk=fixed_id(Row.RATE)).exists():
        ExchangeRate.objects.create(
            id=fixed_id(Row.RATE),
            currency="CHF",
            on=on,
            units_per_euro=Decimal("0.9321"),
            source=ExchangeRate.Source.DEMO,
        )
