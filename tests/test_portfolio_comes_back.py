"""A portfolio that left as a journal of beancount or as Ghostfolio's JSON comes back: every value of every asset on
every day that had one, and the same quantity and cost of what is held.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Instrument, InstrumentAction, Transaction
from assets.services.entries.disposal import dispose
from assets.services.entries.transfers import transfer
from conftest import client_of
from demo import household as demo
from imports.tests.import_requests import commit, preview
from portfolios.models import Household, Membership, Portfolio
from reports.exports import ledger
from reports.tests import beancount_syntax
from strata.accounts.models import User
from strata.fields.dates import noon
from strata.tenancy.roles import OWNER
from tests.factories import add_value, create_asset, record_price

API = "/api/v1"
TODAY = date(2026, 11, 29)
FORMATS = pytest.mark.parametrize("wanted", ["beancount", "ghostfolio"])


def exported(client, portfolio, wanted) -> bytes:
    answer = client.get(f"{API}/portfolios/{portfolio.pk}/export", {"format": wanted})
    assert answer.status_code == 200, answer.content
    return answer.content


def get(client, path, **params):
    answer = client.get(f"{API}/{path}", params)
    assert answer.status_code == 200, answer.content
    return answer.json()


def named(asset) -> str:
    """Ghostfolio's JSON has no name of an asset that holds a security."""
    return asset.instrument.symbol if asset.valuation == "market" else asset.name


def valued_days(portfolio) -> dict[str, set[date]]:
    """The days of each asset that have a value, or a price of what it holds."""
    days = {}
    for asset in ledger.exported(portfolio, TODAY).assets:
        if asset.security:
            days[asset.security.symbol] = {on for on, _ in asset.security.prices}
        else:
            days[asset.name] = set(asset.values)
    return days


def values_of(client, portfolio, days) -> dict[tuple[str, str], str]:
    """By the name of the asset and the day."""
    values = {}
    for asset in Asset.objects.filter(portfolio=portfolio):
        wanted = {on.isoformat() for on in days[named(asset)]}
        if not wanted:
            continue
        span = {"start": min(wanted), "end": max(wanted), "interval": "day"}
        for point in get(client, f"assets/{asset.pk}/values", **span)["points"]:
            if point["on"] in wanted:
                values[named(asset), point["on"]] = point["value"]
    return values


def holdings_of(client, portfolio, on) -> dict[str, tuple]:
    assets = Asset.objects.filter(portfolio=portfolio, valuation="market")
    lots = {named(asset): get(client, f"assets/{asset.pk}/lots", on=on.isoformat()) for asset in assets}
    return {name: (each["quantity"], each["cost"]) for name, each in lots.items()}


def assert_comes_back(client, portfolio, other, wanted, on):
    days = valued_days(portfolio)
    before, held = values_of(client, portfolio, days), holdings_of(client, portfolio, on)
    new_import = preview(client, other, exported(client, portfolio, wanted), name="x")
    assert new_import["format"] == {"beancount": "beancount", "ghostfolio": "ghostfolio-json"}[wanted]
    commit(client, new_import)
    assert values_of(client, portfolio, days) == before
    after = values_of(client, other, days)
    assert before == {key: after.get(key) for key in before}
    assert len(before) > 3
    holdings = holdings_of(client, other, on)
    assert {name: holdings.get(name) for name in held} == held
    assert all(quantity not in (None, "0") for quantity, _ in held.values())
    return new_import


def portfolio_elsewhere(user) -> Portfolio:
    """In a household that has nothing."""
    household = Household.objects.create(name="Elsewhere")
    Membership.objects.create(household=household, user=user, role=OWNER, accepted_at=noon(TODAY, "UTC"))
    return Portfolio.objects.create(household=household, name="New", base_currency="EUR")


