"""Worked cases of the reference of measures through the API: returns, and values that terms compute.

Those of costs and gains are in test_investments.py, and at market prices in test_measures_at_market_prices.py.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from assets.classification.seeds import TypeId
from assets.models import Instrument
from tests.factories import add_value, create_asset

from .test_investments import API, buy, get, post, sell

END = date(2024, 6, 30)


@pytest.fixture
def shares(portfolio):
    return create_asset(portfolio, "Shares", TypeId.STOCKS)


# --- money-weighted ---

# What was paid in and came back, the rate, and how exactly the source gives it.
XIRR = {
    "IRRTest 5": ([("2010-01-01", -200), ("2010-12-31", 210)], "0.050140747", "5e-9"),
    "IRRTest 6": (
        [("2019-05-24", "-1560.94"), ("2020-01-13", -1160), ("2020-06-29", "42.80")],
        "-0.999251643",
        "5e-9",
    ),
    "Excel XIRR": (
        [
            ("2008-01-01", -10_000),
            ("2008-03-01", 2750),
            ("2008-10-30", 4250),
            ("2009-02-15", 3250),
            ("2009-04-01", 2750),
        ],
        "0.373362535",
        "5e-9",
    ),
    "PP Issue1898": ([("2013-07-10", "-6737.15"), ("2020-09-21", "13068.57")], "0.0963", "0.00005"),
}


@pytest.mark.parametrize("case", XIRR)
def test_money_weighted_return_of_flows(alice, shares, case):
    flows, rate, tolerance = XIRR[case]
    add_value(shares, 1, date.fromisoformat(flows[0][0]))
    for on, amount in flows:
        amount = Decimal(amount)
        (buy if amount < 0 else sell)(shares, on, "0.1", abs(amount))
    add_value(shares, 0, date.fromisoformat(flows[-1][0]))
    answer = get(alice, f"assets/{shares.pk}/performance", end=flows[-1][0])
    assert abs(Decimal(answer["xirr"]) - Decimal(rate)) <= Decimal(tolerance)
    assert answer["end_value"] == "0.00"


def test_money_weighted_return_of_excel_irr_by_years_of_365_days(alice, shares):
    """-75000, then 12000, 15000, 18000, 21000 and 24000 a year later each."""
    amounts, first = (12_000, 15_000, 18_000, 21_000, 24_000), date(2010, 1, 1)
    add_value(shares, 1, first)
    buy(shares, str(first), 1, 75_000)
    for number, amount in enumerate(amounts, start=1):
        sell(shares, str(first + timedelta(days=365 * number)), "0.1", amount)
    end = first + timedelta(days=365 * 5)
    add_value(shares, 0, end)
    answer = get(alice, f"assets/{shares.pk}/performance", end=end)
    assert abs(Decimal(answer["xirr"]) - Decimal("0.05715142887")) < Decimal("1e-10")


def test_money_weighted_return_from_an_opening_value(alice, shares):
    """The handbook's case 3: 177.94 at the start, two years before the end."""
    start = END - timedelta(days=730)
    add_value(shares, "177.94", start)
    for days, amount in [(514, 84), (255, 67)]:
        buy(shares, str(END - timedelta(days=days)), 1, amount)
    add_value(shares, "426.82", END)
    answer = get(alice, f"assets/{shares.pk}/performance", start=start, end=END)
    assert (answer["start_value"], round(Decimal(answer["xirr"]), 4)) == ("177.94", Decimal("0.1763"))


# --- volatility ---


def test_portfolio_performance_risk(alice, shares):
    """RiskTest: of these six returns of weekdays; the weekend between them has neither a price nor a flow."""
    value, monday = Decimal(10) ** 9, date(2024, 1, 1)
    add_value(shares, value, monday)
    returns = ["1.005", None, "0.995", "1.01", "1.01", "0.995"]
    for days, factor in zip((1, 2, 3, 4, 7, 8), returns, strict=True):
        value = round(value * Decimal(factor) if factor else value * 299 / 300, 4)
        add_value(shares, value, monday + timedelta(days=days))
    answer = get(alice, f"assets/{shares.pk}/performance", start=monday, end=date(2024, 1, 9))
    assert abs(Decimal(answer["volatility"]) - Decimal("0.017736692475")) < Decimal("1e-10")
    assert abs(Decimal(answer["semi_volatility"]) - Decimal("0.012188677034")) < Decimal("1e-10")


# --- lots of several accounts ---


