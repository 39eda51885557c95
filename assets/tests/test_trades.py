"""Entering a trade: the page, its two transactions, and what a disposal of a holding sells."""

import re
from datetime import date
from decimal import Decimal as D
from html import unescape
from uuid import UUID

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, Transaction
from portfolios.models import Portfolio
from tests.admin_forms import staff
from tests.factories import create_asset

API = "/api/v1"
TRADE = {"type": "ACQUIRE", "instrument": "abc", "on": "2024-01-10", "quantity": "300", "unit_price": "12.5"}


@pytest.fixture
def share(household):
    return Instrument.objects.create(
        household=household,
        symbol="ABC",
        name="Abc plc",
        currency="EUR",
        instrument_type="share",
        isin="GB0002634946",
        quote_unit="1/100",
    )


@pytest.fixture
def account(portfolio):
    return create_asset(portfolio, "Account")


def enter(user, portfolio, **values):
    return staff(user).post(f"/admin/trade/?portfolio={portfolio.pk}", TRADE | values)


def rows():
    return list(Transaction.objects.order_by("id").values_list("asset__name", "type", "amount"))


def test_trade_makes_both_legs_and_one_undo_takes_them_back(alice_user, alice, portfolio, share, account):
    answer = enter(alice_user, portfolio, cash_account=str(account.pk), fee="1", tax="0.5")
    assert answer.status_code == 302, answer.context["form"].errors
    assert rows() == [("Abc plc", "ACQUIRE", D("37.5")), ("Account", "DISPOSE", D(39))]
    asset = Asset.objects.get(name="Abc plc")
    assert (asset.instrument, asset.asset_type_id, asset.currency) == (share, UUID(TypeId.STOCKS), "EUR")
    assert asset.valuation == "market"
    history = alice.get(f"{API}/assets/{asset.pk}/history").json()["results"]
    assert alice.post(f"{API}/undo/{history[0]['request_id']}").status_code == 200
    assert rows() == []


def test_sale_pays_what_is_left_and_goes_to_the_asset_that_is_there(alice_user, portfolio, share, account):
    enter(alice_user, portfolio)
    sale = {"type": "DISPOSE", "instrument": "GB0002634946", "amount": "20", "unit_price": "", "fee": "1"}
    assert enter(alice_user, portfolio, cash_account=str(account.pk), **sale).status_code == 302
    assert rows()[1:] == [("Abc plc", "DISPOSE", D(20)), ("Account", "ACQUIRE", D(19))]


def test_what_is_refused_is_beside_its_field_and_writes_nothing(
    alice_user, vera_user, portfolio, share, household
):
    dollars = create_asset(portfolio, "Dollars", currency="USD")
    refused = enter(alice_user, portfolio, cash_account=str(dollars.pk))
    assert list(refused.context["form"].errors) == ["cash_account"]
    assert list(enter(alice_user, portfolio, instrument="nothing").context["form"].errors) == ["instrument"]
    Instrument.objects.create(symbol="ABC", name="Another", currency="USD")
    assert list(enter(alice_user, portfolio).context["form"].errors) == ["instrument"]
    assert enter(vera_user, portfolio).status_code == 404
    assert enter(alice_user, Portfolio.objects.create(household=household, name="Empty")).status_code == 200
    assert not Transaction.objects.exists()


def notes(answer) -> list[str]:
    """What the page after a trade says, but for what was recorded."""
    return [str(message) for message in answer.wsgi_request._messages if message.level_tag == "warning"]


NO_PRICE = "No price of ABC counts today, so totals leave it out. Enter one on its page, under Securities and indices."


def test_whoever_sells_what_is_not_there_is_told(alice_user, portfolio, share):
    enter(alice_user, portfolio, quantity="3")
    sale = enter(alice_user, portfolio, type="DISPOSE", quantity="10.5", on="2024-01-11")
    assert notes(sale) == [
        "Sold but never bought: 7.5 Abc plc. It is in no gain until you enter its purchase."
    ]
    assert notes(enter(alice_user, portfolio, type="DISPOSE", quantity="3", on="2024-01-10")) == []
    portfolio.allow_short = True
    portfolio.save()
    assert notes(enter(alice_user, portfolio, type="DISPOSE", quantity="1", on="2024-01-12")) == [NO_PRICE]