@FORMATS
@pytest.mark.parametrize("place", ["elsewhere", "beside"])
def test_demo_comes_back(db, time_machine, wanted, place):
    time_machine.move_to(f"{TODAY}T12:00:00Z")
    anna = User.objects.create(username="anna")
    household = demo.build(anna, TODAY)
    portfolio = household.portfolios.get()
    beside = Portfolio.objects.create(household=household, name="New", base_currency="EUR")
    other = beside if place == "beside" else portfolio_elsewhere(anna)
    assert_comes_back(client_of(anna), portfolio, other, wanted, TODAY)


@pytest.fixture
def full(household, portfolio):
    """Money, things, debts, and securities with every kind of transaction that a journal has."""
    types = (TypeId.CHECKING_ACCOUNT, TypeId.LOAN, TypeId.REAL_ESTATE, TypeId.OTHER)
    for number, name in enumerate(("größe", '"', "a b", "2nd", "=1", "x" * 200, "Assets:Cash", "\\")):
        asset = create_asset(portfolio, name, types[number % 4], currency=("EUR", "USD")[number % 2])
        for month, value in enumerate(("0.5", "-12.3456" if number % 2 else "7", "12.3", "12.3")):
            add_value(asset, value, date(2024, 1, 1) + timedelta(days=20 * month))
        for day, kind in enumerate(("ACQUIRE", "DISPOSE", "INCOME", "EXPENSE")):
            add_transaction(asset, kind, date(2024, 1, 15 + day), amount="7.1", fee="0.1", tax="0.02")
    for symbol in ("ABC", "d/1"):
        instrument = Instrument.objects.create(
            household=household, symbol=symbol, name=symbol, currency="EUR"
        )
        for day, price in enumerate((9, 10, 11)):
            record_price(instrument, date(2024, 1, 10 + 10 * day), price)
        shares = {"valuation": "market", "instrument": instrument}
        asset = create_asset(portfolio, f"Shares of {symbol}", TypeId.STOCKS, **shares)
        add_transaction(asset, "ACQUIRE", date(2024, 1, 2), quantity="10", amount="90", fee="1", tax="0.5")
        add_transaction(asset, "DISPOSE", date(2024, 1, 12), quantity="3", amount="33", fee="1")
        add_transaction(asset, "INCOME", date(2024, 1, 14), quantity="0.5", amount="5")
        add_transaction(asset, "INCOME", date(2024, 1, 15), amount="2.5", tax="0.5")
        add_transaction(asset, "EXPENSE", date(2024, 1, 16), amount="1")
    add_transaction(asset, "ADJUST", date(2024, 1, 17), quantity="1.5")
    on, ratio = date(2024, 1, 11), {"numerator": 7, "denominator": 3}
    InstrumentAction.objects.create(household=household, instrument=instrument, type="split", on=on, **ratio)
    return portfolio


def add_transaction(asset, kind, on, **numbers):
    fields = {"type": kind, "on": on, "occurred_at": noon(on, "UTC"), "currency": asset.currency}
    return Transaction.objects.create(asset=asset, note='a "note"', **fields, **numbers)


@FORMATS
def test_hard_portfolio_comes_back(alice, alice_user, full, wanted):
    assert_comes_back(alice, full, portfolio_elsewhere(alice_user), wanted, date(2024, 3, 1))


