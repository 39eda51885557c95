"""The page of performance: figures of a range, holdings with their returns, income by month, and sales with a CSV."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import AssetSnapshot, Instrument, Transaction
from assets.services.entries.trades import record_trade
from investments.queries.asset_returns import returns_of_assets
from investments.queries.performance import performance
from portfolios.models import Household, Portfolio
from tests.admin_forms import staff
from tests.factories import add_value, create_asset, record_price

pytestmark = pytest.mark.usefixtures("shared_rows")
PAGE = "/admin/performance/"
TODAY = timezone.now().date()
BOUGHT, SOLD = TODAY - timedelta(days=200), TODAY - timedelta(days=10)


@pytest.fixture
def alices(alice_user):
    return staff(alice_user)


def add_holding(portfolio: Portfolio, name: str, *, value: int = 1500):
    """Ten were bought for 100 each, and are worth `value` now."""
    instrument = Instrument.objects.create(
        household=portfolio.household, symbol=name, name=name, currency="EUR"
    )
    asset = create_asset(portfolio, name, TypeId.STOCKS, instrument=instrument)
    trade(asset, "ACQUIRE", BOUGHT, 10, "100")
    add_value(asset, 1000, BOUGHT)
    add_value(asset, value, TODAY)
    return asset


def trade(asset, kind: str, on: date, quantity: int, price: str) -> Transaction:
    numbers = {"quantity": Decimal(quantity), "unit_price": Decimal(price)}
    return record_trade(asset.portfolio_id, asset.instrument_id, type=kind, on=on, **numbers).transaction


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def figures(answer) -> dict[str, str]:
    return {row["name"]: str(row["text"]) for row in answer.context["figures"]}


def test_the_figures_are_those_of_the_range(alices, portfolio):
    add_holding(portfolio, "Abc")
    shown = figures(alices.get(PAGE, {"range": "1y"}))
    assert shown["Value"] == "1,500.00 EUR"
    assert shown["Return (time-weighted)"].startswith("+50.0")
    assert shown["Unrealised gain"] == "+500.00 EUR"
    assert shown["Deposits and withdrawals"] == "+1,000.00 EUR"
    month = figures(alices.get(PAGE, {"range": "1m"}))
    assert month["Deposits and withdrawals"] == "0.00 EUR"


def test_a_holding_has_value_cost_gains_weight_and_returns(alices, portfolio):
    add_holding(portfolio, "Abc", value=1500)
    add_holding(portfolio, "Xyz", value=500)
    account = create_asset(portfolio, "Account", TypeId.CHECKING_ACCOUNT)
    add_value(account, 100, TODAY)
    first, second = alices.get(PAGE).context["holdings"]
    assert (first["name"], second["name"]) == ("Abc", "Xyz")
    shown = {name: str(first[name]) for name in ("quantity", "value", "cost", "gain", "weight")}
    assert shown == {
        "quantity": "10",
        "value": "1,500.00 EUR",
        "cost": "1,000.00 EUR",
        "gain": "+500.00 EUR",
        "weight": "75.0\xa0%",
    }
    assert (first["twr"], second["twr"]) == ("+50.0\xa0%", "-50.0\xa0%")


def test_totals_of_holdings_are_those_of_what_is_known(alices, portfolio):
    """A security without a price has a cost: the total cost was 0.00, and so were the value and the gain."""
    for institution in ("Depot A", "Depot B"):
        asset = add_holding(portfolio, "Old", value=0)
        asset.valuation, asset.name, asset.institution = "market", "Old", institution
        asset.save()
    AssetSnapshot.objects.all().delete()
    answer = alices.get(PAGE)
    totals = answer.context["holdings_total"]
    assert (totals["value"], str(totals["cost"]), totals["gain"]) == (None, "2,000.00 EUR", None)
    assert {row["institution"] for row in answer.context["holdings"]} == {"Depot A", "Depot B"}
    assert answer.context["without_price"] == ["Old"]
    page = text_of(answer)
    assert "<small>Depot A</small>" in page
    add_holding(portfolio, "New", value=1500)
    answer = alices.get(PAGE)
    totals = {name: str(text) for name, text in answer.context["holdings_total"].items()}
    assert totals == {"value": "1,500.00 EUR", "cost": "3,000.00 EUR", "gain": "+500.00 EUR"}
    assert [row["institution"] for row in answer.context["holdings"] if row["name"] == "New"] == [""]


def test_the_returns_of_a_holding_are_those_of_the_api(portfolio):
    assets = [add_holding(portfolio, name, value=value) for name, value in (("Abc", 1500), ("Xyz", 700))]
    sale = {"type": "DISPOSE", "on": SOLD, "quantity": Decimal(3), "unit_price": Decimal(140)}
    record_trade(portfolio.pk, assets[0].instrument_id, **sale, fee=Decimal(2), tax=Decimal(30))
    start = BOUGHT - timedelta(days=1)
    returns = returns_of_assets(
        [portfolio], [asset.pk for asset in assets], start=start, end=TODAY, currency="EUR"
    )
    for asset in assets:
        alone = performance([portfolio], start=start, end=TODAY, currency="EUR", asset_id=asset.pk).measures
        assert (returns[asset.pk].twr, returns[asset.pk].xirr) == (alone.twr, alone.xirr)


def test_what_cannot_be_known_says_why(alices, portfolio):
    create_asset(portfolio, "Empty", TypeId.STOCKS)
    page = text_of(alices.get(PAGE))
    assert "Nothing invested" in page and "Nothing was bought yet" in page


def test_income_is_by_month(alices, portfolio):
    asset = add_holding(portfolio, "Abc")
    for ago, amount in ((10, 30), (100, 15)):
        on = TODAY - timedelta(days=ago)
        at = timezone.now() - timedelta(days=ago)
        Transaction.objects.create(
            asset=asset, type="INCOME", amount=amount, currency="EUR", on=on, occurred_at=at
        )
    newest, oldest = alices.get(PAGE).context["income"]
    assert (str(newest["income"]), newest["width"]) == ("30.00 EUR", "100.0")
    assert (str(oldest["income"]), oldest["width"]) == ("15.00 EUR", "50.0")


def test_the_sales_of_a_year_have_a_file(alices, portfolio):
    asset = add_holding(portfolio, "=Abc")
    trade(asset, "DISPOSE", SOLD, 4, "120")
    answer = alices.get(PAGE, {"year": str(SOLD.year)})
    assert [str(row["gain"]) for row in answer.context["sales"]] == ["+80.00 EUR"]
    file = alices.get(answer.context["sales_export"].csv_address)
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert file["Content-Type"].startswith("text/csv")
    assert '"80.00' in lines[1] and "'=Abc" in lines[1] and '"total"' in lines[2]
    other = alices.get(PAGE, {"year": str(SOLD.year - 1)})
    assert "Nothing was sold in this year." in text_of(other)


@pytest.mark.parametrize(
    ("year", "beside"),
    [
        (BOUGHT.year, []),
        (TODAY.year + 1, [TODAY.year]),
        (TODAY.year - 1, [TODAY.year]),
        (1800, []),
        (2200, []),
    ],
)
def test_years_beside_are_those_with_transactions_and_this_one(alices, portfolio, year, beside):
    assert alices.get(PAGE).context["years"] == []
    add_holding(portfolio, "Abc")
    in_range = [each for each in beside if each >= BOUGHT.year]
    assert [each for each, _link in alices.get(PAGE, {"year": str(year)}).context["years"]] == in_range


def test_returns_are_compared_with_a_benchmark(alices, portfolio, household):
    add_holding(portfolio, "Abc")
    world = Instrument.objects.create(household=household, symbol="WORLD", name="World", currency="EUR")
    page = text_of(alices.get(PAGE, {"benchmark": str(world.pk)}))
    assert "Benchmark: WORLD" in page and "Prices missing" in page
    assert len(alices.get(PAGE, {"benchmark": str(world.pk)}).context["chart"]["picture"].lines) == 1
    record_price(world, BOUGHT, 100)
    record_price(world, TODAY, 110)
    answer = alices.get(PAGE, {"benchmark": str(world.pk), "range": "1y"})
    picture = answer.context["chart"]["picture"]
    assert [name for name, _colour in picture.legend] == ["WORLD", "Performance"]
    assert len(picture.lines) == 2 and '<ul class="value-legend">' in text_of(answer)
    foreign = Instrument.objects.create(
        household=Household.objects.create(name="Other"), symbol="THEIRS", name="Theirs", currency="EUR"
    )
    assert "THEIRS" not in text_of(alices.get(PAGE, {"benchmark": str(foreign.pk)}))


@pytest.mark.parametrize(
    "asked",
    [
        {"range": "forever"},
        {"year": "10000000"},
        {"year": "x"},
        {"start": "soon"},
        {"page": "x", "sold": "-1"},
        {"benchmark": "\x00"},
    ],
)
def test_bad_parameters_are_said_and_replaced(alices, portfolio, asked):
    add_holding(portfolio, "Abc")
    page = text_of(alices.get(PAGE, asked))
    assert ('role="alert"' in page) == (not {"page"} & asked.keys())


def test_many_holdings_take_as_many_queries_as_one_and_have_pages(alices, portfolio):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            alices.get(PAGE)
        return len(captured)

    trade(add_holding(portfolio, "First"), "DISPOSE", SOLD, 1, "120")
    alices.get(PAGE)
    few = queries()
    for number in range(24):
        trade(add_holding(portfolio, f"Number {number}"), "DISPOSE", SOLD, 1, "120")
    alices.get(PAGE)
    assert queries() == few <= 60
    answer = alices.get(PAGE)
    assert (len(answer.context["holdings"]), len(answer.context["sales"])) == (20, 20)
    assert len(alices.get(PAGE, {"page": "2"}).context["holdings"]) == 5


def test_a_portfolio_is_chosen_and_a_foreign_one_is_not_there(alices, portfolio, household, vera_user):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    add_holding(portfolio, "Abc")
    assert alices.get(PAGE, {"portfolio": str(second.pk)}).context["holdings"] == []
    assert len(staff(vera_user).get(PAGE).context["holdings"]) == 1
    foreign = Portfolio.objects.create(household=Household.objects.create(name="Other"), name="Theirs")
    assert alices.get(PAGE, {"portfolio": str(foreign.pk)}).status_code == 404


def test_a_user_without_a_portfolio_is_sent_to_the_first_page(charlie_user):
    charlies = staff(charlie_user)
    assert charlies.get(PAGE)["Location"] == "/admin/"


def test_the_menu_links_to_it(alices, portfolio):
    add_holding(portfolio, "Abc")
    assert f'href="{PAGE}"' in alices.get("/admin/").content.decode()