def test_whoever_buys_what_has_no_price_is_told(alice_user, alice, portfolio, share):
    assert notes(enter(alice_user, portfolio)) == [NO_PRICE]
    path = f"{API}/instruments/{share.pk}/prices"
    alice.post(path, {"on": "2024-01-10", "price": "5"})
    assert notes(enter(alice_user, portfolio)) == [NO_PRICE]
    alice.post(path, {"on": f"{date.today()}", "price": "5"})
    assert notes(enter(alice_user, portfolio)) == []


@pytest.mark.parametrize(
    ("on", "note"),
    [
        ("1900-01-01", "It is dated 124 years ago. Is that right?"),
        ("1963-12-31", "It is dated 61 years ago. Is that right?"),
        ("1964-01-01", None),
        ("2024-05-01", None),
        ("2024-05-02", "It is dated in the future: it counts from 2024-05-02 on."),
    ],
)
def test_whoever_mistypes_the_year_is_told(alice_user, portfolio, share, time_machine, on, note):
    portfolio.time_zone = "Pacific/Auckland"
    portfolio.save()
    time_machine.move_to("2024-04-30T20:00Z", tick=False)
    assert [text for text in notes(enter(alice_user, portfolio, on=on)) if "dated" in text] == [note] * bool(
        note
    )


def test_a_security_that_is_not_there_is_added_without_losing_the_trade(alice_user, portfolio):
    page = enter(alice_user, portfolio, instrument="nothing").content.decode()
    assert re.search(r'<a [^>]*href="[^"]*/instrument/add/\?symbol=nothing" target="_blank"', page)


def test_the_type_of_a_new_security_has_to_be_chosen(alice_user, household):
    page = staff(alice_user)
    form = page.get("/admin/assets/instrument/add/").context["adminform"].form
    assert form["instrument_type"].value() == ""
    row = Instrument.objects.create(household=household, symbol="X", name="X", currency="EUR")
    change = page.get(f"/admin/assets/instrument/{row.pk}/change/").context["adminform"].form
    assert change["instrument_type"].value() == "other"


def test_disposal_of_a_holding_sells_all_that_is_held(alice, portfolio, share):
    asset = Asset.objects.create(
        portfolio=portfolio, name="Abc", instrument=share, currency="EUR", asset_type_id=TypeId.STOCKS
    )
    path = f"{API}/assets/{asset.pk}"
    for kind, units in (("ACQUIRE", "10"), ("DISPOSE", "4")):
        alice.post(
            f"{path}/transactions", {"type": kind, "on": "2024-01-10", "quantity": units, "amount": "1"}
        )
    assert alice.post(f"{path}/dispose", {"on": "2024-02-10", "proceeds": "90"}).status_code == 200
    sale = asset.transactions.get(on=date(2024, 2, 10))
    assert (sale.type, sale.quantity, sale.amount) == ("DISPOSE", 6, 90)


@pytest.mark.parametrize(("typed", "initial"), [("XYZ & co", "symbol"), ("US0378331005", "isin")])
def test_security_that_is_unknown_is_added_with_what_was_typed(alice_user, portfolio, share, typed, initial):
    refused = enter(alice_user, portfolio, instrument=typed)
    page = refused.content.decode()
    assert "There is no security with this symbol or ISIN" in page
    (address,) = re.findall(r'href="(/admin/assets/instrument/add/[^"]*)"', page)
    added = staff(alice_user).get(unescape(address))
    assert added.status_code == 200
    assert added.context["adminform"].form.initial[initial] == typed
    assert "/admin/assets/instrument/add/" not in enter(alice_user, portfolio, quantity="").content.decode()


def test_one_of_several_assets_is_chosen_with_what_was_typed(alice_user, portfolio, share):
    assets = [
        create_asset(portfolio, "Abc", TypeId.STOCKS, instrument=share, institution=name)
        for name in ("A", "B")
    ]
    refused = enter(alice_user, portfolio)
    assert refused.context["form"].errors["instrument"] == ["Several assets have it: say which one."]
    page = refused.content.decode()
    buttons = re.findall(r'formaction="([^"]*)">([^<]*)</button>', page)
    assert [text for _, text in buttons] == ["Abc (A)", "Abc (B)"]
    assert staff(alice_user).post("/admin/trade/" + unescape(buttons[1][0]), TRADE).status_code == 302
    assert [row.asset_id for row in Transaction.objects.all()] == [assets[1].pk]