def test_portfolio_performance_issue_4446_multiple_transfers(alice, portfolio):
    """4 purchases of 500, 500, 1000 and 1000; three transfers; 10 sold for 3000: 2000 are left and gained."""
    first, second = (create_asset(portfolio, name, TypeId.STOCKS) for name in ("First", "Second"))
    for on, amount in enumerate((500, 500, 1000, 1000)):
        buy(first, on, 5, amount)
    for on, quantity in [(4, "5"), (5, "5"), (6, "10")]:
        post(
            alice,
            f"assets/{first.pk}/transfer",
            to_asset_id=second.pk,
            on=f"2024-01-{on + 1:02}",
            quantity=quantity,
        )
    sell(second, 7, 10, 3000)
    answer = get(alice, f"assets/{second.pk}/lots", on="2024-02-01")
    assert (answer["cost"], answer["realised_gain"]) == ("2000.00", "2000.00")


@pytest.mark.parametrize("method", ["fifo", "average"])
def test_portfolio_performance_issue_1909_lots_are_per_account(alice, household, portfolio, method):
    """10 for 2000 in one account; 5 for 400, 5 for 600, and 10 sold for 2805 in the other: 2000 left, 1805 gained.

    By average too: Portfolio Performance's 1500 is the average of both accounts.
    """
    security = Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")
    first, second = (
        create_asset(portfolio, name, TypeId.STOCKS, instrument=security) for name in ("First", "Second")
    )
    trades = [
        (first, "ACQUIRE", "10", "2000"),
        (second, "ACQUIRE", "5", "400"),
        (second, "ACQUIRE", "5", "600"),
        (second, "DISPOSE", "10", "2805"),
    ]
    for number, (asset, kind, quantity, amount) in enumerate(trades, start=1):
        body = {"type": kind, "on": f"2024-01-{number:02}", "quantity": quantity, "amount": amount}
        post(alice, f"assets/{asset.pk}/transactions", **body)
    results = get(alice, "lots", on="2024-02-01", method=method)["results"]
    assert {row["asset_id"]: (row["cost"], row["realised_gain"]) for row in results} == {
        str(first.pk): ("2000.00", "0.00"),
        str(second.pk): ("0.00", "1805.00"),
    }
    gains = get(alice, "realised-gains", year=2024, method=method)["totals"]
    assert (gains["cost"], gains["proceeds"], gains["realised_gain"]) == ("1000.00", "2805.00", "1805.00")


def test_beancount_named_lots(alice, shares):
    """7 @ 115, 4 @ 115, 3 @ 117: a sale of 11 names the lots at 115, and both are gone."""
    lots = [
        buy(shares, on, quantity, amount)
        for on, (quantity, amount) in enumerate([(7, 805), (4, 460), (3, 351)])
    ]
    named = [
        {"transaction_id": str(lot.pk), "quantity": quantity}
        for lot, quantity in zip(lots, ("7", "4"), strict=False)
    ]
    body = {"on": "2024-02-01", "quantity": "11", "amount": "1", "lots": named}
    post(alice, f"assets/{shares.pk}/transactions", type="DISPOSE", **body)
    answer = get(alice, f"assets/{shares.pk}/lots", on="2024-03-01", method="specific")
    assert [(lot["quantity"], lot["cost"]) for lot in answer["open"]] == [("3", "351.00")]


def test_rotki_what_was_never_bought_has_no_gain(alice, portfolio, shares):
    """rotki gives it a cost of 0 and gains of -2 and 2.5; here its proceeds are missing ones."""
    other = create_asset(portfolio, "Never bought", TypeId.STOCKS)
    buy(shares, 0, 1, 5)
    sell(shares, 1, "1.2", 3)
    sell(other, 1, 1, "2.5")
    figures = ("realised_gain", "missing_proceeds", "missing_quantity")
    lots = {row["asset_id"]: row for row in get(alice, "lots", on="2024-02-01")["results"]}
    assert [lots[str(shares.pk)][name] for name in figures] == ["-2.50", "0.50", "0.2"]
    assert [lots[str(other.pk)][name] for name in figures] == ["0.00", "2.50", "1"]
    assert get(alice, "realised-gains", year=2024)["totals"]["realised_gain"] == "-2.50"


# --- loans and depreciation ---


def with_terms(alice, asset, **terms):
    answer = alice.put(f"{API}/assets/{asset.pk}/terms", terms, format="json")
    assert answer.status_code == 200, answer.content


def schedule(alice, portfolio, **terms):
    loan = create_asset(portfolio, "Loan", TypeId.LOAN)
    common = {"valuation": "loan", "frequency": "monthly", "loan_type": "annuity", "day_count": "30/360"}
    with_terms(alice, loan, **common | terms)
    return get(alice, f"assets/{loan.pk}/schedule")


