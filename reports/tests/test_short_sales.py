"""Short sales in the report of change and in returns: the sale opens the holding, and the purchase closes it."""

from __future__ import annotations

import pytest

from assets.classification.seeds import TypeId
from assets.models import Instrument
from tests.factories import add_value, create_asset, day, record_price

from .test_investments import buy, get, sell

PARTS = ("net_flows", "income", "expenses", "value_change", "added", "removed")


@pytest.fixture
def short_portfolio(portfolio):
    portfolio.allow_short = True
    portfolio.save()
    return portfolio


@pytest.fixture
def shares(short_portfolio):
    instrument = Instrument.objects.create(
        household=short_portfolio.household, symbol="ABC", name="Abc", currency="EUR"
    )
    return create_asset(short_portfolio, "Shares", TypeId.STOCKS, instrument=instrument, valuation="market")


def parts_of_change(client, portfolio, start, end):
    total = get(client, f"portfolios/{portfolio.pk}/change", start=day(start), end=day(end))["total"]
    return {name: total[name] for name in PARTS if total[name] != "0.00"}


def test_what_is_sold_short_is_a_flow_and_nothing_is_added(alice, short_portfolio, shares):
    """10 are sold for 1000 less 10, and worth 1000: nothing was gained but the fee. 15 @ 80 close them for 200 less."""
    sell(shares, 1, 10, 1000, fee=10)
    record_price(shares.instrument, day(1), 100)
    buy(shares, 4, 15, 1200)
    record_price(shares.instrument, day(4), 80)
    assert parts_of_change(alice, short_portfolio, 0, 1) == {"net_flows": "-990.00", "expenses": "10.00"}
    assert parts_of_change(alice, short_portfolio, 0, 4) == {
        "net_flows": "210.00",
        "expenses": "10.00",
        "value_change": "200.00",
    }
    for path in ("performance", f"assets/{shares.pk}/performance"):
        answer = get(alice, path, start=day(0), end=day(4), explain=1)
        assert [flow["amount"] for flow in answer["flows"]] == ["-990.00", "1200.00"], path
        assert (answer["net_flows"], answer["realised_gain"], answer["end_value"]) == (
            "210.00",
            "190.00",
            "400.00",
        )


def test_what_was_sold_short_before_its_first_price_is_a_flow(alice, short_portfolio, shares):
    sell(shares, 1, 10, 1000)
    record_price(shares.instrument, day(3), 101)
    assert parts_of_change(alice, short_portfolio, 0, 3) == {
        "net_flows": "-1000.00",
        "value_change": "-10.00",
    }
    assert get(alice, "performance", start=day(0), end=day(3))["net_flows"] == "-1000.00"


def test_a_short_holding_that_was_bought_back_on_its_last_day_is_not_removed(alice, short_portfolio):
    """A value that is recorded below zero, opened by a sale and closed by a purchase: 100 came, 90 went."""
    asset = create_asset(short_portfolio, "Certificate", TypeId.STOCKS)
    sell(asset, 1, None, 100)
    add_value(asset, -100, day(1))
    buy(asset, 4, None, 90)
    asset.disposed_on = day(4)
    asset.save()
    assert parts_of_change(alice, short_portfolio, 0, 4) == {"net_flows": "-10.00", "value_change": "10.00"}
    answer = get(alice, "performance", start=day(0), end=day(4), explain=1)
    assert [flow["amount"] for flow in answer["flows"]] == ["-100.00", "90.00"]