@pytest.fixture
def moved(household, portfolio):
    """Units that moved within the portfolio, into it and out of it, across a split; a bond; things owned in part."""
    shares = Instrument.objects.create(household=household, symbol="ABC", name="ABC", currency="EUR")
    bond = Instrument.objects.create(
        household=household,
        symbol="BUND",
        name="Bund",
        currency="EUR",
        instrument_type="bond",
        quote_unit="1/100",
        cusip="912810TM0",
    )
    record_price(shares, date(2024, 1, 5), 10)
    record_price(shares, date(2024, 1, 25), 6)
    record_price(bond, date(2024, 1, 5), 98)
    elsewhere = Portfolio.objects.create(household=household, name="Elsewhere", base_currency="EUR")
    places = ((portfolio, "One"), (portfolio, "Two"), (elsewhere, "Three"))
    first, second, elsewhere_held = (
        create_asset(place, name, TypeId.STOCKS, valuation="market", instrument=shares)
        for place, name in places
    )
    add_transaction(first, "ACQUIRE", date(2024, 1, 2), quantity="10", amount="90", fee="1")
    add_transaction(first, "ACQUIRE", date(2024, 1, 3), quantity="5", amount="60")
    add_transaction(elsewhere_held, "ACQUIRE", date(2024, 1, 4), quantity="1", amount="6")
    add_transaction(elsewhere_held, "ACQUIRE", date(2024, 1, 4), quantity="4", amount="30")
    transfer(first.pk, to_asset_id=second.pk, on=date(2024, 1, 8), quantity=Decimal(12))
    transfer(elsewhere_held.pk, to_asset_id=first.pk, on=date(2024, 1, 9), quantity=Decimal(2))
    transfer(second.pk, to_asset_id=elsewhere_held.pk, on=date(2024, 1, 10), quantity=Decimal(1))
    split = {"type": "split", "numerator": 2, "denominator": 1, "on": date(2024, 1, 20)}
    InstrumentAction.objects.create(household=household, instrument=shares, **split)
    transfer(second.pk, to_asset_id=first.pk, on=date(2024, 1, 22), quantity=Decimal(3))
    add_transaction(first, "DISPOSE", date(2024, 1, 28), quantity="10", amount="60")
    of_bond = create_asset(portfolio, "Bund", TypeId.BONDS, valuation="market", instrument=bond)
    add_transaction(of_bond, "ACQUIRE", date(2024, 1, 5), quantity="10000", amount="9800", fee="2")
    savings, giro = (
        create_asset(portfolio, name, TypeId.CHECKING_ACCOUNT, currency="EUR") for name in ("Savings", "Giro")
    )
    add_transaction(savings, "DISPOSE", date(2024, 1, 11), amount="40")
    add_transaction(giro, "ACQUIRE", date(2024, 1, 11), amount="40")
    house = create_asset(
        portfolio, "House", TypeId.REAL_ESTATE, currency="EUR", shares="0.5, 2024-01-15: 0.75"
    )
    for asset, value in ((savings, 60), (giro, 140), (house, 300_000)):
        add_value(asset, value, date(2024, 1, 11))
        add_value(asset, value, date(2024, 1, 18))
    Asset.objects.filter(pk=savings.pk).update(shares="0.5")
    return portfolio


def totals_of(client, portfolio) -> list[str]:
    """What the portfolio is worth on each day from the first price on."""
    answer = get(
        client, "net-worth", portfolio=str(portfolio.pk), start="2024-01-05", end="2024-02-01", interval="day"
    )
    return [point["net"] for point in answer["points"]]


def all_holdings(client, portfolio) -> Counter:
    """How many units each asset holds and what they cost, by symbol: a format need not keep the names of assets."""
    assets = Asset.objects.filter(portfolio=portfolio, valuation="market").select_related("instrument")
    answers = ((asset, get(client, f"assets/{asset.pk}/lots", on="2024-02-01")) for asset in assets)
    return Counter((asset.instrument.symbol, lots["quantity"], lots["cost"]) for asset, lots in answers)