def test_german_annuity(alice, portfolio):
    """mathelounge.de 847349: 500,000 at 4 %, 30,000 a year, interest rounded each year."""
    plan = schedule(
        alice,
        portfolio,
        principal="500000",
        frequency="yearly",
        started_on="2020-01-01",
        first_payment_on="2021-01-01",
        payment="30000",
        rates=[{"on": "2020-01-01", "rate": "0.04"}],
    )
    balances = [Decimal(plan["rows"][number]["balance"]) for number in (9, 27)]
    assert abs(balances[0] - Decimal("379938.93")) <= Decimal("0.02")  # the source's tolerance
    assert balances[1] == Decimal("324.15")
    assert plan["total_interest"] == "340337.12"


def test_excel_cumipmt_and_cumprinc(alice, portfolio):
    plan = schedule(
        alice,
        portfolio,
        principal="100000",
        started_on="2020-01-01",
        first_payment_on="2020-02-01",
        term=360,
        rounding="none",
        rates=[{"on": "2020-01-01", "rate": "0.10"}],
    )
    year = plan["rows"][12:24]
    interest, principal = (sum(Decimal(row[name]) for row in year) for name in ("interest", "principal"))
    assert abs(interest - Decimal("9916.772514")) < Decimal("0.0012")
    assert abs(principal - Decimal("614.086327")) < Decimal("0.0012")
    assert (len(plan["rows"]), Decimal(plan["rows"][-1]["balance"])) == (360, 0)


def test_excel_pmt(alice, portfolio):
    """The principal of the first payment is what has to be saved each month to reach 50,000."""
    plan = schedule(
        alice,
        portfolio,
        principal="50000",
        started_on="2020-01-01",
        first_payment_on="2020-02-01",
        term=216,
        rounding="none",
        rates=[{"on": "2020-01-01", "rate": "0.06"}],
    )
    assert plan["rows"][0]["principal"] == "129.0812"


@pytest.mark.parametrize(("day_count", "interest"), [("30/360", "183.888889"), ("act/365", "183.835616")])
def test_excel_accrint(alice, portfolio, day_count, interest):
    plan = schedule(
        alice,
        portfolio,
        principal="1000",
        loan_type="bullet",
        term=1,
        day_count=day_count,
        started_on="2012-02-02",
        first_payment_on="2013-12-04",
        rounding="none",
        rates=[{"on": "2012-02-02", "rate": "0.10"}],
    )
    assert abs(Decimal(plan["total_interest"]) - Decimal(interest)) < Decimal("0.0001")


DEPRECIATION = {
    "Excel DB": (
        {"cost": "1000000", "residual_value": "0", "life": 6, "method": "declining", "rate": "0.319"},
        {1: "319000", 2: "217239", 3: "147939.759", 5: "68608.690574", 6: "46722.518281"},
    ),
    "Excel DB with the floor": (
        {"cost": "1000000", "residual_value": "100000", "life": 6, "method": "declining", "rate": "0.319"},
        {6: "46465.57"},
    ),
    "Excel DDB": (
        {"cost": "1000000", "residual_value": "100000", "life": 6, "method": "double_declining"},
        {1: "333333.33", 3: "148148.148", 4: "98765.432", 6: "31687.2428"},
    ),
    "Excel SYD": (
        {"cost": "30000", "residual_value": "7500", "life": 10, "method": "sum_of_years"},
        {1: "4090.91", 10: "409.09"},
    ),
    "Excel SLN": (
        {"cost": "30000", "residual_value": "7500", "life": 10, "method": "straight_line"},
        {1: "2250", 10: "2250"},
    ),
}


@pytest.mark.parametrize("case", DEPRECIATION)
def test_depreciation_by_years(alice, portfolio, case):
    terms, expected = DEPRECIATION[case]
    thing = create_asset(portfolio, "Machine", TypeId.PERSONAL_PROPERTY)
    with_terms(alice, thing, valuation="depreciation", started_on="2001-01-01", **terms)
    days = {"start": "2000-12-31", "end": f"{2001 + terms['life']}-01-01", "interval": "day"}
    points = get(alice, f"assets/{thing.pk}/values", **days)["points"]
    value_on = {point["on"]: point["value"] for point in points}
    at = [Decimal(value_on[f"{2001 + year}-01-01"]) for year in range(terms["life"] + 1)]
    falls = dict(enumerate((before - after for before, after in pairwise(at)), start=1))
    for year, fall in expected.items():
        assert abs(falls[year] - Decimal(fall)) <= Decimal("0.01"), (case, year)
