"""Tables of net worth: every cell becomes a value of its account on its day, or there is a reason why not."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from imports.formats.detection import read_file
from imports.formats.rows import Instrument, Options, QuantityItem, ValueItem
from imports.reading.refusals import FileRefused
from imports.tests.files import AMBIGUOUS, DAYS_DOWN, LONG_AMERICAN, WIDE_GERMAN, Formula, ods, xlsx

pytestmark = pytest.mark.on_sqlite  # no database can change it

JANUARY, FEBRUARY = date(2025, 1, 31), date(2025, 2, 28)


def read(data, name="file.csv", **options):
    """The reading and its rows."""
    reading = read_file(data, Options(**options), name=name).reading
    return reading, list(reading.rows())


def values(rows):
    return [(item.account, item.on.isoformat(), str(item.value)) for row in rows for item in row.items]


def outcomes(rows):
    """How many rows there are by the code of their refusal or skip, None for those that become something."""
    return Counter((row.refusal or row.skip or (None,))[0] for row in rows)


def questions(reading):
    return {question.code: question for question in reading.questions}


def test_wide_table_has_a_value_for_each_cell():
    reading, rows = read(WIDE_GERMAN)
    assert reading.detected["layout"] == "wide"
    assert values(rows)[:3] == [
        ("Girokonto Bäcker & Söhne|EUR", "2024-12-31", "1234.56"),
        ("Girokonto Bäcker & Söhne|EUR", "2025-03-31", "2345.67"),
        ("Girokonto Bäcker & Söhne|EUR", "2025-06-30", "-120.5"),
    ]
    assert outcomes(rows) == {None: 8, "EMPTY": 1, "TOTAL": 1}
    assert sum(item.value for row in rows for item in row.items) == Decimal("-511889.02")


def test_what_was_detected_is_shown():
    reading, _ = read(WIDE_GERMAN)
    assert reading.detected | {"sample": None} == {
        "encoding": "cp1252",
        "bom": False,
        "delimiter": ";",
        "decimal": ",",
        "date_order": "dmy",
        "header_row": 1,
        "layout": "wide",
        "time_zone": None,
        "columns": {"asset": "Vermögen (€)", "date": None, "value": None},
        "sheets": [],
        "sample": None,
    }
    assert reading.detected["sample"]["line"] == 2


def test_types_of_assets_are_taken_from_their_names():
    reading, _ = read(WIDE_GERMAN)
    types = {account.name: account.asset_type for account in reading.accounts.values()}
    assert types == {
        "Girokonto Bäcker & Söhne": "CHECKING_ACCOUNT",
        "Tagesgeld": "SAVINGS_ACCOUNT",
        "Hypothek": "MORTGAGE",
    }


def test_long_table_with_signs_of_currencies():
    reading, rows = read(LONG_AMERICAN)
    assert not reading.questions
    assert reading.detected["date_order"] == "mdy"
    assert values(rows)[1] == ("Visa Card|USD", "2025-01-31", "-1250.75")
    assert values(rows)[-1] == ("Visa Card|USD", "2025-03-31", "0")


def test_account_may_be_called_shares():
    """Shares are bookings only beside other columns of bookings."""
    _reading, rows = read(
        b"Month,Checking,Shares,Total\n2025-01-31,5,7,12\n2025-02-28,6,8,14\n", currency="EUR"
    )
    assert values(rows)[1] == ("Shares|EUR", "2025-01-31", "7")
    trades, _rows = read(b"Date,Shares,Price\n2025-01-31,5,7\n2025-02-28,6,8\n", currency="EUR")
    assert trades.format == "transactions"
    for headings in (b"Date,Shares,Total", b"Date,Shares,Value"):
        with pytest.raises(FileRefused):
            read(headings + b"\n2025-01-31,5,7\n2025-02-28,6,8\n", currency="EUR")


def test_days_may_run_down():
    reading, rows = read(DAYS_DOWN, currency="EUR")
    assert reading.detected["layout"] == "down"
    assert [account.key for account in reading.accounts.values()] == [
        "Checking|EUR",
        "Visa Card|EUR",
        "House|EUR",
    ]
    assert outcomes(rows) == {None: 5, "EMPTY": 1, "TOTAL": 1}


def test_currency_is_asked_where_nothing_names_it():
    reading, rows = read(DAYS_DOWN)
    question = questions(reading)["CURRENCY"]
    assert question.required
    assert question.examples[0].line == 2
    assert values(rows)[0][0] == "Checking|"


def test_order_of_day_and_month_is_asked_with_both_readings():
    reading, _ = read(AMBIGUOUS)
    question = questions(reading)["DATE_ORDER"]
    assert question.required
    assert question.examples == ((2, "03/04/2026: 2026-04-03 (dmy), 2026-03-04 (mdy)"),)
    _, rows = read(AMBIGUOUS, date_order="mdy")
    assert [day for _, day, _ in values(rows)] == ["2026-03-04", "2026-05-06", "2026-12-11"]


def test_decimal_mark_is_asked_where_every_number_can_be_read_both_ways():
    table = b"asset;date;value;currency\nA;2025-01-31;1.234;EUR\nB;2025-01-31;12;EUR\n"
    reading, _ = read(table)
    assert questions(reading)["DECIMAL"].examples == ((2, "1.234"),)
    _, rows = read(table, decimal=",")
    assert values(rows)[0][2] == "1234"


def test_day_is_asked_where_the_table_has_none():
    table = b"account,balance,currency\nA,5,EUR\n"
    assert "DAY" in questions(read(table)[0])
    assert values(read(table, on=JANUARY)[1]) == [("A|EUR", "2025-01-31", "5")]


def test_sign_of_a_debt_above_zero_is_an_optional_question():
    table = b"account,date,balance,currency\nVisa Card,2025-01-31,50,EUR\nLoan,2025-01-31,-5,EUR\n"
    reading, _ = read(table)
    assert [(q.code, q.required, q.account) for q in reading.questions] == [("SIGN", False, "Visa Card|EUR")]


def test_currency_is_part_of_what_an_account_is():
    table = b"account,date,balance,currency\nMargin,2025-01-31,5,CAD\nMargin,2025-01-31,6,USD\n"
    reading, _ = read(table)
    assert list(reading.accounts) == ["Margin|CAD", "Margin|USD"]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (b"A,2026-02-30,5,EUR", "BAD_DATE", "date"),
        (b"A,,5,EUR", "MISSING_FIELD", "date"),
        (b"A,2026-01-31,five,EUR", "BAD_NUMBER", "value"),
        (b"A,2026-01-31,100000000000000,EUR", "OUT_OF_RANGE", "value"),
        (b"A,2026-01-31,5,no money", "BAD_CURRENCY", "currency"),
        (b"A,2026-01-31,$5,EUR", "BAD_CURRENCY", "currency"),
        (b",2026-01-31,5,EUR", "MISSING_FIELD", "asset"),
        (b"A\x01B,2026-01-31,5,EUR", "BAD_NAME", "asset"),
        (b"A" * 201 + b",2026-01-31,5,EUR", "BAD_NAME", "asset"),
    ],
)
def test_row_that_cannot_be_read_is_refused_and_the_others_are_read(row, code, field):
    _, rows = read(b"account,date,balance,currency\n" + row + b"\nGood,2026-01-31,5,EUR\n")
    bad, good = rows
    assert (bad.refusal.code, bad.refusal.field, bad.line) == (code, field, 2)
    assert good.items


def test_total_is_skipped_and_a_fund_called_total_is_not():
    _, rows = read(
        b"account,date,balance,currency\nTotal,2025-01-31,9,EUR\nTotal Market Fund,2025-01-31,9,EUR\n"
    )
    assert outcomes(rows) == {"TOTAL": 1, None: 1}


def test_one_name_in_two_categories_is_two_accounts():
    table = b"type,account,date,balance,currency\nBank,Main,2025-01-31,1,EUR\nBroker,Main,2025-01-31,2,EUR\n"
    assert list(read(table)[0].accounts) == ["Main (Bank)|EUR", "Main (Broker)|EUR"]


def test_repeated_name_in_a_wide_table_is_another_account():
    reading, _ = read(b"asset (EUR),2025-01-31\nSavings,1\nSavings,2\n")
    assert list(reading.accounts) == ["Savings|EUR", "Savings (2)|EUR"]
    assert [warning.code for warning in reading.warnings] == ["REPEATED_NAME"]


def test_month_means_its_last_day_and_this_is_said():
    reading, rows = read(b"asset (EUR),Jan 2025,Feb 2025\nSavings,1,2\n")
    assert [day for _, day, _ in values(rows)] == ["2025-01-31", "2025-02-28"]
    assert {warning.code for warning in reading.warnings} == {"MONTH_END"}


def test_columns_for_owned_and_owed():
    table = b"account,debit,credit\nHouse,250000,\nMortgage,,180000\nOdd,1,2\n"
    reading, rows = read(table, on=JANUARY, currency="EUR")
    assert reading.detected["layout"] == "balance_sheet"
    assert [value for *_, value in values(rows)] == ["250000", "-180000"]
    assert rows[2].refusal.field == "owed"


def test_ticker_makes_the_balance_a_quantity():
    table = (
        b"account,date,balance,currency,ticker\nPlan,2025-01-31,2,USD,MSFT\nPlan,2025-01-31,900,USD,\n"
        b"Coins,2025-01-31,0.5,BTC,\n"
    )
    reading, rows = read(table)
    first, second, third = (row.items[0] for row in rows)
    assert isinstance(first, QuantityItem)
    assert isinstance(second, ValueItem)
    assert isinstance(third, QuantityItem)
    assert reading.accounts["Plan: MSFT|USD"].instrument == Instrument("MSFT", "MSFT", "share", "USD")
    assert reading.accounts["Coins: BTC|USD"].instrument == Instrument("BTC", "BTC", "crypto", "USD")


def test_note_goes_to_the_value():
    _, rows = read(b"account,date,balance,currency,notes\nHouse,2025-01-31,1,EUR,new roof\n")
    assert rows[0].items[0].note == "new roof"


def test_more_places_than_an_amount_has_are_rounded_and_this_is_said():
    reading, rows = read(b"account,date,balance,currency\nA,2025-01-31,1.00005,EUR\n")
    assert values(rows)[0][2] == "1.0000"
    assert [warning.code for warning in reading.warnings] == ["ROUNDED"]


def test_every_sheet_with_such_a_table_is_read_and_the_others_are_named():
    book = xlsx(
        {
            "Net worth": [
                ["All that we have"],
                ["Asset", "Currency", JANUARY, FEBRUARY],
                ["Current account", "EUR", 2500.5, None],
                ["Gold", "EUR", 6300, Formula("12*540.5", "6486")],
                ["Shares", "USD", 15000.01, Formula("A1")],
                ["Total", None, Formula("SUM(C3:C5)", "23800.51"), Formula("SUM(D3:D5)", "6486")],
            ],
            "Pension": [["Date", "Asset", "Value", "Currency"], [JANUARY, "Pension fund", 30123.45, "EUR"]],
            "Ideas": [["something else"]],
        }
    )
    reading, rows = read(book, "book.xlsx")
    assert reading.detected["sheets"] == [
        {"name": "Net worth", "read": True, "rows": 4},
        {"name": "Pension", "read": True, "rows": 1},
        {"name": "Ideas", "read": False, "rows": 0},
    ]
    assert reading.detected["header_row"] == 2
    assert outcomes(rows) == {None: 5, "EMPTY": 1, "TOTAL": 1, "FORMULA_WITHOUT_VALUE": 1}
    assert values(rows)[:3] == [
        ("Current account|EUR", "2025-01-31", "2500.5"),
        ("Gold|EUR", "2025-01-31", "6300"),
        ("Gold|EUR", "2025-02-28", "6486"),
    ]
    assert rows[-1].sheet == "Pension"


def test_spreadsheet_of_open_document():
    reading, rows = read(ods({"A": [["asset (EUR)", "2025-01-31"], ["House", 250000.5]]}), "a.ods")
    assert values(rows) == [("House|EUR", "2025-01-31", "250000.5")]
    assert reading.detected["sheets"] == [{"name": "A", "read": True, "rows": 1}]


def test_content_decides_and_not_the_name():
    book = xlsx({"A": [["Date", "Asset", "Value", "Currency"], [JANUARY, "Fund", 1, "EUR"]]})
    assert read_file(book, Options(), name="table.csv").container == "xlsx"


def test_table_below_a_preamble_is_found():
    _, rows = read(b"My accounts\nas of today\n\n" + b"account,date,balance,currency\nA,2025-01-31,5,EUR\n")
    assert rows[0].line == 5


def test_columns_may_be_chosen():
    table = b"what,when,how much\nHouse,2025-01-31,5\n"
    with pytest.raises(FileRefused):
        read(table)
    _, rows = read(table, columns={"asset": "what", "date": 2, "value": "how much"}, currency="EUR")
    assert values(rows) == [("House|EUR", "2025-01-31", "5")]


@pytest.mark.parametrize(
    "table",
    [
        b"Date,Code,Currency,Price,Quantity,Action,Fee,Note\n2026-01-02,VWCE,EUR,120.00,2,buy,1.00,\n",
        b"HB.name,HB.location\nTable,Kitchen\n",
        b"just a text\nwithout a table\n",
    ],
)
def test_other_tables_are_no_net_worth(table):
    with pytest.raises(FileRefused) as refused:
        read_file(table, Options(), format_name="networth")
    assert refused.value.code == "UNKNOWN_FORMAT"


def test_file_with_only_a_header_has_nothing_inside():
    reading, rows = read(b"account,date,balance,currency\n")
    assert not rows
    assert [warning.code for warning in reading.warnings] == ["NOTHING_INSIDE"]


def test_currency_above_the_table_is_offered_and_still_asked():
    table = b"Our money (EUR)\nAccount,2025-01-31,2025-02-28\nSavings,10,20\n"
    reading, _ = read(table)
    assert [(question.code, question.suggestion) for question in reading.questions] == [("CURRENCY", "EUR")]
    reading, _ = read(table.replace(b"Our money (EUR)", b"From GBP,To EUR"))
    assert [(question.code, question.suggestion) for question in reading.questions] == [("CURRENCY", None)]


def test_wide_table_whose_only_letters_beyond_ascii_are_signs_of_the_euro_is_read():
    table = "Konto;Art;01.01.2025;01.02.2025\r\nGirokonto;;1.204,55 €;1.214,55 €\r\nAuto;;9.000,00 €;\r\n"
    reading, rows = read(table.encode("cp1252"))
    assert reading.detected["encoding"] == "cp1252"
    assert [row.refusal for row in rows] == [None] * 4
    assert list(reading.accounts) == ["Girokonto|EUR", "Auto|EUR"]