@FORMATS
@pytest.mark.parametrize("place", ["elsewhere", "beside"])
def test_what_was_transferred_and_what_is_owned_in_part_comes_back(alice, alice_user, moved, wanted, place):
    beside = Portfolio.objects.create(household=moved.household, name="New", base_currency="EUR")
    other = beside if place == "beside" else portfolio_elsewhere(alice_user)
    before, held = totals_of(alice, moved), all_holdings(alice, moved)
    new_import = preview(alice, other, exported(alice, moved, wanted), name="x")
    assert new_import["refused"] == (2 if wanted == "beancount" else 0), new_import["warnings"]
    commit(alice, new_import)
    assert all_holdings(alice, other) == held
    assert held == Counter([("ABC", "3", "10.50"), ("ABC", "19", "92.25"), ("BUND", "10000", "9802.00")])
    assert totals_of(alice, other) == before
    assert totals_of(alice, moved) == before
    imported = Asset.objects.filter(portfolio=other)
    assert imported.get(instrument__symbol="BUND").instrument.quote_unit == "1/100"
    legs = Transaction.objects.filter(asset__in=imported, type="TRANSFER").count()
    assert legs == 4


@FORMATS
def test_what_was_disposed_of_comes_back_as_such(alice, household, portfolio, wanted):
    gone = {"Old account": TypeId.CHECKING_ACCOUNT, "Car": TypeId.VEHICLE}
    for name, asset_type in gone.items():
        asset = create_asset(portfolio, name, asset_type)
        add_value(asset, 100, on=date(2024, 1, 5))
        add_value(asset, 80, on=date(2024, 2, 5))
        dispose(asset.pk, on=date(2024, 3, 5))
    add_value(create_asset(portfolio, "Still here"), 5, on=date(2024, 1, 5))
    second = Portfolio.objects.create(household=household, name="Again", time_zone="UTC")
    file = exported(alice, portfolio, wanted)
    commit(alice, preview(alice, second, file, name="x"))
    days = dict(second.assets.values_list("name", "disposed_on"))
    assert days == {**dict.fromkeys(gone, date(2024, 3, 5)), "Still here": None}


def test_a_disposal_that_no_asset_can_have_is_refused(alice, household, portfolio):
    add_value(
        create_asset(portfolio, "Car", TypeId.VEHICLE, disposed_on=date(2024, 3, 5)), 80, on=date(2024, 2, 5)
    )
    second = Portfolio.objects.create(household=household, name="Again", time_zone="UTC")
    file = exported(alice, portfolio, "beancount").replace(
        b'disposed: "2024-03-05"', b'disposed: "1900-01-01"'
    )
    refusal = commit(alice, preview(alice, second, file, name="x"), 400)
    assert refusal["errors"][0]["field"] == "on"
    assert not second.assets.exists()


def recorded(portfolio) -> tuple[set, Counter]:
    """The recorded values and the transactions, whatever their ids are."""
    values = AssetSnapshot.objects.filter(asset__portfolio=portfolio)
    entries = Transaction.objects.filter(asset__portfolio=portfolio)
    columns = ("type", "on", "quantity", "amount", "fee", "tax", "currency", "note")
    return (
        set(values.values_list("asset__name", "asset__currency", "on", "value")),
        Counter(entries.values_list("asset__name", *columns)),
    )


@pytest.fixture
def between(portfolio):
    """Bookings on days without a value, and what postings alone cannot say."""
    account = create_asset(portfolio, "Giro", TypeId.CHECKING_ACCOUNT, currency="EUR")
    house = create_asset(portfolio, "House", TypeId.REAL_ESTATE, currency="EUR", acquired_on=date(2024, 1, 2))
    coins = create_asset(portfolio, "Coins", TypeId.COLLECTIBLES, currency="EUR", quantity=Decimal("2.5"))
    create_asset(portfolio, "a\u200db \U0001f468\u200d\U0001f469", TypeId.STOCKS, currency="USD")
    for asset in (account, house):
        add_value(asset, "1000", date(2024, 1, 1))
        add_value(asset, "900.5", date(2024, 3, 1))
        for number, kind in enumerate(("ACQUIRE", "DISPOSE", "INCOME", "EXPENSE")):
            on = date(2024, 1, 10 + number)
            add_transaction(asset, kind, on, amount="7.1", fee="0.1", tax="0.02")
    Transaction.objects.filter(asset=account, type="INCOME").update(currency="USD", note='a\n\tb "\\n"')
    add_transaction(house, "EXPENSE", date(2024, 1, 20), amount="0")
    add_transaction(coins, "ACQUIRE", date(2024, 1, 20), amount="5", quantity="1.5")
    add_transaction(coins, "ADJUST", date(2024, 1, 21), quantity="-0.5")
    return portfolio


