"""Lots, gains, income and returns through the API, on worked cases whose sources are in the reference of measures."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import ExchangeRate, Instrument, Transaction
from portfolios.models import Portfolio
from strata.fields.dates import noon
from tests.factories import add_value, create_asset, day

API = "/api/v1"


def trade(asset, kind, on, quantity=None, amount=0, **fields):
    day_of = day(on) if isinstance(on, int) else date.fromisoformat(on)
    fields.setdefault("position", 0)
    return Transaction.objects.create(
        asset=asset,
        type=kind,
        on=day_of,
        occurred_at=noon(day_of, "UTC"),
        quantity=quantity,
        amount=amount,
        currency=fields.pop("currency", asset.currency),
        **fields,
    )


def buy(asset, on, quantity, amount, **fields):
    return trade(asset, "ACQUIRE", on, quantity, amount, **fields)


def sell(asset, on, quantity, amount, **fields):
    return trade(asset, "DISPOSE", on, quantity, amount, **fields)


def get(client, path, **params):
    answer = client.get(f"{API}/{path}", params)
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def shares(portfolio):
    return create_asset(portfolio, "Shares", TypeId.STOCKS)


# --- lots ---


@pytest.fixture
def cost_case(shares):
    """Portfolio Performance, CostCalculationTest, with 17800 as the value at a price of 100."""
    purchase = buy(shares, 0, 109, "3149.20")
    sell(shares, 1, 15, "531.50")
    buy(shares, 2, 52, "1684.92")
    buy(shares, 3, 32, "959.30")
    add_value(shares, 17_800, day(3))
    return purchase


@pytest.mark.parametrize("method", ["fifo", "average"])
def test_lots_of_portfolio_performance_cost_calculation(alice, shares, cost_case, method):
    answer = get(alice, f"assets/{shares.pk}/lots", on=day(9), method=method)
    figures = [answer[name] for name in ("quantity", "cost", "realised_gain", "unrealised_gain", "method")]
    assert figures == ["178", "5360.0439", "98.1239", "12439.9561", method]


def test_open_and_closed_lots_of_an_asset(alice, shares, cost_case):
    answer = get(alice, f"assets/{shares.pk}/lots", on=day(9), closed=1)
    assert [lot["quantity"] for lot in answer["open"]] == ["94", "52", "32"]
    first = answer["open"][0]
    assert first["transaction_id"] == str(cost_case.pk)
    assert (first["acquired_on"], first["holding_days"]) == ("2024-01-01", 9)
    assert (first["cost"], first["unit_cost"], first["value"]) == ("2715.8239", "28.891743617", "9400.00")
    (closed,) = answer["closed"]
    assert (closed["cost"], closed["proceeds"], closed["realised_gain"]) == ("433.3761", "531.50", "98.1239")
    assert (closed["disposed_on"], closed["holding_days"]) == ("2024-01-02", 1)
    assert "closed" not in get(alice, f"assets/{shares.pk}/lots", on=day(9))


def test_lots_of_all_assets(alice, shares, cost_case, portfolio):
    create_asset(portfolio, "Account")
    answer = get(alice, "lots", on=day(1), method="fifo")
    assert (answer["method"], answer["on"]) == ("fifo", "2024-01-02")
    (of_shares,) = answer["results"]
    assert (of_shares["asset_id"], of_shares["quantity"]) == (str(shares.pk), "94")
    assert "open" not in of_shares
    assert len(get(alice, "lots", on=day(1), detail=1)["results"][0]["closed"]) == 1


def test_holding_on_a_day(alice, shares, cost_case):
    answer = get(alice, f"assets/{shares.pk}/holding", on=day(3))
    assert answer["quantity"] == "178"
    assert (answer["price"], answer["value"]) == ("100", "17800.00")
    assert (answer["cost_basis"], answer["unrealised_gain"]) == ("5360.0439", "12439.9561")
    assert get(alice, f"assets/{shares.pk}/holding", on=day(1))["value"] is None


def test_what_is_sold_without_being_held_is_no_gain(alice, shares):
    """beancount's booking tests: of 16 that are sold 15 were bought."""
    buy(shares, 0, 15, 1500)
    sell(shares, 1, 16, 3200)
    answer = get(alice, f"assets/{shares.pk}/lots", on=day(2))
    assert (answer["missing_quantity"], answer["missing_proceeds"]) == ("1", "200.00")
    assert answer["realised_gain"] == "1500.00"
    assert get(alice, f"assets/{shares.pk}/holding", on=day(2))["missing_quantity"] == "1"


