"""Worked cases of the reference of measures with values at market prices, through the API."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument
from reports.tests.test_investments import buy, get, post, sell, trade
from tests.factories import create_asset, day


def at_market(portfolio, name="Shares", quote_unit="1", **fields) -> Asset:
    instrument = Instrument.objects.create(
        household=portfolio.household, symbol=name, name=name, currency="EUR", quote_unit=quote_unit
    )
    return create_asset(portfolio, name, TypeId.STOCKS, instrument=instrument, valuation="market", **fields)


def price(client, asset, on, text) -> None:
    on = day(on) if isinstance(on, int) else on
    post(client, f"instruments/{asset.instrument_id}/prices", on=on, price=text, accept_jumps=True)


def gains(client, asset, on, method) -> tuple[Decimal, Decimal]:
    lots = get(client, f"assets/{asset.pk}/lots", on=day(on), method=method)
    return round(Decimal(lots["realised_gain"]), 2), round(Decimal(lots["unrealised_gain"]), 2)


@pytest.mark.parametrize(
    ("method", "first", "second"),
    [
        ("fifo", ("98.12", "12439.96"), ("98.12", "10199.26")),
        ("average", ("98.12", "12439.96"), ("81.12", "10216.26")),
    ],
)
def test_portfolio_performance_cost_calculation(alice, portfolio, method, first, second):
    """Cases 1 and 2 of the cost basis, at a price of 100."""
    fund, other_fund = at_market(portfolio, "One"), at_market(portfolio, "Other")
    buy(fund, 0, 109, "3149.20")
    sell(fund, 1, 15, "531.50")
    buy(fund, 2, 52, "1684.92")
    buy(fund, 3, 32, "959.30")
    buy(other_fund, 0, 109, "3149.20")
    buy(other_fund, 2, 52, "1684.92")
    sell(other_fund, 3, 15, "531.50")
    for asset in (fund, other_fund):
        price(alice, asset, 4, "100")
    assert gains(alice, fund, 5, method) == tuple(map(Decimal, first))
    assert gains(alice, other_fund, 5, method) == tuple(map(Decimal, second))


@pytest.mark.parametrize(("method", "expected"), [("average", (1050, 1750)), ("fifo", (1750, 1050))])
def test_portfolio_performance_cost_methodology(alice, portfolio, method, expected):
    """Case 3 of the cost basis: 100 @ 95, 200 @ 105, 100 @ 107, 150 sold @ 110, all at 110."""
    shares = at_market(portfolio)
    for on, (quantity, each) in enumerate([(100, 95), (200, 105), (100, 107)]):
        buy(shares, on, quantity, quantity * each)
    sell(shares, 3, 150, 16_500)
    price(alice, shares, 3, "110")
    assert gains(alice, shares, 4, method) == expected


def test_splits_change_the_price_of_a_share_and_no_value(alice, portfolio):
    """10 @ 100, then 2 for 1: 20 @ 50, then 1 for 10: 2 @ 500."""
    shares = at_market(portfolio)
    buy(shares, 0, 10, 1000)
    price(alice, shares, 0, "100")
    for on, numerator, denominator in [(3, 2, 1), (6, 1, 10)]:
        ratio = {"numerator": numerator, "denominator": denominator}
        post(alice, f"instruments/{shares.instrument_id}/actions", type="split", on=day(on), **ratio)
    held = {on: get(alice, f"assets/{shares.pk}/holding", on=day(on)) for on in (2, 3, 6)}
    assert [(held[on]["quantity"], held[on]["price"], held[on]["value"]) for on in held] == [
        ("10", "100", "1000.00"),
        ("20", "50", "1000.00"),
        ("2", "500", "1000.00"),
    ]


def test_portfolio_performance_issues_371_and_672_shares_that_were_moved(alice, portfolio):
    for name, quantity, paid, each, gain in [
        ("371", 47, "2397.60", "88.09", "1742.63"),
        ("672", 10, "883.10", "97.141", "88.31"),
    ]:
        shares = at_market(portfolio, name)
        other = create_asset(
            portfolio, f"{name} elsewhere", TypeId.STOCKS, instrument=shares.instrument, valuation="market"
        )
        buy(shares, 0, quantity, paid)
        post(alice, f"assets/{shares.pk}/transfer", to_asset_id=other.pk, on=day(1), quantity=str(quantity))
        price(alice, shares, 2, each)
        lots = get(alice, f"assets/{other.pk}/lots", on=day(2))
        assert (lots["cost"], lots["unrealised_gain"]) == (paid, gain)
        assert get(alice, f"assets/{shares.pk}/holding", on=day(2))["value"] == "0.00"


def test_the_price_of_a_holding_is_that_of_the_security_to_its_last_digit(alice, portfolio):
    coin = at_market(portfolio)
    buy(coin, 0, "3.5", 1)
    price(alice, coin, 0, "0.000123456789")
    held = get(alice, f"assets/{coin.pk}/holding", on=day(0))
    assert (held["price"], held["value"]) == ("0.000123456789", "0.0004")
    assert get(alice, f"assets/{coin.pk}/holding", on=day(20))["price"] is None


def test_portfolio_performance_issue_1879(alice, portfolio):
    """200 shares that cost 829.30 at 4.006; a dividend of 80 is .096466 of the cost."""
    shares = at_market(portfolio)
    buy(shares, 0, 200, "829.30")
    price(alice, shares, 1, "4.006")
    trade(shares, "INCOME", 1, None, 80)
    held = get(alice, f"assets/{shares.pk}/holding", on=day(1))
    assert held["unrealised_gain"] == "-28.10"
    income = get(alice, f"assets/{shares.pk}/performance", start=day(0), end=day(1))["income"]
    assert income == "80.00"
    assert abs(Decimal(income) / Decimal(held["cost_basis"]) - Decimal(".096466")) < Decimal("1e-6")


def test_wealthfolio_option_is_quoted_by_the_share(alice, portfolio):
    """5 @ 3 x 100 with a fee of 10 cost 1510; 3 are sold @ 4 with a fee of 5: 604 are left, 289 were gained."""
    option = at_market(portfolio, quote_unit="100")
    buy(option, 0, 5, 1500, fee=10)
    price(alice, option, 0, "3")
    assert get(alice, f"assets/{option.pk}/holding", on=day(0))["value"] == "1500.00"
    sell(option, 1, 3, 1200, fee=5)
    price(alice, option, 1, "4")
    lots = get(alice, f"assets/{option.pk}/lots", on=day(1))
    assert [lots[name] for name in ("cost", "realised_gain", "value")] == ["604.00", "289.00", "800.00"]


def test_portfolio_performance_tax_refund(alice, portfolio):
    """7648 and a tax of 10, worth 7430 after 338 days: the return of the asset leaves the tax out."""
    shares = at_market(portfolio)
    buy(shares, 0, 1, 7648, tax=10)
    price(alice, shares, 0, "7648")
    for on in range(10, 338, 10):
        price(alice, shares, on, "7648")
    price(alice, shares, 338, "7430")
    of_asset = get(alice, f"assets/{shares.pk}/performance", end=day(338))
    assert round(Decimal(of_asset["xirr"]), 8) == Decimal("-0.03074579")
    assert of_asset["end_value"] == "7430.00"


def test_portfolio_performance_issue_1898_a_closed_trade(alice, portfolio):
    """6737.15 on 2013-07-10, 13068.57 on 2020-09-21."""
    shares = at_market(portfolio)
    buy(shares, "2013-07-10", 1, "6737.15")
    price(alice, shares, date(2013, 7, 10), "6737.15")
    price(alice, shares, date(2020, 9, 21), "13068.57")
    sell(shares, "2020-09-21", 1, "13068.57")
    answer = get(alice, f"assets/{shares.pk}/performance", end="2020-09-22")
    assert round(Decimal(answer["xirr"]), 4) == Decimal("0.0963")
    assert answer["end_value"] == "0.00"


def test_units_that_are_sold_on_the_day_of_their_arrival_moved_at_the_price_of_the_day(alice, portfolio):
    """10 @ 10, of which 4 move on a day at 12; all of them, or all but one, are sold on that day at 13."""
    for name, sold, left in [("all", 4, 0), ("most", 3, 12)]:
        shares = at_market(portfolio, name)
        other = create_asset(
            portfolio, f"{name} elsewhere", TypeId.STOCKS, instrument=shares.instrument, valuation="market"
        )
        buy(shares, 1, 10, 100)
        price(alice, shares, 1, "10")
        price(alice, shares, 2, "12")
        post(alice, f"assets/{shares.pk}/transfer", to_asset_id=other.pk, on=day(2), quantity="4")
        sell(other, 2, sold, sold * 13)
        for asset, inflow, outflow, end in [(shares, 0, 48, 72), (other, 48, sold * 13, left)]:
            answer = get(alice, f"assets/{asset.pk}/performance", start=day(1), end=day(2), explain=1)
            (on_the_day,) = answer["days"]
            figures = [Decimal(on_the_day[figure]) for figure in ("inflow", "outflow", "end")]
            assert figures == [inflow, outflow, end], (name, asset)
    change = get(alice, "net-worth/change", start=day(1), end=day(2), group_by="asset")
    moved = {row["name"]: Decimal(row["net_flows"]) for row in change["rows"]}
    assert moved == {"all": -48, "all elsewhere": -4, "most": -48, "most elsewhere": 9}


def test_units_that_are_sold_on_the_day_of_their_purchase_count_on_it(alice, portfolio):
    """10 @ 10 are sold at 11: 100 came in and 110 went out, whatever is bought later, and before the first price."""
    shares = at_market(portfolio)
    buy(shares, 1, 10, 100)
    sell(shares, 1, 10, 110)
    for params in ({"start": day(0), "end": day(1)}, {"start": day(0), "end": day(4)}):
        answer = get(alice, "performance", **params, explain=1)
        (busy,) = [each for each in answer["days"] if each["inflow"] != "0.00" or each["outflow"] != "0.00"]
        assert (busy["on"], busy["outflow"], answer["realised_gain"]) == (str(day(1)), "10.00", "10.00")
        of_asset = get(alice, f"assets/{shares.pk}/performance", **params)
        assert (of_asset["twr"], of_asset["net_flows"]) == ("0.1000000000", "-10.00")
        total = get(alice, "net-worth/change", **params)["total"]
        assert (total["net_flows"], total["value_change"], total["added"]) == ("-10.00", "10.00", "0.00")
    buy(shares, 6, 1, 12)
    price(alice, shares, 6, "12")
    total = get(alice, "net-worth/change", start=day(0), end=day(6))["total"]
    assert (total["net_flows"], total["value_change"], total["added"]) == ("2.00", "10.00", "0.00")
    assert get(alice, "performance", start=day(0), end=day(6))["net_flows"] == "2.00"
    assert get(alice, "performance", start=day(4), end=day(6))["net_flows"] == "12.00"