def test_a_journal_comes_back_with_its_bookings_and_no_other_value(alice, alice_user, between):
    other = portfolio_elsewhere(alice_user)
    commit(alice, preview(alice, other, exported(alice, between, "beancount"), name="x"))
    assert recorded(other) == recorded(between)
    details = ("name", "currency", "asset_type__code", "acquired_on", "quantity")
    assert set(other.assets.values_list(*details)) == set(between.assets.values_list(*details))


def test_what_was_booked_after_the_export_still_gives_a_balance(alice, alice_user, between):
    other = portfolio_elsewhere(alice_user)
    account = "Assets:Giro"
    later = f'2024-03-05 * "By hand"\n  {account}  10.00 EUR\n  Equity:Transfers\n'
    commit(alice, preview(alice, other, exported(alice, between, "beancount") + later.encode(), name="x"))
    values, _ = recorded(other)
    assert values - recorded(between)[0] == {("Giro", "EUR", date(2024, 3, 5), Decimal("910.5"))}


@FORMATS
def test_thirds_of_shares_come_back(alice, alice_user, household, portfolio, wanted):
    shares = Instrument.objects.create(household=household, symbol="T", name="T", currency="EUR")
    record_price(shares, date(2024, 1, 5), 100)
    split = {"type": "split", "on": date(2024, 1, 20), "numerator": 1, "denominator": 3}
    InstrumentAction.objects.create(household=household, instrument=shares, **split)
    asset = create_asset(portfolio, "T", TypeId.STOCKS, valuation="market", instrument=shares, currency="EUR")
    for day in (2, 3, 4):
        add_transaction(asset, "ACQUIRE", date(2024, 1, day), quantity="1", amount="100")
    add_transaction(asset, "DISPOSE", date(2024, 1, 28), quantity="1", amount="100")
    file = exported(alice, portfolio, wanted)
    if wanted == "beancount":
        beancount_syntax.read(file.decode())
        assert ' "NONE"' in file.decode()  # as they are written, a third three times is less than one
    other = portfolio_elsewhere(alice_user)
    commit(alice, preview(alice, other, file, name="x"))
    assert recorded(other) == recorded(portfolio)
    prices = get(alice, f"assets/{other.assets.get().pk}/values", start="2024-01-05", end="2024-01-06")
    assert prices["points"][0]["price"] == "100"


@pytest.fixture
def alike(household, portfolio):
    """Assets with the same names, securities with the same symbols, notes that look like ours, and old values."""
    named = (
        ("Savings", TypeId.SAVINGS_ACCOUNT),
        ("savings", TypeId.CHECKING_ACCOUNT),
        ("Savings (2)", TypeId.CASH),
        ("Flat", TypeId.REAL_ESTATE),
        ("Flat", TypeId.VEHICLE),
        ("Loan", TypeId.MORTGAGE),
    )
    for number, (name, asset_type) in enumerate(named):
        asset = create_asset(portfolio, name, asset_type, currency="EUR")
        sign = -1 if asset_type == TypeId.MORTGAGE else 1
        add_value(asset, sign * (100 + number), date(2023, 1, 1))
        add_value(asset, sign * (200 + number), date(2023, 12, 1))
        add_transaction(asset, "INCOME", date(2023, 2, 1), amount="5", fee="0.5")
        add_transaction(asset, "EXPENSE", date(2023, 3, 1), amount="3")
    create_asset(portfolio, "Empty", TypeId.PENSION, currency="EUR")
    kinds = (("EUR", "share"), ("USD", "share"), ("USD", "other"))
    for number, (currency, kind) in enumerate(kinds):
        instrument = Instrument.objects.create(
            household=household, symbol="ABC", name="Abc", currency=currency, instrument_type=kind
        )
        record_price(instrument, date(2024, 1, 20), 10 + number)
        held = {"valuation": "market", "instrument": instrument, "currency": currency}
        asset = create_asset(portfolio, f"Held {number}", TypeId.STOCKS, **held)
        add_transaction(asset, "ACQUIRE", date(2024, 1, 2), quantity="3", amount="30")
    Transaction.objects.filter(asset__name="Held 0").update(note="strata-transfer: x | a | b")
    dispose(asset.pk, on=date(2024, 1, 25))
    return portfolio


