"""A few holdings that every report has something to say about."""

from datetime import date

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Category, ExchangeRate, Tag
from assets.services.classification import label
from strata.fields.dates import noon


@pytest.fixture
def tree(household):
    """Invested > Shares > Funds, and Invested > Bonds."""
    top = Category.objects.create(household=household, name="Invested")
    shares = Category.objects.create(household=household, name="Shares", parent=top)
    bonds = Category.objects.create(household=household, name="Bonds", parent=top)
    funds = Category.objects.create(household=household, name="Funds", parent=shares)
    return {"top": top, "shares": shares, "bonds": bonds, "funds": funds}


@pytest.fixture
def holdings(portfolio, tree, household):
    """A fund of 300, a bond of 100 that is tagged twice, cash of 50 in no category, and a loan of 40 dollars."""
    for on in ("2024-05-31", "2024-06-28"):
        ExchangeRate.objects.create(currency="USD", on=on, units_per_euro="1.25")
    rows = {
        "fund": held(portfolio, "Fund", TypeId.STOCKS, "300"),
        "bond": held(portfolio, "Bond", TypeId.BONDS, "100"),
        "cash": held(portfolio, "Cash", TypeId.CASH, "50"),
        "loan": held(portfolio, "Loan", TypeId.LOAN, "-40", currency="USD"),
    }
    label(rows["fund"], category_ids=[tree["funds"].pk])
    label(rows["bond"], category_ids=[tree["bonds"].pk])
    tags = [Tag.objects.create(household=household, name=name) for name in ("Blue", "Red")]
    label(rows["bond"], tag_ids=[tag.pk for tag in tags])
    return rows


def held(portfolio, name, asset_type, value, *, currency="EUR", on="2024-06-01"):
    row = Asset.objects.create(portfolio=portfolio, asset_type_id=asset_type, name=name, currency=currency)
    day = date.fromisoformat(on)
    AssetSnapshot.objects.create(asset=row, value=value, on=day, observed_at=noon(day, portfolio.time_zone))
    return row
