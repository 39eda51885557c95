"""Returns over days on which an asset has no price: what needs such a day is null, and the asset is named."""

from __future__ import annotations

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument
from reports.tests.test_investments import buy, sell, trade
from tests.factories import add_value, create_asset, day

API = "/api/v1"
EURO = 10_000
XIRR_OF_110_TO_120_IN_20_DAYS = "3.8937438794"  # (120/110)^(365/20) - 1
OF_ALL_DAYS = ("twr", "twr_annualised", "max_drawdown", "volatility", "semi_volatility")


@pytest.fixture
def fund(portfolio, source):
    """Bought for 100 on day 0, worth 110 from day 5 on, without a price from day 10 to day 19, then worth 120."""
    instrument = Instrument.objects.create(
        household=portfolio.household, symbol="VWCE", name="World", currency="EUR"
    )
    asset = create_asset(portfolio, "World ETF", TypeId.STOCKS, instrument=instrument)
    buy(asset, 0, 1, 100)
    source.instrument_ids[asset.pk] = instrument.pk
    values = {day(0): 100 * EURO, day(5): 110 * EURO, day(10): None, day(20): 120 * EURO}
    source.value_assets({asset.pk: values})
    return asset


def get(client, **params) -> dict:
    answer = client.get(f"{API}/performance", {name: str(value) for name, value in params.items()})
    assert answer.status_code == 200, answer.content
    return answer.json()


def entry(fund: Asset, on: int) -> dict:
    return {
        "asset": {"id": str(fund.pk), "name": "World ETF"},
        "instrument": {"id": str(fund.instrument_id), "symbol": "VWCE"},
        "on": str(day(on)),
        "last_on": str(day(5)),
    }


def unknown(answer: dict) -> set[str]:
    return {name for name, reason in answer["reasons"].items() if reason["code"] == "MISSING_PRICES"}


def test_without_a_price_on_the_last_day_there_is_no_end(alice, fund):
    trade(fund, "INCOME", 8, None, 3)
    answer = get(alice, start=day(1), end=day(15))
    assert answer["missing_prices"] == [entry(fund, 15)]
    assert unknown(answer) == {*OF_ALL_DAYS, "xirr", "end_value", "unrealised_gain"}
    assert {answer[name] for name in unknown(answer)} == {None}
    assert (answer["start_value"], answer["net_flows"]) == ("100.00", "-3.00")
    assert (answer["realised_gain"], answer["income"], answer["fees"], answer["taxes"]) == (
        "0.00",
        "3.00",
        "0.00",
        "0.00",
    )


def test_over_days_without_a_price_both_ends_are_known_and_no_chain_of_days_is(alice, fund):
    """The money-weighted return needs the values of the two ends and the flows, and no day in between."""
    answer = get(alice, start=day(5), end=day(25))
    assert answer["xirr"] == XIRR_OF_110_TO_120_IN_20_DAYS
    assert answer["missing_prices"] == [entry(fund, 19)]
    assert unknown(answer) == set(OF_ALL_DAYS)
    assert (answer["start_value"], answer["end_value"], answer["unrealised_gain"]) == (
        "110.00",
        "120.00",
        "20.00",
    )


def test_without_a_price_on_the_first_day_there_is_no_start(alice, fund):
    answer = get(alice, start=day(12), end=day(25))
    assert unknown(answer) == {*OF_ALL_DAYS, "xirr", "start_value"}
    assert (answer["end_value"], answer["missing_prices"]) == ("120.00", [entry(fund, 19)])


def test_where_each_day_has_a_price_nothing_is_missing(alice, fund):
    answer = get(alice, start=day(0), end=day(9))
    assert (answer["twr"], answer["missing_prices"]) == ("0.1000000000", [])
    assert unknown(answer) == set()


def test_realised_gain_is_known_without_a_price(alice, fund):
    sell(fund, 12, 1, 130)
    answer = get(alice, start=day(1), end=day(15))
    assert (answer["realised_gain"], answer["net_flows"]) == ("30.00", "-130.00")


def test_explained_days_are_those_with_prices(alice, fund):
    answer = get(alice, start=day(5), end=day(25), explain=1)
    assert [row["on"] for row in answer["days"]] == [
        str(day(number)) for number in (*range(6, 10), *range(21, 26))
    ]


def test_what_was_bought_without_a_price_is_not_added_with_its_first(alice, portfolio, fund, source):
    source.value_assets({fund.pk: {day(0): None, day(5): 110 * EURO}})
    answer = get(alice, end=day(9), explain=1)
    assert [(flow["on"], flow["amount"]) for flow in answer["flows"]] == [(str(day(0)), "100.00")]
    assert (answer["net_flows"], answer["end_value"]) == ("100.00", "110.00")


def test_what_is_there_without_a_purchase_is_added_with_its_first_price(alice, portfolio, source):
    asset = create_asset(portfolio, "Inherited", TypeId.STOCKS)
    source.value_assets({asset.pk: {day(0): None, day(5): 110 * EURO}})
    answer = get(alice, end=day(9), explain=1)
    assert [(flow["on"], flow["amount"]) for flow in answer["flows"]] == [(str(day(5)), "110.00")]


def test_what_is_removed_without_a_price_leaves_the_flows_unknown(alice, fund):
    Asset.objects.filter(pk=fund.pk).update(disposed_on=day(15))
    answer = get(alice, start=day(1), end=day(25))
    assert unknown(answer) == {*OF_ALL_DAYS, "xirr", "net_flows"}
    assert (answer["start_value"], answer["end_value"]) == ("100.00", "0.00")


def test_one_asset_and_another_that_has_all_its_prices(alice, portfolio, fund):
    account = create_asset(portfolio, "Account")
    add_value(account, 50, day(0))
    answer = alice.get(f"{API}/assets/{fund.pk}/performance", {"start": day(1), "end": day(15)}).json()
    assert (answer["twr"], answer["missing_prices"]) == (None, [entry(fund, 15)])
    answer = alice.get(f"{API}/assets/{account.pk}/performance", {"start": day(1), "end": day(15)}).json()
    assert (answer["twr"], answer["missing_prices"]) == ("0.0000000000", [])


def test_picture_shows_no_return_over_days_without_a_price(alice, fund):
    chart = alice.get(f"{API}/performance/chart.svg", {"start": day(5), "end": day(25)})
    assert "No return in this time" in chart.content.decode()
