"""A portfolio as a journal of beancount and as Ghostfolio's JSON: every recorded value, and holdings at their cost."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Instrument, Transaction
from demo import household as demo
from portfolios.models import Portfolio
from reports.exports import ledger
from reports.tests import beancount_syntax
from strata.accounts.models import User
from strata.fields.dates import noon
from tests.factories import add_value, create_asset

API = "/api/v1"
TODAY = date(2026, 11, 29)
DAY = timedelta(days=1)


def ask(client, portfolio, wanted, **params):
    return client.get(f"{API}/portfolios/{portfolio.pk}/export", {"format": wanted} | params)


@pytest.fixture
def of_demo(db, time_machine) -> tuple[Client, Portfolio]:
    time_machine.move_to(f"{TODAY}T12:00:00Z")
    anna = User.objects.create(username="anna", is_staff=True)
    portfolio = demo.build(anna, TODAY).portfolios.get()
    client = Client()
    client.force_login(anna)
    return client, portfolio


@pytest.fixture
def instrument(household) -> Instrument:
    return Instrument.objects.create(household=household, symbol="a/1", name="Shares", currency="EUR")


def journal_of(client, portfolio) -> str:
    answer = ask(client, portfolio, "beancount")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8"), answer.content
    assert answer["Content-Disposition"].endswith('.beancount"')
    return answer.content.decode()


class Journal:
    """What a reader of the journal sees."""

    def __init__(self, text: str) -> None:
        self.directives = beancount_syntax.read(text)
        self.accounts = {}
        account = None
        for line in text.splitlines():
            if " open " in line and not line.startswith("  "):
                account = line.split()[2]
            elif line.startswith('  strata-id: "') and account:
                self.accounts[line.split('"')[1]] = account
                account = None

    def balances(self, account):
        return {
            (each.on - DAY): Decimal(each.found["number"])
            for each in self.directives
            if each.kind == "balance" and each.found["account"] == account
        }

    def postings(self, account):
        return [
            posting for each in self.directives for posting in each.postings if posting["account"] == account
        ]

    def prices(self, commodity):
        rows = [each for each in self.directives if each.kind == "price"]
        return {
            each.on: Decimal(each.found["number"]) for each in rows if each.found["commodity"] == commodity
        }


def test_journal_has_every_recorded_value_of_the_demo(of_demo):
    client, portfolio = of_demo
    journal = Journal(journal_of(client, portfolio))
    values = defaultdict(dict)
    for pk, on, value in AssetSnapshot.objects.values_list("asset_id", "on", "value"):
        values[pk][on] = value
    kinds = {"balance": 0, "whole": 0}
    for asset in Asset.objects.filter(pk__in=values).select_related("asset_type"):
        account = journal.accounts[str(asset.pk)]
        if (asset.kind or asset.asset_type.kind) == "balance":
            kinds["balance"] += 1
            assert journal.balances(account) == values[asset.pk]
        else:
            kinds["whole"] += 1
            (unit,) = journal.postings(account)
            assert Decimal(unit["number"]) == 1
            assert journal.prices(unit["commodity"]) == values[asset.pk]
    assert kinds == {"balance": 5, "whole": 6}


def test_journal_has_the_units_and_costs_of_the_demo(of_demo):
    client, portfolio = of_demo
    journal = Journal(journal_of(client, portfolio))
    fund = Asset.objects.get(name="World index fund")
    postings = journal.postings(journal.accounts[str(fund.pk)])
    assert sum(Decimal(posting["number"]) for posting in postings) == 458
    bought = [posting for posting in postings if posting["total"]]
    rows = Transaction.objects.filter(asset=fund, type="ACQUIRE")
    assert sum(Decimal(posting["total"]) for posting in bought) == sum(row.amount for row in rows)
    # The first 180 shares are 360 of today; a price before the split is half of what it was.
    assert (bought[0]["number"], bought[0]["total"]) == ("360", "18756.00")
    prices = journal.prices("WORLD")
    assert prices[date(2024, 12, 2)] < 54 and prices[date(2026, 11, 27)] == Decimal("62.12")


def test_ghostfolio_has_the_values_the_units_and_the_costs_of_the_demo(of_demo):
    client, portfolio = of_demo
    answer = ask(client, portfolio, "ghostfolio")
    assert answer["Content-Type"] == "application/json"
    document = json.loads(answer.content, parse_float=Decimal, parse_int=Decimal)
    by_name = {
        **{
            each["name"]: {row["date"][:10]: row["value"] for row in each["balances"]}
            for each in document["accounts"]
        },
        **{
            each["name"]: {row["date"][:10]: row["marketPrice"] for row in each["marketData"]}
            for each in document["assetProfiles"]
        },
    }
    rows = AssetSnapshot.objects.values_list("asset__name", "on", "value")
    assert all(by_name[name][on.isoformat()] == value for name, on, value in rows)
    of_fund = [each for each in document["activities"] if each["symbol"] == "WORLD"]
    units = sum(each["quantity"] * {"BUY": 1, "SELL": -1, "DIVIDEND": 0}[each["type"]] for each in of_fund)
    assert units == 458
    bought = sum(each["quantity"] * each["unitPrice"] for each in of_fund if each["type"] == "BUY")
    entries = Transaction.objects.filter(asset__name="World index fund", type="ACQUIRE")
    assert bought == sum(entry.amount for entry in entries)
    assert {each["type"] for each in document["activities"]} == {"BUY", "SELL", "DIVIDEND", "INTEREST", "FEE"}


def test_journal_takes_any_name_note_and_value(alice, portfolio):
    Portfolio.objects.filter(pk=portfolio.pk).update(name='"; include "x\\')
    names = ["größe", "Größe", "一", '"', "\\", "-", "a b", "2nd", "open", "x" * 200, "a:b", "Assets:Cash"]
    types = (TypeId.CHECKING_ACCOUNT, TypeId.LOAN, TypeId.REAL_ESTATE, TypeId.OTHER)
    for number, name in enumerate(names):
        asset = create_asset(portfolio, name, types[number % 4])
        for month, value in enumerate(("0", "-12.3456", "12.3", "12.3")):
            add_value(asset, value, date(2024, 1, 1) + month * 20 * DAY)
        for kind in ("ACQUIRE", "DISPOSE", "INCOME", "EXPENSE"):
            on = date(2024, 1, 15)
            note = f'{name}\n"  Assets:X  1 EUR'
            entry = {"type": kind, "on": on, "occurred_at": noon(on, "UTC"), "note": note, "currency": "EUR"}
            Transaction.objects.create(asset=asset, amount="7.1", fee="0.1", tax="0.02", **entry)
    journal = Journal(journal_of(alice, portfolio))
    assert len(journal.accounts) == len(names)
    json.loads(ask(alice, portfolio, "ghostfolio").content)


@pytest.mark.parametrize(
    ("entries", "booking"),
    [
        ([("ACQUIRE", "10"), ("DISPOSE", "4")], "FIFO"),
        ([("ACQUIRE", "10"), ("DISPOSE", "14")], "NONE"),
        ([("ACQUIRE", "10"), ("ADJUST", "-4")], "NONE"),
        ([], "NONE"),
    ],
)
def test_units_are_sold_from_lots_where_there_are_enough(alice, portfolio, instrument, entries, booking):
    asset = create_asset(
        portfolio,
        "Shares",
        TypeId.STOCKS,
        valuation="market",
        instrument=instrument,
        quantity="3",
        acquired_on=date(2024, 1, 1),
    )
    for number, (kind, quantity) in enumerate(entries):
        on = date(2024, 1, 2) + number * DAY
        amount = None if kind == "ADJUST" else "100"
        Transaction.objects.create(
            asset=asset,
            type=kind,
            on=on,
            occurred_at=noon(on, "UTC"),
            quantity=quantity,
            amount=amount,
            currency="EUR",
        )
    journal = Journal(journal_of(alice, portfolio))
    (opened,) = [each for each in journal.directives if each.found.get("booking")]
    assert opened.found["booking"] == booking
    units = sum(Decimal(posting["number"]) for posting in journal.postings(opened.found["account"]))
    sign = {"DISPOSE": -1}
    assert units == (
        sum(sign.get(kind, 1) * Decimal(quantity) for kind, quantity in entries) if entries else 3
    )


def test_a_journal_that_is_wrong_is_noticed():
    opened = "2024-01-01 open Assets:A\n2024-01-01 open Equity:B\n"
    for wrong in (
        "2024-01-01 opens Assets:A\n",
        "2024-01-02 balance Assets:C 1.00 EUR\n",
        opened + "2024-01-02 balance Assets:A 1.00 EUR\n",
        opened + "2024-01-01 pad Assets:A Equity:B\n2024-01-02 balance Assets:A 0.00 EUR\n",
        opened + '2024-01-01 * ""\n  Assets:A  1.00 EUR\n  Equity:B  -2.00 EUR\n',
    ):
        with pytest.raises(ValueError, match="."):
            beancount_syntax.read(wrong)


def test_too_large_a_portfolio_is_refused(alice, portfolio, monkeypatch):
    monkeypatch.setattr(ledger, "MOST_ROWS", 1)
    asset = create_asset(portfolio, "Account")
    for month in range(2):
        add_value(asset, "1", date(2024, 1 + month, 1))
    refused = ask(alice, portfolio, "beancount")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "too_much")
    assert ask(alice, portfolio, "csv").status_code == 200


def test_columns_are_for_tables_alone(alice, portfolio):
    assert ask(alice, portfolio, "beancount", columns="date").status_code == 400


def test_queries_do_not_grow(alice, portfolio, django_assert_num_queries, instrument):
    for number in range(4):
        asset = create_asset(
            portfolio, f"A{number}", TypeId.STOCKS, valuation="market", instrument=instrument
        )
        add_value(asset, "1", date(2024, 1, 1))
    for wanted in ("beancount", "ghostfolio"):
        with django_assert_num_queries(14):
            ask(alice, portfolio, wanted)