BEANCOUNT = [("ACQUIRE", 4, 400), ("ACQUIRE", 5, "555.55"), ("ACQUIRE", 6, "733.32")]
HANDBOOK = [("ACQUIRE", 100, 9500), ("ACQUIRE", 200, 21000), ("ACQUIRE", 100, 10700), ("DISPOSE", 150, 16500)]
TRADES = {
    "PP CostCalculationTest 2": [
        ("ACQUIRE", 109, "3149.20"),
        ("ACQUIRE", 52, "1684.92"),
        ("DISPOSE", 15, "531.50"),
    ],
    "PP cost-methodology": HANDBOOK,
    "PP no residue": [("ACQUIRE", 10, "0.01"), ("DISPOSE", 3, 1), ("DISPOSE", 3, 1), ("DISPOSE", 4, 1)],
    "PP any method": [("ACQUIRE", 10, 100), ("DISPOSE", 5, 60), ("ACQUIRE", 5, 100), ("DISPOSE", 10, 150)],
    "PP Issue1879": [("ACQUIRE", 200, "829.30")],
    "beancount 2": [*BEANCOUNT, ("DISPOSE", 2, 1)],
    "beancount 7": [*BEANCOUNT, ("DISPOSE", 7, 1)],
    "beancount 12": [*BEANCOUNT, ("DISPOSE", 12, 1)],
    "beancount 15": [*BEANCOUNT, ("DISPOSE", 15, 1)],
    "beancount twice": [("ACQUIRE", 50, 5750), ("ACQUIRE", 50, 5800), ("DISPOSE", 40, 1), ("DISPOSE", 35, 1)],
    "wealthfolio option": [("ACQUIRE", 5, 1500, 10), ("DISPOSE", 3, 1200, 5)],
}
# By method and case: the cost of what is left, and the realised gain where the source names it.
EXPECTED = {
    "fifo": {
        "PP CostCalculationTest 2": ("4400.74", "98.12"),
        "PP cost-methodology": ("26450", "1750"),
        "PP no residue": ("0", "2.99"),
        "PP any method": ("0", "10"),
        "PP Issue1879": ("829.30", "0"),
        "beancount 2": ("1488.87", None),
        "beancount 7": ("955.54", None),
        "beancount 12": ("366.66", None),
        "beancount 15": ("0", None),
        "beancount twice": ("2900", None),
        "wealthfolio option": ("604", "289"),
    },
    "average": {
        "PP CostCalculationTest 2": ("4383.74", "81.12"),
        "PP cost-methodology": ("25750", "1050"),
        "PP no residue": ("0", "2.99"),
        "PP any method": ("0", "10"),
    },
    "lifo": {
        "PP any method": ("0", "10"),
        "beancount 2": ("1444.43", None),
        "beancount 7": ("844.44", None),
        "beancount 12": ("300", None),
    },
    "hifo": {"PP any method": ("0", "10"), "beancount 7": ("844.44", None)},
}


def test_worked_cases_by_every_method(alice, portfolio):
    """The cases of the reference of measures, all at once: each is an asset."""
    for name, trades in TRADES.items():
        asset = create_asset(portfolio, name, TypeId.STOCKS)
        for number, (kind, quantity, amount, *fee) in enumerate(trades):
            trade(asset, kind, number, quantity, amount, fee=fee[0] if fee else 0)
    names = {row["id"]: row["name"] for row in get(alice, "assets", page_size=200)["results"]}
    for method, cases in EXPECTED.items():
        results = get(alice, "lots", on=day(9), method=method)["results"]
        by_name = {names[result["asset_id"]]: result for result in results}
        for name, (cost, gain) in cases.items():
            assert round(Decimal(by_name[name]["cost"]), 2) == Decimal(cost), (method, name)
            if gain is not None:
                assert round(Decimal(by_name[name]["realised_gain"]), 2) == Decimal(gain), (method, name)


