"""A few assets that appear in every report."""

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, Category, ExchangeRate, Tag
from assets.services.labels import label_asset
from portfolios.models import Household, Portfolio
from reports.tests.dashboard_pages import entering, worth
from tests.factories import create_valued_asset


@pytest.fixture(scope="module")
def shared_holdings(shared_rows, django_db_blocker):
    """`tree` and `holdings`, made once for all tests of a module, like `shared_rows`, which they are a part of."""
    with django_db_blocker.unblock():
        tree = tree_of(shared_rows["household"])
        shared_rows |= {"tree": tree, "holdings": holdings_of(shared_rows["portfolio"], tree)}


@pytest.fixture
def tree(household, shared):
    """Invested > Shares > Funds, and Invested > Bonds."""
    return shared.get("tree") or tree_of(household)


def tree_of(household) -> dict[str, Category]:
    top = Category.objects.create(household=household, name="Invested")
    shares = Category.objects.create(household=household, name="Shares", parent=top)
    bonds = Category.objects.create(household=household, name="Bonds", parent=top)
    funds = Category.objects.create(household=household, name="Funds", parent=shares)
    return {"top": top, "shares": shares, "bonds": bonds, "funds": funds}


@pytest.fixture
def holdings(portfolio, tree, shared):
    """A fund of 300, a bond of 100 that is tagged twice, cash of 50 in no category, and a loan of 40 dollars."""
    return shared.get("holdings") or holdings_of(portfolio, tree)


def holdings_of(portfolio, tree) -> dict[str, Asset]:
    for on in ("2024-05-31", "2024-06-28"):
        ExchangeRate.objects.create(currency="USD", on=on, units_per_euro="1.25")
    rows = {
        "fund": create_valued_asset(portfolio, "Fund", TypeId.STOCKS, "300"),
        "bond": create_valued_asset(portfolio, "Bond", TypeId.BONDS, "100"),
        "cash": create_valued_asset(portfolio, "Cash", TypeId.CASH, "50"),
        "loan": create_valued_asset(portfolio, "Loan", TypeId.LOAN, "-40", currency="USD"),
    }
    label_asset(rows["fund"].pk, category_ids=[tree["funds"].pk])
    label_asset(rows["bond"].pk, category_ids=[tree["bonds"].pk])
    tags = [Tag.objects.create(household=portfolio.household, name=name) for name in ("Blue", "Red")]
    label_asset(rows["bond"].pk, tag_ids=[tag.pk for tag in tags])
    return rows


@pytest.fixture
def foreign(portfolio):
    """A portfolio of strangers."""
    household = Household.objects.create(name="Strangers")
    row = Portfolio.objects.create(household=household, name="Not yours", base_currency="EUR")
    worth(row, "7777.00")
    return row


@pytest.fixture
def vera_staff(vera_user):
    return entering(vera_user)
