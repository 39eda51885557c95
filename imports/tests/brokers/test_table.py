"""Tables of trades of any broker, with the columns that their headings or a person name."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from assets.models import Transaction
from imports.admin.views import columns_option
from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import commit, preview
from imports.tests.trackers.sums import amounts, cash, fees, held, items, read, reasons
from tests.admin_forms import staff

pytestmark = pytest.mark.usefixtures("shared_rows")
BARE = b"date,symbol,quantity,price\n2024-01-15,AAPL,2,170.5\n2024-02-20,AAPL,-1,180\n"


def codes(reading):
    return [question.code for question in reading.questions]


def test_trades_with_their_money():
    reading, rows = read(own("trades.csv"))
    assert (reading.format, reading.detected["layout"], codes(reading)) == ("transactions", "trades", [])
    assert held(rows) == {
        "Depot 1: US0378331005|EUR": 3,
        "Depot 1: GB00BH4HKS39|GBP": 100,
        "Depot 1: BTC|EUR": Decimal("0.5"),
    }
    money = cash(rows)
    assert money["Depot 1 EUR|EUR"] == 1000 - 342 - 342 + Decimal("1.20") + 179 - 3
    assert money["Depot 1 GBP|GBP"] == -70
    assert fees(rows) == 3
    bought = [
        (item.amount, item.unit_price) for item in items(rows) if item.type == "ACQUIRE" and item.quantity
    ]
    assert bought == [(341, Decimal("170.5")), (341, Decimal("170.5")), (70, 70), (10_000, 20_000)]
    assert reasons(rows) == [
        (10, "UNSUPPORTED_ACTION"),
        (11, "UNKNOWN_TYPE"),
        (12, "MISSING_FIELD"),
        (13, "MISSING_FIELD"),
        (14, "BAD_DATE"),
        (15, "TOTAL"),
    ]


def test_sign_of_the_quantity_is_the_type_where_no_column_says_it_and_no_money_is_made_up():
    reading, rows = read(BARE, currency="USD")
    assert codes(reading) == []
    assert amounts(rows, legs=True) == {("ACQUIRE", "USD"): 341, ("DISPOSE", "USD"): 180}
    assert {item.leg for item in items(rows)} == {""}


def test_currency_is_asked_for_where_nothing_names_it():
    reading, rows = read(BARE)
    assert [code for _, code in reasons(rows)] == ["MISSING_FIELD"] * 2
    assert codes(reading) == ["CURRENCY"]


def test_column_that_is_not_found_is_asked_for_and_named_by_the_person(alice, portfolio):
    data = BARE.replace(b"symbol", b"what I bought")
    options = {"currency": "USD"}
    asked = preview(alice, portfolio, data, options=options)
    [question] = asked["questions"]
    assert (question["code"], question["examples"][0]["text"]) == (
        "COLUMNS",
        "security = ? (date | what I bought | quantity | price)",
    )
    named = preview(alice, portfolio, data, options=options | {"columns": {"ticker": "what I bought"}})
    assert named["questions"] == []
    assert commit(alice, named)["made"] | {"asset": 1, "transaction": 2} == commit(alice, named)["made"]


def test_two_securities_of_one_name_are_two():
    data = b"date,name,symbol,quantity,price,currency\n2024-01-15,Fund,A,2,1,EUR\n2024-01-15,Fund,B,3,1,EUR\n"
    assert held(read(data)[1]) == {"Fund|EUR": 2, "Fund (B)|EUR": 3}


def test_made_file_with_equal_rows():
    data = real_sample("made/3-twins.csv").replace(b"Code", b"Ticker Symbol", 1)
    reading, rows = read(data)
    assert (reading.format, len(rows), reasons(rows)) == ("transactions", 6, [])
    assert amounts(rows) == {
        ("ACQUIRE", "EUR"): Decimal("721.20"),
        ("DISPOSE", "EUR"): 125,
        ("INCOME", "EUR"): Decimal("1.20"),
    }
    assert (fees(rows), held(rows)) == (3, {"VWCE|EUR": 5})


def test_columns_are_named_in_the_admin(alice_user, portfolio):
    assert columns_option("date = Handelstag; security=3;") == {"date": "Handelstag", "security": 3}
    browser = staff(alice_user)
    data = BARE.replace(b"symbol", b"what I bought")
    body = {"file": SimpleUploadedFile("trades.csv", data), "portfolio": str(portfolio.pk)}
    page = browser.post("/admin/import/", body, follow=True)
    assert 'name="columns"' in page.content.decode()
    answer = {"action": "commit", "columns": "ticker = what I bought", "currency": "USD"}
    browser.post(page.redirect_chain[-1][0], answer)
    assert Transaction.objects.filter(asset__instrument__symbol="AAPL").count() == 2
