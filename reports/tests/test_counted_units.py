"""Whose units are counted: those of an asset that has any, from its transactions, its own quantity or an action."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Instrument, InstrumentAction
from assets.services.instrument_actions import add_action
from tests.factories import add_value, create_asset, day, record_price

from .test_investments import API, buy, get, post, trade


@pytest.fixture
def parent(household):
    return Instrument.objects.create(household=household, symbol="PAR", name="Parent", currency="EUR")


@pytest.fixture
def child(household):
    return Instrument.objects.create(household=household, symbol="CHI", name="Child", currency="EUR")


@pytest.fixture
def received(portfolio, parent, child):
    """5 shares of the child, which came with 10 of the parent, and have no transaction of their own."""
    holding = create_asset(portfolio, "Parent", TypeId.STOCKS, instrument=parent, valuation="market")
    buy(holding, 0, 10, 1000)
    for instrument, price in ((parent, 75), (child, 50)):
        record_price(instrument, day(2), price)
    add_action(
        household_id=portfolio.household_id,
        instrument_id=parent.pk,
        type="spin_off",
        on=day(2),
        to_instrument_id=child.pk,
        numerator=1,
        denominator=2,
        cost_ratio=Decimal("0.25"),
    )
    return portfolio.assets.get(instrument=child)


def test_shares_that_came_by_an_action_are_counted(alice, received):
    held = get(alice, f"assets/{received.pk}/holding", on=day(2))
    assert (held["quantity"], held["price"], held["value"], held["cost_basis"]) == (
        "5",
        "50",
        "250.00",
        "250.00",
    )
    assert get(alice, f"assets/{received.pk}/holding", on=day(1))["quantity"] == "0"


def test_shares_that_came_by_an_action_move_as_units(alice, portfolio, received, child):
    other = create_asset(portfolio, "Elsewhere", TypeId.STOCKS, instrument=child, valuation="market")
    post(alice, f"assets/{received.pk}/transfer", to_asset_id=other.pk, on=day(3), quantity="2")
    quantities = [get(alice, f"assets/{pk}/holding", on=day(3))["quantity"] for pk in (received.pk, other.pk)]
    assert quantities == ["3", "2"]
    assert get(alice, f"assets/{other.pk}/lots", on=day(3))["cost"] == "100.00"
    whole = alice.post(f"{API}/assets/{received.pk}/transfer", {"to_asset_id": other.pk, "on": day(3)})
    assert whole.json()["errors"][0] | {"message": ""} == {
        "field": "quantity",
        "code": "required",
        "message": "",
    }


def test_the_disposal_of_shares_that_came_by_an_action_leaves_none(alice, received):
    answer = alice.post(f"{API}/assets/{received.pk}/dispose", {"on": day(3), "proceeds": "260"})
    assert answer.status_code == 200, answer.content
    assert get(alice, f"assets/{received.pk}/holding", on=day(3))["quantity"] == "0"
    lots = get(alice, f"assets/{received.pk}/lots", on=day(3))
    assert (lots["quantity"], lots["realised_gain"]) == ("0", "10.00")


def codes(client, portfolio):
    return {
        finding["code"]: finding["asset"]["name"]
        for finding in get(client, f"portfolios/{portfolio.pk}/quality")["findings"]
    }


def test_income_before_the_shares_came_is_a_finding(alice, portfolio, received):
    trade(received, "INCOME", 1, None, 5)
    assert codes(alice, portfolio)["INCOME_WITHOUT_HOLDING"] == "Child"


def test_an_action_without_asset_is_found_where_the_asset_says_its_quantity(alice, portfolio, parent, child):
    """An action of all holders makes no asset; what is held has no transaction."""
    create_asset(
        portfolio,
        "Parent",
        TypeId.STOCKS,
        instrument=parent,
        valuation="market",
        quantity=10,
        acquired_on=day(0),
    )
    InstrumentAction.objects.create(
        instrument=parent,
        type="spin_off",
        on=day(2),
        to_instrument=child,
        numerator=1,
        denominator=1,
        cost_ratio=Decimal("0.5"),
    )
    assert codes(alice, portfolio)["ACTION_WITHOUT_ASSET"] == "Parent"


def test_the_quantity_of_an_expense_is_none_of_the_asset(alice, portfolio, child):
    """Two hours of advice at 30 are no units of the asset: what is held stays what the asset says."""
    asset = create_asset(
        portfolio, "Fund", TypeId.STOCKS, instrument=child, valuation="market", quantity=7, acquired_on=day(0)
    )
    record_price(child, day(1), 5)
    post(alice, f"assets/{asset.pk}/transactions", type="EXPENSE", on=day(1), quantity="2", unit_price="30")
    held = get(alice, f"assets/{asset.pk}/holding", on=day(2))
    assert (held["quantity"], held["value"]) == ("7", "35.00")
    other = create_asset(portfolio, "Elsewhere", TypeId.STOCKS, instrument=child, valuation="market")
    post(alice, f"assets/{asset.pk}/transfer", to_asset_id=other.pk, on=day(3), quantity="3")
    quantities = [get(alice, f"assets/{pk}/holding", on=day(3))["quantity"] for pk in (asset.pk, other.pk)]
    assert quantities == ["4", "3"]


def test_a_house_with_an_expense_that_counts_hours_still_moves_whole(alice, household, portfolio):
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    alice.put(f"{API}/assets/{house.pk}/values/{day(0)}", {"value": "500"}, format="json")
    post(alice, f"assets/{house.pk}/transactions", type="EXPENSE", on=day(1), quantity="2", unit_price="30")
    other = post(alice, "portfolios", name="Other")
    moved = post(alice, f"assets/{house.pk}/transfer", to_portfolio_id=other["id"], on=day(3))
    assert (moved["in"]["quantity"], moved["in"]["amount"]) == (None, "500.00")


def paid_without_units(client, portfolio, asset):
    """The days of income on which the asset holds nothing."""
    return [
        finding["on"]
        for finding in get(client, f"portfolios/{portfolio.pk}/quality")["findings"]
        if finding["code"] == "INCOME_WITHOUT_HOLDING" and finding["asset"]["id"] == str(asset.pk)
    ]


def test_income_of_shares_that_were_never_bought_is_a_finding(alice, portfolio, parent):
    bought, never = (
        create_asset(portfolio, name, TypeId.STOCKS, instrument=parent, valuation="market")
        for name in ("Bought", "Never")
    )
    buy(bought, 0, 10, 1000)
    record_price(parent, day(0), 100)
    for asset in (bought, never):
        trade(asset, "INCOME", 1, None, 5)
    assert paid_without_units(alice, portfolio, bought) == []
    assert paid_without_units(alice, portfolio, never) == [str(day(1))]


def test_income_of_what_is_worth_what_was_recorded_is_one_only_before_that(alice, portfolio, parent):
    """Without units a market price has nothing to be multiplied by: the recorded value stays."""
    asset = create_asset(portfolio, "Fund", TypeId.STOCKS, instrument=parent, valuation="market")
    add_value(asset, 500, day(2))
    for on in (1, 2, 3):
        trade(asset, "INCOME", on, None, 5)
    assert paid_without_units(alice, portfolio, asset) == [str(day(1))]


@pytest.mark.parametrize(("acquired_on", "days"), [(None, []), (2, [1]), (1, [])])
def test_income_before_the_quantity_that_the_asset_says_is_a_finding(
    alice, portfolio, parent, acquired_on, days
):
    """Of a quantity without a day nobody knows since when it is held."""
    since = None if acquired_on is None else day(acquired_on)
    asset = create_asset(
        portfolio,
        "Fund",
        TypeId.STOCKS,
        instrument=parent,
        valuation="market",
        quantity=10,
        acquired_on=since,
    )
    for on in (1, 3):
        trade(asset, "INCOME", on, None, 5)
    assert paid_without_units(alice, portfolio, asset) == [str(day(on)) for on in days]


def test_income_of_an_account_and_of_a_house_needs_no_units(alice, portfolio):
    for name, type_id in (("Account", TypeId.CHECKING_ACCOUNT), ("House", TypeId.REAL_ESTATE)):
        asset = create_asset(portfolio, name, type_id)
        trade(asset, "INCOME", 1, None, 5)
        assert paid_without_units(alice, portfolio, asset) == []