def test_ghostfolio_brings_back_every_day_and_who_is_alike(alice, alice_user, alike):
    other = portfolio_elsewhere(alice_user)
    new_import = preview(alice, other, exported(alice, alike, "ghostfolio"), name="x")
    assert (new_import["refused"], new_import["warnings"]) == (0, [])
    commit(alice, new_import)
    again = {(name, code): names for name, code, names in names_by_type(other)}
    assert again == {
        ("Savings", "SAVINGS_ACCOUNT"): {100, 200},
        ("savings (3)", "CHECKING_ACCOUNT"): {101, 201},
        ("Savings (2)", "CASH"): {102, 202},
        ("Flat", "REAL_ESTATE"): {103, 203},
        ("Flat (2)", "VEHICLE"): {104, 204},
        ("Loan", "MORTGAGE"): {-105, -205},
        ("Empty", "PENSION"): set(),
        ("Abc", "STOCKS"): set(),
        ("Abc (2)", "OTHER"): set(),
    }
    for start, end in (("2023-01-01", "2023-12-31"), ("2024-01-20", "2024-01-31")):
        span = {"start": start, "end": end, "interval": "day"}
        assert nets(alice, other, **span) == nets(alice, alike, **span)
    entries = Transaction.objects.filter(asset__portfolio=other)
    assert entries.filter(note="strata-transfer: x | a | b").count() == 1
    earned = entries.filter(asset__name="Flat (2)").values_list("type", "amount", "fee")
    assert set(earned) == {("INCOME", 5, Decimal("0.5")), ("EXPENSE", 3, 0)}
    again = exported(alice, other, "ghostfolio")
    third = portfolio_elsewhere(alice_user)
    commit(alice, preview(alice, third, again, name="x"))
    assert recorded(third) == recorded(other)


def names_by_type(portfolio):
    for asset in portfolio.assets.select_related("asset_type").prefetch_related("snapshots"):
        yield asset.name, asset.asset_type.code, {int(row.value) for row in asset.snapshots.all()}


def nets(client, portfolio, **span) -> list[tuple[str, str]]:
    points = get(client, f"portfolios/{portfolio.pk}/net-worth", **span)["points"]
    return [(point["on"], point["net"]) for point in points]


@FORMATS
def test_securities_of_one_symbol_stay_two(alice, alice_user, household, portfolio, wanted):
    for number in (1, 2):
        instrument = Instrument.objects.create(
            household=household, symbol="ABC", name=f"Abc {number}", currency="EUR"
        )
        record_price(instrument, date(2024, 1, 20), 10 * number)
        asset = create_asset(
            portfolio, f"Held {number}", TypeId.STOCKS, valuation="market", instrument=instrument
        )
        add_transaction(asset, "ACQUIRE", date(2024, 1, 2), quantity="3", amount="30")
    other = portfolio_elsewhere(alice_user)
    commit(alice, preview(alice, other, exported(alice, portfolio, wanted), name="x"))
    span = {"start": "2024-01-20", "end": "2024-01-21", "interval": "day"}
    assert (
        nets(alice, other, **span)
        == nets(alice, portfolio, **span)
        == [
            ("2024-01-20", "90.00"),
            ("2024-01-21", "90.00"),
        ]
    )
