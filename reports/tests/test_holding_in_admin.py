"""What an asset's page shows of its holding and lots, the trade that begins there, and the page of a transfer."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, Transaction
from assets.services.entries.trades import record_trade
from portfolios.models import Portfolio
from tests.admin_forms import staff, url
from tests.factories import add_value, create_asset, record_price

pytestmark = pytest.mark.usefixtures("shared_rows")
TODAY = timezone.now().date()
BOUGHT, SOLD = TODAY - timedelta(days=100), TODAY - timedelta(days=10)


@pytest.fixture
def alices(alice_user):
    return staff(alice_user)


@pytest.fixture
def abc(household):
    return Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")


@pytest.fixture
def shares(portfolio, abc):
    return create_asset(portfolio, "Shares", TypeId.STOCKS, instrument=abc)


def trade(asset: Asset, kind: str, on: date, quantity: int, price: str) -> Transaction:
    numbers = {"quantity": Decimal(quantity), "unit_price": Decimal(price)}
    recorded = record_trade(asset.portfolio_id, asset.instrument_id, type=kind, on=on, **numbers)
    return recorded.transaction


def page_of(client, asset: Asset, **asked: str) -> str:
    answer = client.get(url(Asset, "change", asset.pk), asked)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def figures(client, asset: Asset) -> dict[str, str]:
    shown = client.get(url(Asset, "change", asset.pk)).context["holding"]["figures"]
    return {str(name): str(text) for name, text, _kind in shown}


def test_the_holding_has_quantity_price_value_cost_and_gains(alices, shares, abc):
    trade(shares, "ACQUIRE", BOUGHT, 10, "100")
    trade(shares, "DISPOSE", SOLD, 4, "120.50")
    add_value(shares, 750, TODAY)
    record_price(abc, TODAY, 125)
    assert figures(alices, shares) == {
        "Quantity": "6",
        "Price": f"125 EUR on {TODAY}",
        "Value": "750.00 EUR",
        "Cost": "600.00 EUR",
        "Unrealised gain": "+150.00 EUR",
        "Realised gain": "+82.00 EUR",
        "Lots sold first": "First in first out",
    }


def test_open_and_closed_lots_are_tables(alices, shares):
    trade(shares, "ACQUIRE", BOUGHT, 10, "100")
    trade(shares, "DISPOSE", SOLD, 4, "120.50")
    page = page_of(alices, shares)
    still_held, sold = page.split('id="closed-lots"')
    assert f'data-label="Bought on">{BOUGHT}</td>' in still_held.split('id="open-lots"')[1]
    assert f'>{BOUGHT}</td><td data-label="Sold on">{SOLD}</td>' in sold
    assert '<span class="amount">+82.00</span>' in sold


def test_lots_are_exported_open_and_closed(alices, shares):
    assert "strata-export" not in page_of(alices, shares)
    trade(shares, "ACQUIRE", BOUGHT, 10, "100")
    trade(shares, "DISPOSE", SOLD, 4, "120.50")
    (address,) = re.findall(r'<a href="([^"]+format=csv[^"]*)" download>', page_of(alices, shares))
    rows = alices.get(unescape(address)).getvalue().decode("utf-8-sig").splitlines()
    assert len(rows) == 4, "a header, the asset, an open and a closed lot"


def test_the_last_sale_is_the_first_row_of_closed_lots(alices, shares):
    trade(shares, "ACQUIRE", BOUGHT, 10, "100")
    for on in (SOLD, SOLD + timedelta(days=1)):
        trade(shares, "DISPOSE", on, 1, "120")
    rows = alices.get(url(Asset, "change", shares.pk)).context["holding"]["closed_rows"]
    assert [row["disposed_on"] for row in rows] == [str(SOLD + timedelta(days=1)), str(SOLD)]


def test_what_was_sold_and_never_bought_is_said(alices, shares):
    trade(shares, "ACQUIRE", BOUGHT, 1, "100")
    trade(shares, "DISPOSE", SOLD, 3, "120")
    shown = figures(alices, shares)
    assert (shown["Sold but never bought"], shown["Proceeds without a cost"]) == ("2", "240.00 EUR")


def test_a_price_that_is_too_old_is_marked(alices, shares, abc):
    record_price(abc, TODAY - timedelta(days=11))
    assert figures(alices, shares)["Price"].endswith("(out of date)")


def test_a_quantity_without_a_transaction_is_that_of_the_asset(alices, portfolio):
    coins = create_asset(portfolio, "Coins", TypeId.CRYPTO, quantity="0.15")
    assert figures(alices, coins)["Quantity"] == "0.15"


def test_twenty_lots_are_a_page(alices, shares):
    for number in range(25):
        trade(shares, "ACQUIRE", BOUGHT + timedelta(days=number), 1, "100")
    first, second = page_of(alices, shares), page_of(alices, shares, lots="2")
    assert "1 / 2" in first and "2 / 2" in second
    last = f'data-label="Bought on">{BOUGHT + timedelta(days=24)}</td>'
    assert last in second and last not in first


def test_an_account_and_a_house_without_purchases_have_no_holding(alices, portfolio):
    for kind in (TypeId.CHECKING_ACCOUNT, TypeId.REAL_ESTATE):
        asset = create_asset(portfolio, "Thing", kind)
        assert "Still held" not in page_of(alices, asset)
        assert alices.get(url(Asset, "change", asset.pk)).context.get("holding") is None


def test_the_index_that_a_house_follows_is_not_held(alices, alice, portfolio, household):
    index = Instrument.objects.create(
        household=household, symbol="HOUSES", name="Houses", currency="EUR", instrument_type="index"
    )
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE, instrument=index, valuation="index")
    record_price(index, BOUGHT, 100)
    record_price(index, TODAY, 125)
    add_value(house, 200_000, BOUGHT)
    assert alices.get(url(Asset, "change", house.pk)).context.get("holding") is None
    holding = alice.get(f"/api/v1/assets/{house.pk}/holding").json()
    assert (holding["quantity"], holding["price"], holding["value"]) == (None, None, "250000.00")
    purchase = {"type": "ACQUIRE", "on": str(BOUGHT), "amount": "180000"}
    assert alice.post(f"/api/v1/assets/{house.pk}/transactions", purchase).status_code == 201
    shown = figures(alices, house)
    assert not shown.keys() & {"Quantity", "Price"}
    assert shown["Unrealised gain"] == "+70,000.00 EUR"
    assert "/admin/trade/?portfolio=" not in page_of(alices, house)
    bought = trade(
        create_asset(portfolio, "Shares", TypeId.FUND, instrument=index), "ACQUIRE", BOUGHT, 1, "100"
    )
    assert bought.asset_id != house.pk


def test_many_lots_take_as_many_queries_as_one(alices, shares, abc):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page_of(alices, shares)
        return len(captured)

    record_price(abc, TODAY)
    trade(shares, "ACQUIRE", BOUGHT, 1, "100")
    page_of(alices, shares)
    few = queries()
    for number in range(15):
        trade(shares, "ACQUIRE", BOUGHT + timedelta(days=number), 2, "100")
        trade(shares, "DISPOSE", SOLD, 1, "100")
    page_of(alices, shares)
    assert queries() == few <= 45


def test_a_viewer_sees_the_lots_and_no_link_to_trade(alices, vera_user, shares):
    trade(shares, "ACQUIRE", BOUGHT, 1, "100")
    assert "/admin/trade/?portfolio=" in page_of(alices, shares)
    page = page_of(staff(vera_user), shares)
    assert "Still held" in page
    assert "/admin/trade/?portfolio=" not in page and url(Asset, "transfer", shares.pk) not in page


# --- a trade of the chosen asset ---


def address_of_trade(asset: Asset) -> str:
    return f"/admin/trade/?portfolio={asset.portfolio_id}&asset={asset.pk}"


def test_a_trade_is_of_the_chosen_asset_where_several_have_the_security(alices, shares, portfolio, abc):
    create_asset(portfolio, "Elsewhere", TypeId.STOCKS, instrument=abc)
    form = alices.get(address_of_trade(shares)).context["form"]
    assert form.initial["instrument"] == "ABC"
    data = {"type": "ACQUIRE", "instrument": "ABC", "on": str(BOUGHT), "quantity": "2", "unit_price": "100"}
    answer = alices.post(address_of_trade(shares), data)
    assert (answer.status_code, answer["Location"]) == (302, url(Asset, "change", shares.pk))
    assert Transaction.objects.get().asset_id == shares.pk


def test_another_security_is_traded_at_its_own_asset(alices, shares, household):
    other = Instrument.objects.create(household=household, symbol="XYZ", name="Xyz", currency="EUR")
    data = {"type": "ACQUIRE", "instrument": "XYZ", "on": str(BOUGHT), "quantity": "2", "unit_price": "100"}
    assert alices.post(address_of_trade(shares), data).status_code == 302
    assert Transaction.objects.get().asset.instrument_id == other.pk


def test_an_asset_of_another_portfolio_is_not_chosen(alices, shares, household):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    answer = alices.get(f"/admin/trade/?portfolio={second.pk}&asset={shares.pk}")
    assert answer.context["asset"] is None


# --- a transfer ---


def test_units_are_transferred_into_another_portfolio(alices, shares, household):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    trade(shares, "ACQUIRE", BOUGHT, 10, "100")
    data = {"to_portfolio": str(second.pk), "on": str(SOLD), "quantity": "4"}
    answer = alices.post(url(Asset, "transfer", shares.pk), data)
    assert answer.status_code == 302, answer.context["form"].errors
    legs = Transaction.objects.filter(type="TRANSFER").order_by("quantity")
    assert [(leg.asset.portfolio_id, leg.quantity) for leg in legs] == [
        (shares.portfolio_id, -4),
        (second.pk, 4),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"quantity": "0"}, "quantity"), ({"quantity": ""}, "quantity"), ({"on": "x"}, "on")],
)
def test_what_a_transfer_refuses_is_said_beside_the_field(alices, shares, household, changes, field):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    trade(shares, "ACQUIRE", BOUGHT, 10, "100")
    data = {"to_portfolio": str(second.pk), "on": str(SOLD), "quantity": "4"}
    answer = alices.post(url(Asset, "transfer", shares.pk), data | changes)
    assert list(answer.context["form"].errors) == [field]
    assert not Transaction.objects.filter(type="TRANSFER").exists()


def test_a_house_moves_whole(alices, portfolio, household):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE)
    add_value(house, 100_000, BOUGHT)
    page = alices.get(url(Asset, "transfer", house.pk))
    assert "quantity" not in page.context["form"].fields
    data = {"to_portfolio": str(second.pk), "on": str(SOLD)}
    assert alices.post(url(Asset, "transfer", house.pk), data).status_code == 302
    assert Asset.objects.get(portfolio=second).name == "House"


def test_who_may_only_look_cannot_transfer(vera_user, charlie_user, shares):
    address = url(Asset, "transfer", shares.pk)
    assert staff(vera_user).get(address).status_code == 403
    assert staff(vera_user).post(address).status_code == 403
    assert staff(charlie_user).get(address).status_code == 404


def test_an_account_has_no_lots(alice, portfolio):
    """What is paid in and out of it was a cost and proceeds: a loss of all that had been paid out."""
    account = create_asset(portfolio, "Account")
    for kind, on, amount in (("ACQUIRE", BOUGHT, "2000"), ("DISPOSE", SOLD, "1500")):
        paid = {"type": kind, "on": str(on), "amount": amount}
        assert alice.post(f"/api/v1/assets/{account.pk}/transactions", paid).status_code == 201
    add_value(account, 500, SOLD)

    def get(path, **asked):
        return alice.get(f"/api/v1/{path}", asked).json()

    assert get("lots")["results"] == []
    answer = get(f"assets/{account.pk}/lots", closed=1)
    assert (answer["open"], answer["closed"], answer["missing_proceeds"]) == ([], [], "0.00")
    assert (answer["value"], answer["cost"], answer["unrealised_gain"]) == ("500.00", None, None)
    holding = get(f"assets/{account.pk}/holding")
    assert (holding["value"], holding["cost_basis"], holding["unrealised_gain"]) == ("500.00", None, None)
