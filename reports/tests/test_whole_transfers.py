"""Assets without units that move to another portfolio: reports of change and returns on the day on which they move."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import AssetSnapshot
from assets.services.ownership import put_shares
from assets.valuation.formulas.shares import Share
from portfolios.models import Portfolio
from tests.factories import add_value, create_asset

from .test_investments import API, get, post

MOVED_ON = date(2024, 6, 15)
DAYS = {"start": "2024-05-31", "end": "2024-06-30"}
MOVED_AFTER = 166  # days of the year
HALF, ALL = Decimal("0.5"), Decimal(1)


@pytest.fixture
def elsewhere(household):
    return Portfolio.objects.create(household=household, name="Elsewhere")


@pytest.fixture
def house(portfolio):
    """It is worth 400,000, and 440,000 from the day on which it moves."""
    asset = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    add_value(asset, 400_000, date(2024, 1, 1))
    add_value(asset, 440_000, MOVED_ON)
    return asset


def move(alice, asset, portfolio):
    body = {"to_portfolio_id": str(portfolio.pk), "on": str(MOVED_ON)}
    return post(alice, f"assets/{asset.pk}/transfer", **body)["in"]["asset_id"]


def figures(alice, portfolio=None):
    """The parts of the change that are not zero, and the flows and the return of performance."""
    prefix = f"portfolios/{portfolio.pk}/" if portfolio else ""
    change = get(alice, f"{prefix}change" if portfolio else "net-worth/change", **DAYS)["total"]
    returns = get(alice, f"{prefix}performance", **DAYS, explain=1)
    names = ("net_flows", "income", "expenses", "value_change", "added", "removed")
    parts = {name: change[name] for name in names if Decimal(change[name])}
    return parts, [flow["amount"] for flow in returns["flows"]], returns["twr"]


def test_it_leaves_and_arrives_at_the_value_of_the_day(alice, house, portfolio, elsewhere):
    move(alice, house, elsewhere)
    rise = {"value_change": "40000.00"}
    assert figures(alice, portfolio) == ({"net_flows": "-440000.00"} | rise, ["-440000.00"], "0.1000000000")
    assert figures(alice, elsewhere) == ({"net_flows": "440000.00"}, ["440000.00"], "0.0000000000")
    assert figures(alice) == (rise, [], "0.1000000000")
    assert get(alice, f"assets/{house.pk}/performance", **DAYS)["twr"] == "0.1000000000"


def test_change_of_the_share_on_the_day_is_no_flow_beside_the_transfer(alice, house, portfolio, elsewhere):
    """From 200,000, the half of 400,000, to all of 440,000: the transfer is the flow, and the rest is a gain."""
    put_shares(house.pk, [Share(None, HALF), Share(MOVED_ON, ALL)])
    move(alice, house, elsewhere)
    rise = {"value_change": "240000.00"}
    assert figures(alice, portfolio) == ({"net_flows": "-440000.00"} | rise, ["-440000.00"], "1.2000000000")
    assert figures(alice, elsewhere) == ({"net_flows": "440000.00"}, ["440000.00"], "0.0000000000")
    assert figures(alice) == (rise, [], "1.2000000000")


def test_share_that_changes_later_is_added_where_the_asset_is_then(alice, house, portfolio, elsewhere):
    put_shares(house.pk, [Share(None, HALF), Share(date(2024, 6, 20), ALL)])
    move(alice, house, elsewhere)
    assert figures(alice, elsewhere) == (
        {"net_flows": "220000.00", "added": "220000.00"},
        ["220000.00", "220000.00"],
        "0.0000000000",
    )
    assert figures(alice) == (
        {"value_change": "20000.00", "added": "220000.00"},
        ["220000.00"],
        "0.1000000000",
    )


def test_payment_of_a_loan_on_the_day_is_a_payment_of_the_loan_that_moves(alice, portfolio, elsewhere):
    """100,000 at 6 %: 500 of interest, and 1,000 are repaid; then it moves."""
    loan = create_asset(portfolio, "Loan", TypeId.MORTGAGE)
    terms = {
        "valuation": "loan",
        "principal": "120000",
        "started_on": "2024-05-15",
        "first_payment_on": str(MOVED_ON),
        "term": 120,
        "loan_type": "fixed_principal",
        "rates": [{"on": "2024-05-15", "rate": "0.06"}],
    }
    assert alice.put(f"{API}/assets/{loan.pk}/terms", terms, format="json").status_code == 200
    paid = figures(alice)[:2]
    assert paid == ({"net_flows": "1600.00", "expenses": "600.00"}, ["1600.00"])
    move(alice, loan, elsewhere)
    assert figures(alice)[:2] == paid
    assert figures(alice, elsewhere)[:2] == ({"net_flows": "-119000.00"}, ["-119000.00"])
    assert figures(alice, portfolio)[0] == {"net_flows": "120600.00", "expenses": "600.00"}


@pytest.mark.parametrize("kind", ["balance", "value"])
@pytest.mark.parametrize("values", [(-900, -1000), (300, -1000)])
def test_debt_leaves_and_arrives_as_a_debt(alice, portfolio, elsewhere, kind, values):
    """What is owed lowers the portfolio into which it moves and raises the other, also if it was none before."""
    debt = create_asset(portfolio, "Borrowed", TypeId.OTHER, kind=kind)
    for on, value in zip((date(2024, 1, 1), MOVED_ON), values, strict=True):
        add_value(debt, value, on)
    move(alice, debt, elsewhere)
    before, now = (Decimal(value).quantize(Decimal("0.01")) for value in values)
    if kind == "value":
        changed = {"value_change": str(now - before)}
        assert figures(alice, portfolio)[:2] == ({"net_flows": "1000.00"} | changed, ["1000.00"])
        assert figures(alice)[:2] == (changed, [])
    else:
        assert figures(alice, portfolio)[:2] == ({"net_flows": str(-before)}, [str(-before)])
        assert figures(alice)[:2] == ({"net_flows": str(now - before)}, [str(now - before)])
    assert figures(alice, elsewhere)[:2] == ({"net_flows": "-1000.00"}, ["-1000.00"])


TERMS = {
    "loan": {
        "principal": "120000",
        "started_on": "2023-01-01",
        "first_payment_on": "2023-02-01",
        "term": 120,
        "loan_type": "interest_only",
        "rates": [{"on": "2023-01-01", "rate": "0.06"}],
    },
    "depreciation": {
        "method": "straight_line",
        "cost": "36600",
        "residual_value": "0",
        "life": 1,
        "started_on": "2024-01-01",
    },
    "growth": {"rate": "0.03", "compounding": "yearly"},
}
DAILY = {"start": "2024-01-01", "end": "2024-07-31", "interval": "day"}


def with_terms(alice, portfolio, kind, **terms):
    asset = create_asset(portfolio, kind, TypeId.PERSONAL_PROPERTY)
    if kind == "growth":
        add_value(asset, 1000, date(2024, 1, 1))
    body = {"valuation": kind} | TERMS[kind] | terms
    assert alice.put(f"{API}/assets/{asset.pk}/terms", body, format="json").status_code == 200
    return asset


def daily_net(alice):
    return [point["net"] for point in get(alice, "net-worth", **DAILY)["points"]]


@pytest.mark.parametrize("kind", TERMS)
def test_terms_that_began_before_the_day_give_no_second_value_before_it(alice, portfolio, elsewhere, kind):
    asset = with_terms(alice, portfolio, kind)
    before = daily_net(alice)
    new = move(alice, asset, elsewhere)
    assert daily_net(alice)[: MOVED_AFTER + 1] == before[: MOVED_AFTER + 1]
    points = get(alice, f"assets/{new}/values", **DAILY)["points"]
    assert [point["value"] is not None for point in points] == [
        number >= MOVED_AFTER for number in range(len(points))
    ]
    returns = get(alice, f"portfolios/{elsewhere.pk}/performance", end="2024-07-31")
    assert returns["start"] == "2024-06-14"


@pytest.mark.parametrize("kind", ["loan", "depreciation"])
def test_they_count_from_the_day_on_also_without_the_value_recorded_on_it(alice, portfolio, elsewhere, kind):
    asset = with_terms(alice, portfolio, kind)
    before = daily_net(alice)
    new = move(alice, asset, elsewhere)
    AssetSnapshot.objects.get(asset=new).delete()
    assert daily_net(alice) == before
    assert get(alice, f"assets/{new}/values", **DAILY)["points"][MOVED_AFTER - 1]["value"] is None


def test_loans_are_secured_on_the_asset_that_it_becomes(alice, portfolio, elsewhere, house):
    loan = with_terms(alice, portfolio, "loan", collateral_id=str(house.pk))
    new = move(alice, house, elsewhere)
    equity = {"value": "440000.00", "loans": "-120000.00", "equity": "320000.00", "loan_to_value": "0.2727"}
    for pk in (new, loan.pk):
        assert get(alice, f"assets/{pk}", on="2024-06-30")["equity"] == equity
    new_loan = move(alice, loan, elsewhere)
    for pk in (new, new_loan):
        assert get(alice, f"assets/{pk}", on="2024-06-30")["equity"] == equity