def post(client, path, **body):
    answer = client.post(f"{API}/{path}", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def security(household):
    return Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")


def test_wealthfolio_transfer_moves_lots_with_their_costs(alice, portfolio, shares):
    """12 of 10 @ 100 (fee 10) and 5 @ 200 (fee 5): 603 is the cost of the 3 that stay."""
    other = create_asset(portfolio, "Other depot", TypeId.STOCKS)
    buy(shares, 0, 10, 1000, fee=10)
    buy(shares, 1, 5, 1000, fee=5)
    post(alice, f"assets/{shares.pk}/transfer", to_asset_id=other.pk, on=day(2), quantity="12")
    assert get(alice, f"assets/{shares.pk}/lots", on=day(3))["cost"] == "603.00"
    assert get(alice, f"assets/{other.pk}/lots", on=day(3))["cost"] == "1412.00"
    assert get(alice, f"assets/{other.pk}/performance", start=day(1), end=day(3))["net_flows"] == "1412.00"
    assert get(alice, "performance", start=day(1), end=day(3))["net_flows"] == "0.00"


def test_splits_change_quantities_and_no_cost(alice, shares, security):
    """measures.md, Splits: 10 @ 100, then 2 for 1, then 1 for 10."""
    shares.instrument = security
    shares.save()
    buy(shares, 0, 10, 1000)
    for on, numerator, denominator in [(3, 2, 1), (6, 1, 10)]:
        ratio = {"numerator": numerator, "denominator": denominator}
        post(alice, f"instruments/{security.pk}/actions", type="split", on=day(on), **ratio)
    lots = {on: get(alice, f"assets/{shares.pk}/lots", on=day(on)) for on in (2, 3, 6)}
    assert [lots[on]["quantity"] for on in lots] == ["10", "20", "2"]
    assert [lots[on]["open"][0]["unit_cost"] for on in lots] == ["100", "50", "500"]
    assert {lots[on]["cost"] for on in lots} == {"1000.00"}


def test_a_house_moves_with_its_cost(alice, household, shares):
    house = create_asset(shares.portfolio, "House", TypeId.REAL_ESTATE)
    buy(house, 0, None, 200_000)
    add_value(house, 210_000, day(1))
    other = Portfolio.objects.create(household=household, name="Other")
    post(alice, f"assets/{house.pk}/transfer", to_portfolio_id=other.pk, on=day(9))
    moved = other.assets.get()
    assert get(alice, f"assets/{house.pk}/lots", on=day(9))["open"] == []
    of_moved = get(alice, f"assets/{moved.pk}/lots", on=day(9))
    assert (of_moved["cost"], of_moved["unrealised_gain"]) == ("200000.00", "10000.00")
    assert get(alice, "performance", start=day(5), end=day(9), explain=1)["flows"] == []
    went = get(alice, f"portfolios/{house.portfolio_id}/performance", start=day(5), end=day(9))
    assert went["net_flows"] == "-210000.00"


def test_the_method_of_the_portfolio_counts_unless_the_asset_has_one(alice, portfolio, shares):
    buy(shares, 0, 5, 50)
    buy(shares, 1, 5, 100)
    sell(shares, 2, 5, 200)
    portfolio.lot_method = "lifo"
    portfolio.save()
    answer = get(alice, f"assets/{shares.pk}/lots", on=day(3))
    assert (answer["method"], answer["cost"]) == ("lifo", "50.00")
    assert get(alice, f"assets/{shares.pk}/lots", on=day(3), method="fifo")["cost"] == "100.00"


# --- gains ---


@pytest.fixture
def dollar_case(portfolio):
    """Bought for 100 USD = 80 EUR, sold for 120 USD = 75 EUR."""
    for on, units in [(0, "1.25"), (5, "1.6")]:
        ExchangeRate.objects.create(currency="USD", on=day(on), units_per_euro=units)
    asset = create_asset(portfolio, "Dollar shares", TypeId.STOCKS, currency="USD")
    buy(asset, 0, 1, 100)
    sell(asset, 5, 1, 120)
    return asset


def test_realised_gains_name_the_part_of_the_exchange_rate(alice, dollar_case):
    answer = get(alice, "realised-gains", start=day(0), end=day(9), currency="EUR")
    assert answer["totals"] == {
        "cost": "80.00",
        "proceeds": "75.00",
        "realised_gain": "-5.00",
        "fx_gain": "-17.50",
    }
    (row,) = answer["results"]
    assert row["asset"] == {"id": str(dollar_case.pk), "name": "Dollar shares"}
    assert get(alice, "realised-gains", currency="EUR", start=day(5), end=day(9))["results"] == []


def test_realised_gains_of_a_year(alice, dollar_case):
    assert len(get(alice, "realised-gains", year=2024)["results"]) == 1
    assert get(alice, "realised-gains", year=2023)["results"] == []
    refused = alice.get(f"{API}/realised-gains", {"year": 2024, "start": "2024-01-01"})
    assert refused.json()["errors"][0]["field"] == "year"


def test_realised_gains_without_a_rate_are_left_out_and_named(alice, portfolio):
    asset = create_asset(portfolio, "Franc shares", TypeId.STOCKS, currency="CHF")
    buy(asset, 0, 1, 100)
    sell(asset, 5, 1, 120)
    answer = get(alice, "realised-gains", end=day(9))
    assert (answer["complete"], answer["totals"]["realised_gain"]) == (False, "0.00")
    assert answer["missing_prices"] == get(alice, "income", end=day(9))["missing_prices"] == []
    assert {"currency": "CHF", "on": "2024-01-01"} in answer["missing_rates"]
    measured = get(alice, "performance", end=day(9))
    assert measured["realised_gain"] is None
    assert measured["reasons"]["realised_gain"]["code"] == "MISSING_RATES"


def test_realised_gains_as_csv(alice, dollar_case):
    answer = alice.get(f"{API}/realised-gains", {"year": 2024, "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(row["row"], row["realised_gain"]) for row in rows] == [("lot", "-5.00"), ("total", "-5.00")]


# --- income ---


def test_income_by_month_and_by_asset(alice, shares, portfolio):
    trade(shares, "INCOME", 0, None, 10, tax=2)
    trade(shares, "INCOME", 31, None, 5, fee=1)
    other = create_asset(portfolio, "Fund", TypeId.STOCKS)
    trade(other, "INCOME", 40, None, 7)
    answer = get(alice, "income", end=day(60))
    assert [(row["key"], row["income"]) for row in answer["rows"]] == [
        ("2024-01", "10.00"),
        ("2024-02", "12.00"),
    ]
    assert answer["total"] == {"income": "22.00", "fees": "1.00", "taxes": "2.00"}
    by_asset = get(alice, f"portfolios/{portfolio.pk}/income", end=day(60), group_by="asset")
    assert [(row["name"], row["income"]) for row in by_asset["rows"]] == [
        ("Fund", "7.00"),
        ("Shares", "15.00"),
    ]
    assert get(alice, "income", end=day(60), group_by="year", asset="Fund")["total"]["income"] == "7.00"


# --- returns ---


def test_portfolio_performance_client_index(alice, portfolio):
    """Time-weighted return of an account, by day, in a chain that anybody can recompute from `explain`."""
    account = create_asset(portfolio, "Account")
    value, steps = (
        Decimal(10_000),
        ["0", "230", "200", "-234.41", "293.99", "293.99", "195.99", "-882.52", "-1003.85"],
    )
    flows = [0, 0, 200, -400, 0, 0, 5400, Decimal("-3697.04"), 0]
    first = date(2011, 12, 31)
    add_value(account, value, first)
    for number, (gain, flow) in enumerate(zip(map(Decimal, steps), flows, strict=True), start=1):
        on, value = first + timedelta(days=number), value + gain + flow
        add_value(account, value, on)
        if gain:
            kind = "INCOME" if gain > 0 else "EXPENSE"
            trade(account, kind, on.isoformat(), None, abs(gain))
    answer = get(alice, "performance", start="2011-12-31", end="2012-01-09", explain=1)
    assert abs(Decimal(answer["twr"]) - Decimal("-0.056182678")) < Decimal("1e-9")
    assert answer["net_flows"] == "1502.96"
    daily = "0.023 0.019175455 -0.0220517 0.0294117647 0.0285714286 0.012261967 -0.0545454545 -0.0865384615"
    returns = [Decimal(of_day["return"]) for of_day in answer["days"]]
    for exact, of_source in zip(returns, [0, *map(Decimal, daily.split())], strict=True):
        assert abs(exact - of_source) < Decimal("2e-6")  # its amounts are given in cents
    chained = Decimal(1)
    for of_day in answer["days"]:
        start, inflow, outflow, end = (
            Decimal(of_day[name]) for name in ("start", "inflow", "outflow", "end")
        )
        chained *= (end + outflow) / (start + inflow)
    assert round(chained - 1, 10) == Decimal(answer["twr"])
    assert [flow["amount"] for flow in answer["flows"]] == ["200.00", "-400.00", "5400.00", "-3697.04"]


@pytest.mark.parametrize(
    ("paid", "end_value", "rate"),
    [
        ([(878, "155")], "190.06", "0.0885"),
        ([(878, "155"), (514, "84"), (255, "67")], "396.85", "0.1560"),
        ([(255, "66")], "111.76", "1.1253"),
    ],
)
def test_portfolio_performance_handbook_money_weighted(alice, shares, paid, end_value, rate):
    end = date(2024, 6, 30)
    for days, amount in paid:
        on = end - timedelta(days=days)
        buy(shares, on.isoformat(), 1, amount)
        add_value(shares, amount, on)
    add_value(shares, end_value, end)
    answer = get(alice, f"assets/{shares.pk}/performance", end=end)
    assert round(Decimal(answer["xirr"]), 4) == Decimal(rate)
    assert len(answer["xirr"].partition(".")[2]) == 10


def test_an_asset_leaves_out_taxes_and_a_portfolio_does_not(alice, shares):
    """Portfolio Performance, SecurityPerformanceTaxRefund: 7648 and a tax of 10, worth 7430 after 338 days."""
    buy(shares, 0, 1, 7648, tax=10)
    add_value(shares, 7648, day(0))
    add_value(shares, 7430, day(338))
    of_asset = get(alice, f"assets/{shares.pk}/performance", end=day(338))
    assert round(Decimal(of_asset["xirr"]), 8) == Decimal("-0.03074579")
    assert of_asset["taxes"] == "10.00"
    of_all = get(alice, "performance", end=day(338))
    assert Decimal(of_all["twr"]) < Decimal(of_asset["twr"])
    assert of_all["unrealised_gain"] == "-228.00"


def test_purchases_from_an_own_account_are_no_flows(alice, portfolio, shares):
    account = create_asset(portfolio, "Account")
    add_value(account, 1000, day(0))
    add_value(account, 400, day(10))
    buy(shares, 10, 6, 600)
    add_value(shares, 600, day(10))
    add_value(shares, 660, day(20))
    answer = get(alice, f"portfolios/{portfolio.pk}/performance", start=day(0), end=day(20), explain=1)
    assert answer["flows"] == []
    assert (answer["twr"], answer["start_value"], answer["end_value"]) == (
        "0.0600000000",
        "1000.00",
        "1060.00",
    )
    assert answer["max_drawdown"] == {"value": "0.0000000000", "from": None, "to": None}


def test_what_was_added_or_removed_is_a_flow_and_no_gain(alice, shares):
    add_value(shares, 500, day(1))
    add_value(shares, 550, day(5))
    shares.disposed_on = day(9)
    shares.save()
    answer = get(alice, "performance", end=day(20), explain=1)
    assert [flow["amount"] for flow in answer["flows"]] == ["500.00", "-550.00"]
    assert answer["twr"] == "0.1000000000"


def test_nothing_invested_has_reasons(alice, portfolio):
    create_asset(portfolio, "Account")
    answer = get(alice, "performance", start=day(0), end=day(9))
    assert (answer["twr"], answer["xirr"], answer["max_drawdown"]) == (None, None, None)
    assert answer["reasons"]["twr"]["code"] == "NOTHING_INVESTED"
    assert answer["reasons"]["xirr"]["code"] == "NO_FLOWS"


def test_returns_without_a_rate_are_null_with_the_reason(alice, portfolio):
    asset = create_asset(portfolio, "Franc shares", TypeId.STOCKS, currency="CHF")
    add_value(asset, 100, day(0))
    answer = get(alice, "performance", start=day(0), end=day(9))
    assert answer["twr"] is answer["end_value"] is None
    assert answer["reasons"]["end_value"]["code"] == "MISSING_RATES"
    assert answer["missing_rates"][0] == {"currency": "CHF", "on": "2024-01-01"}


def test_an_asset_of_others_is_not_found(charlie, shares):
    for name in ("lots", "holding", "performance"):
        assert charlie.get(f"{API}/assets/{shares.pk}/{name}").status_code == 404


def test_a_write_makes_a_new_etag(alice, shares, cost_case):
    path = f"{API}/assets/{shares.pk}/lots"
    tag = alice.get(path)["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert alice.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert len(queries) == 1
    written = alice.post(
        f"{API}/assets/{shares.pk}/transactions", {"type": "DISPOSE", "quantity": "1", "amount": "9"}
    )
    assert written.status_code == 201
    assert alice.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_report_is_as_it_was_known(alice, shares, cost_case):
    before = cost_case.updated_at.isoformat()
    assert get(alice, f"assets/{shares.pk}/lots", known_at=before, on=day(9))["quantity"] == "109"


@pytest.mark.parametrize("path", ["performance", "income"])
def test_charts_are_pictures_of_the_reports(alice, portfolio, shares, cost_case, path):
    trade(shares, "INCOME", 3, None, 10)
    svg = alice.get(f"{API}/{path}/chart.svg", {"end": day(9)})
    assert svg["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert {"performance": "Time-weighted return", "income": "2024-01"}[path] in svg.content.decode()
    empty = alice.get(f"{API}/portfolios/{portfolio.pk}/{path}/chart.svg", {"end": "2023-12-31"})
    assert f"No {'return' if path == 'performance' else 'income'} in this time" in empty.content.decode()


def test_returns_are_compared_with_a_benchmark(alice, household, shares):
    index_fields = {"symbol": "IDX", "name": "Index", "instrument_type": "index", "currency": "EUR"}
    index = alice.post(f"{API}/instruments", {**index_fields, "household_id": str(household.pk)}).json()
    rows = [
        {"instrument_id": index["id"], "on": day(on), "price": price}
        for on, price in [(0, "10"), (300, "12")]
    ]
    assert alice.post(f"{API}/prices:batch", {"rows": rows}, format="json").status_code == 200
    buy(shares, 1, 1, 100)
    add_value(shares, 100, day(1))
    path = f"{API}/performance"
    asked = {"start": day(0), "end": day(366), "benchmark": index["id"]}
    answer = alice.get(path, asked)
    compared = answer.json()["benchmark"]
    assert compared["instrument"] == {"id": index["id"], "symbol": "IDX"}
    assert (compared["twr"], compared["xirr_of_same_flows"]) == ("0.2000000000", "0.2000000000")
    picture = alice.get(f"{path}/chart.svg", asked).content.decode()
    assert "Time-weighted return" in picture and "IDX" in picture
    assert "IDX" not in alice.get(f"{path}/chart.svg", {"start": day(0), "end": day(366)}).content.decode()
    price = {"on": day(301), "price": "15"}
    assert alice.post(f"{API}/instruments/{index['id']}/prices", price, format="json").status_code == 201
    again = alice.get(path, asked, headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 200 and again.json()["benchmark"]["twr"] == "0.5000000000"


def test_a_benchmark_of_others_is_not_found(alice, portfolio):
    refused = alice.get(f"{API}/performance", {"benchmark": str(portfolio.pk)})
    assert (refused.status_code, refused.json()["code"]) == (404, "INSTRUMENT_NOT_FOUND")
