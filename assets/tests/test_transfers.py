"""Transfers: two legs that are written, changed and deleted together, and assets that move whole."""

from datetime import date
from decimal import Decimal as D

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, Tag, Transaction
from portfolios.models import Household, Portfolio
from tests.factories import add_value

API = "/api/v1"
JAN, FEB, MAR = date(2024, 1, 10), date(2024, 2, 10), date(2024, 3, 10)


@pytest.fixture
def share(household):
    return Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")


@pytest.fixture
def elsewhere(household):
    return Portfolio.objects.create(household=household, name="Elsewhere")


@pytest.fixture
def holding(portfolio, share, alice):
    asset = make(portfolio, share)
    buy(alice, asset, "10")
    return asset


def make(portfolio, instrument=None, **values):
    values = {"name": "Shares", "currency": "EUR", "asset_type_id": TypeId.STOCKS} | values
    return Asset.objects.create(portfolio=portfolio, instrument=instrument, **values)


def buy(client, asset, quantity, **values):
    body = {"type": "ACQUIRE", "on": str(JAN), "quantity": quantity, "unit_price": "5"} | values
    answer = client.post(f"{API}/assets/{asset.pk}/transactions", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def move(client, asset, status=201, **body):
    body = {name: str(getattr(value, "pk", value)) for name, value in body.items()}
    answer = client.post(f"{API}/assets/{asset.pk}/transfer", {"on": str(FEB)} | body)
    assert answer.status_code == status, answer.content
    return answer.json()


def field_refused(client, asset, status=400, **body):
    return move(client, asset, status, **body)["errors"][0]["field"]


def leg_path(leg):
    return f"{API}/assets/{leg['asset_id']}/transactions/{leg['id']}"


def test_both_legs_have_the_transfer_and_opposite_quantities(alice, holding, elsewhere, share):
    target = make(elsewhere, share)
    moved = move(alice, holding, to_asset_id=target, quantity="4")
    out, into = moved["out"], moved["in"]
    assert (out["quantity"], into["quantity"]) == ("-4", "4")
    assert {out["transfer_id"], into["transfer_id"]} == {moved["transfer_id"]}
    assert {out["type"], into["type"]} == {"TRANSFER"}
    assert (out["asset_id"], into["asset_id"]) == (str(holding.pk), str(target.pk))


def test_into_a_portfolio_it_goes_to_the_one_asset_with_the_instrument_or_to_a_new_one(
    alice, holding, elsewhere, share
):
    asset_id = move(alice, holding, to_portfolio_id=elsewhere, quantity="4")["in"]["asset_id"]
    asset = Asset.objects.get(pk=asset_id)
    assert (asset.name, asset.portfolio, asset.instrument) == ("Shares", elsewhere, share)
    assert move(alice, holding, to_portfolio_id=elsewhere, quantity="1")["in"]["asset_id"] == asset_id


def test_change_of_a_leg_changes_the_other(alice, holding, elsewhere):
    moved = move(alice, holding, to_portfolio_id=elsewhere, quantity="4")
    changed = alice.patch(leg_path(moved["out"]), {"quantity": "-3", "on": str(MAR)})
    assert changed.status_code == 200, changed.content
    other = alice.get(leg_path(moved["in"])).json()
    assert (other["quantity"], other["on"]) == ("3", str(MAR))
    assert alice.patch(leg_path(moved["in"]), {"quantity": "-3"}).status_code == 400
    assert alice.patch(leg_path(moved["in"]), {"type": "ACQUIRE"}).json()["errors"][0]["field"] == "type"


def test_deletion_of_a_leg_deletes_the_other(alice, holding, elsewhere):
    moved = move(alice, holding, to_portfolio_id=elsewhere, quantity="4")
    assert alice.delete(leg_path(moved["in"])).status_code == 204
    assert Transaction.objects.get().type == "ACQUIRE"


def test_transfer_is_no_transaction_that_somebody_posts(alice, holding):
    answer = alice.post(f"{API}/assets/{holding.pk}/transactions", {"type": "TRANSFER", "quantity": "1"})
    assert answer.json()["errors"][0]["field"] == "type"


def test_what_cannot_be_moved_names_the_field(alice, holding, elsewhere, portfolio, household):
    dollars = make(elsewhere, holding.instrument, currency="USD")
    other = make(elsewhere)
    foreign = make(Portfolio.objects.create(household=Household.objects.create(name="F"), name="F"))
    assert field_refused(alice, holding, to_asset_id=dollars, quantity="1") == "to_asset_id"
    assert field_refused(alice, holding, to_asset_id=other, quantity="1") == "to_asset_id"
    assert field_refused(alice, holding, to_asset_id=holding, quantity="1") == "to_asset_id"
    assert field_refused(alice, holding, quantity="1") == "to_asset_id"
    assert field_refused(alice, holding, to_portfolio_id=portfolio, quantity="1") == "to_portfolio_id"
    assert field_refused(alice, holding, to_portfolio_id=elsewhere) == "quantity"
    assert field_refused(alice, holding, to_portfolio_id=elsewhere, quantity="-1") == "quantity"
    assert field_refused(alice, holding, 404, to_asset_id=foreign, quantity="1") == "to_asset_id"
    assert not Transaction.objects.filter(type="TRANSFER").exists()


def test_quantity_of_the_asset_becomes_a_transaction_before_some_of_it_moves(
    alice, portfolio, elsewhere, share
):
    asset = make(portfolio, share, quantity=D(10), acquired_on=JAN)
    move(alice, asset, to_portfolio_id=elsewhere, quantity="4")
    rows = asset.transactions.order_by("on").values_list("type", "quantity", "on")
    assert list(rows) == [("ADJUST", 10, JAN), ("TRANSFER", -4, FEB)]


def test_asset_without_quantities_moves_whole(alice, portfolio, elsewhere, household):
    house = make(portfolio, name="House", asset_type_id=TypeId.REAL_ESTATE)
    add_value(house, 300_000, JAN)
    tag = Tag.objects.create(household=household, name="shared")
    house.tag_links.create(tag=tag)
    moved = move(alice, house, to_portfolio_id=elsewhere)
    assert (moved["out"]["amount"], moved["in"]["amount"], moved["in"]["quantity"]) == ("300000.00",) * 2 + (
        None,
    )
    new = Asset.objects.get(pk=moved["in"]["asset_id"])
    assert (new.name, new.portfolio, list(new.tags.all())) == ("House", elsewhere, [tag])
    assert [(row.on, row.value) for row in new.snapshots.all()] == [(FEB, 300_000)]
    house.refresh_from_db()
    assert house.disposed_on == FEB
    change = alice.get(f"{API}/portfolios/{elsewhere.pk}/change", {"start": str(JAN), "end": str(MAR)}).json()
    assert (change["total"]["net_flows"], change["total"]["added"]) == ("300000.00", "0.00")
    assert alice.patch(leg_path(moved["out"]), {"on": str(MAR)}).json()["code"] == "TRANSFER_IS_FIXED"
    assert move(alice, house, 409, to_portfolio_id=elsewhere)["code"] == "ALREADY_DISPOSED"


def test_terms_move_with_the_asset(alice, portfolio, elsewhere):
    savings = make(portfolio, name="Savings", asset_type_id=TypeId.SAVINGS_ACCOUNT)
    add_value(savings, 100, JAN)
    terms = {"valuation": "growth", "rate": "0.03", "compounding": "yearly"}
    path = f"{API}/assets/{{}}/terms"
    assert alice.put(path.format(savings.pk), terms).status_code == 200
    new = move(alice, savings, to_portfolio_id=elsewhere)["in"]["asset_id"]
    assert alice.get(path.format(new)).json() == alice.get(path.format(savings.pk)).json()


def test_sale_names_lots_of_the_asset_up_to_what_they_hold(alice, holding, portfolio, share):
    bought, path = holding.transactions.get(), f"{API}/assets/{holding.pk}/transactions"
    foreign = buy(alice, make(portfolio, share), "1")

    def sell(transaction_id, units, **values):
        lots = [{"transaction_id": str(transaction_id), "quantity": units}]
        body = {"type": "DISPOSE", "on": str(FEB), "quantity": "12", "amount": "9", "lots": lots} | values
        return alice.post(path, body)

    assert sell(bought.pk, "11").json()["errors"][0]["field"] == "lots"
    assert sell(bought.pk, "3", quantity="2").json()["errors"][0]["field"] == "lots"
    assert sell(bought.pk, "3", type="ACQUIRE").json()["errors"][0]["field"] == "lots"
    assert sell(bought.pk, "3", on="2024-01-09").json()["errors"][0]["field"] == "lots"
    assert sell(foreign["id"], "1").json()["errors"][0]["field"] == "lots"
    sold = sell(bought.pk, "8")
    assert sold.json()["lots"] == [{"transaction_id": str(bought.pk), "quantity": "8"}]
    assert sell(bought.pk, "3").status_code == 400
    assert alice.patch(f"{path}/{sold.json()['id']}", {"lots": None}).json()["lots"] is None
    later = str(MAR)
    assert (
        sell(bought.pk, "1", on=later).json()["errors"][0]["field"] == "lots"
    )  # 12 were sold unnamed before
    assert alice.patch(f"{path}/{sold.json()['id']}", {"quantity": "7"}).status_code == 200
    assert sell(bought.pk, "4", on=later, quantity="4").json()["errors"][0]["field"] == "lots"
    rest = sell(bought.pk, "3", on=later, quantity="3").json()
    assert rest["lots"] == [{"transaction_id": str(bought.pk), "quantity": "3"}]
    more = {"lots": [{"transaction_id": str(bought.pk), "quantity": "4"}], "quantity": "4"}
    assert alice.patch(f"{path}/{rest['id']}", more).json()["errors"][0]["field"] == "lots"
    assert alice.patch(f"{path}/{bought.pk}", {"quantity": "1"}).status_code == 200
    assert alice.patch(f"{path}/{sold.json()['id']}", {"lots": None}).json()["lots"] is None


def test_flow_of_a_transfer_is_its_price_of_the_day_or_else_the_cost_moved(
    alice, holding, portfolio, elsewhere
):
    moved = move(alice, holding, to_portfolio_id=elsewhere, quantity="4")
    arrived = Asset.objects.get(pk=moved["in"]["asset_id"])
    days = {"start": str(JAN), "end": str(MAR)}

    def flows(where):
        total = alice.get(f"{API}/portfolios/{where.pk}/change", days).json()["total"]
        return total["net_flows"], total["added"], total["value_change"]

    cost = holding.transactions.get(type="ACQUIRE").amount * 4 / 10
    add_value(holding, 1000, JAN)
    add_value(holding, 600, FEB)
    assert flows(portfolio)[0] == f"-{cost:.2f}"
    add_value(arrived, 500, FEB)
    assert flows(elsewhere) == ("500.00", "0.00", "0.00")
    assert flows(portfolio) == ("-500.00", "0.00", "100.00")
    whole = alice.get(f"{API}/net-worth/change", days).json()["total"]
    assert (whole["net_flows"], whole["added"], whole["removed"]) == ("0.00", "0.00", "0.00")


def test_change_of_a_purchase_changes_the_portfolio_to_which_it_has_moved(alice, holding, elsewhere):
    move(alice, holding, to_portfolio_id=elsewhere, quantity="4")
    revision = Portfolio.objects.get(pk=elsewhere.pk).revision
    bought = holding.transactions.get(type="ACQUIRE")
    path = f"{API}/assets/{holding.pk}/transactions/{bought.pk}"
    assert alice.patch(path, {"note": "Broker"}).status_code == 200
    assert Portfolio.objects.get(pk=elsewhere.pk).revision == revision
    assert alice.patch(path, {"amount": "60"}).status_code == 200
    assert Portfolio.objects.get(pk=elsewhere.pk).revision > revision
