"""CSV of Portfolio Performance, in German and in English."""

from decimal import Decimal

import pytest

from assets.models import Asset, Transaction
from imports.formats.trackers.performance_csv import type_of
from imports.reading.refusals import FileRefused
from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import commit, preview, send
from imports.tests.trackers.sums import amounts, cash, fees, held, items, read, reasons

ACCOUNT, DEPOT = own("portfolio-performance-account.csv"), own("portfolio-performance-depot.csv")
TAX = Decimal(5)


@pytest.mark.on_sqlite
def test_value_of_a_purchase_has_its_costs_and_that_of_a_dividend_is_what_is_left():
    reading, rows = read(ACCOUNT, account="Konto")
    assert reading.detected["decimal"] == ","
    assert amounts(rows) == {
        ("ACQUIRE", "EUR"): 2000 + 2 * 1000,
        ("INCOME", "EUR"): 20,
        ("EXPENSE", "EUR"): Decimal("2.5"),
    }
    assert (held(rows), fees(rows)) == ({"Siemens|EUR": 20}, 20)
    assert cash(rows)["Konto|EUR"] == 2000 - 2 * 1015 + 15 - Decimal("2.5")
    assert reasons(rows) == [(7, "UNKNOWN_TYPE"), (8, "BAD_DATE")]


@pytest.mark.on_sqlite
def test_account_that_no_column_names_is_asked_and_the_name_of_the_file_offered():
    reading, _ = read(ACCOUNT, name="My account.csv")
    assert [(question.code, question.suggestion) for question in reading.questions] == [
        ("ACCOUNT", "My account")
    ]
    assert not read(DEPOT)[0].questions


@pytest.mark.usefixtures("shared_rows")
@pytest.mark.parametrize("is_depot_first", [False, True])
def test_purchase_in_both_files_is_made_once(alice, portfolio, is_depot_first):
    files = [(ACCOUNT, {"account": "Konto"}), (DEPOT, {})]
    for data, options in reversed(files) if is_depot_first else files:
        commit(alice, preview(alice, portfolio, data, options=options))
    bought = Transaction.objects.filter(asset__name="Siemens", type="ACQUIRE", amount=1000)
    assert bought.count() == 2
    assert Asset.objects.filter(instrument__isin="DE0007236101").count() == 1
    assert Transaction.objects.filter(asset__name="Konto", amount=1015).count() == 2


@pytest.mark.on_sqlite
def test_words_of_all_languages_are_known():
    words = ("Buy", "Kauf", "Achat", "Покупка", "Withdrawal/Removal", "Umbuchung (Eingang)", "Rauswurf")
    assert [type_of(word) for word in words] == ["BUY", "BUY", "BUY", "BUY", "REMOVAL", "TRANSFER_IN", ""]


@pytest.mark.on_sqlite
def test_both_rows_of_a_transfer_have_one_id():
    head = b"Date,Type,Value,Cash Account,Offset Account,Gross Amount,Currency Gross Amount\n"
    first = head + b"2024-01-31,Transfer (Outbound),100,A (EUR),B (USD),110,USD\n"
    second = head + b"2024-01-31,Transfer (Inbound),110,B (USD),A (EUR),100,EUR\n"
    ids = [
        {(item.account, item.external_id, item.amount) for item in items(read(data)[1])}
        for data in (first, second)
    ]
    assert ids[0] == ids[1]
    assert {amount for *_, amount in ids[0]} == {100, 110}


WITHOUT_TYPES = (
    b"Date;Value;Transaction Currency;Shares;ISIN;Security Name;Cash Account\n"
    b"2024-01-02;-100;EUR;2;DE0007236101;Siemens;Konto\n2024-01-13;60;EUR;1;DE0007236101;Siemens;Konto\n"
)
MONEY_WITHOUT_TYPES = (
    b"Date;Value;Transaction Currency;Gross Amount\n2024-01-02;-7;EUR;\n2024-01-13;60;EUR;\n"
)


def asked(data, **options):
    return {question.code: question for question in read(data, **options)[0].questions}


def test_without_a_column_of_types_they_are_asked():
    of_securities, of_money = asked(WITHOUT_TYPES), asked(MONEY_WITHOUT_TYPES)
    assert (list(of_securities), list(of_money)) == (["TYPE"], ["TYPE", "ACCOUNT"])
    assert of_securities["TYPE"].required and of_securities["TYPE"].suggestion == "buy_or_sell"
    assert of_money["TYPE"].choices[0] == "deposit_or_withdrawal"
    assert [code for _, code in reasons(read(WITHOUT_TYPES)[1])] == ["MISSING_FIELD"] * 2


@pytest.mark.parametrize(
    ("answer", "units", "money"),
    [("buy_or_sell", 1, -40), ("buy", 3, -160), ("delivery_in", 3, 0), ("dividend", 0, 160)],
)
def test_bookings_of_securities_without_types_are_what_a_person_says(answer, units, money):
    reading, rows = read(WITHOUT_TYPES, type=answer)
    assert not reading.questions
    assert sum(held(rows).values()) == units
    assert cash(rows).get("Konto|EUR", 0) == money


@pytest.mark.parametrize(
    ("answer", "types"),
    [
        ("deposit_or_withdrawal", ["DISPOSE", "ACQUIRE"]),
        ("withdrawal", ["DISPOSE", "DISPOSE"]),
        ("interest", ["EXPENSE", "INCOME"]),
        ("fee", ["EXPENSE", "EXPENSE"]),
    ],
)
def test_bookings_of_money_without_types_are_what_a_person_says(answer, types):
    _, rows = read(MONEY_WITHOUT_TYPES, type=answer, account="Konto")
    assert [item.type for item in items(rows)] == types


def test_table_of_another_program_without_types_is_not_taken_for_one():
    with pytest.raises(FileRefused):
        read(b"Date;Value;Shares;Note\n2024-01-02;-100;2;x\n")


@pytest.mark.usefixtures("shared_rows")
def test_type_that_is_none_is_refused_by_the_name_of_the_option(alice, portfolio):
    answer = send(alice, portfolio, WITHOUT_TYPES, options={"type": "Kauf"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "options.type")


@pytest.mark.on_sqlite
def test_real_file_of_an_account():
    _, rows = read(real_sample("portfolio-performance/import-account-transaction.csv"))
    assert cash(rows) == {
        "broker-B (EUR)|EUR": -150,
        "broker-A (EUR)|EUR": 150 - 100 - 2 + 15,
        "broker-A (USD)|USD": 110,
    }
    assert not reasons(rows)


@pytest.mark.on_sqlite
def test_real_file_of_a_securities_account():
    _, rows = read(real_sample("portfolio-performance/import-portfolio-transaction.csv"))
    assert cash(rows) == {"broker-A (EUR)|EUR": 90 - Decimal("1740.98")}
    assert held(rows) == {"broker-A: BASF|EUR": -2, "broker-A: NVIDIA|EUR": 3}
    assert (fees(rows), sum(item.tax for item in items(rows))) == (20, 13)
