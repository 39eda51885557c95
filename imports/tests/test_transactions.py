"""Bookings of banks: each becomes income, cost or a flow of its account, and balances become values."""

from collections import Counter
from decimal import Decimal

import pytest

from assets.models import Asset, Transaction
from imports.formats.detection import read_file
from imports.formats.rows import Options, TransactionItem, ValueItem
from imports.reading.refusals import FileRefused
from imports.services.planning.identities import References, source_of
from imports.tests.import_requests import commit, preview, rows, undo, values_of

pytestmark = pytest.mark.usefixtures("shared_rows")

GERMAN = (
    "Kontoauszug vom 5.2.2025;;;;\r\n\r\n"
    "Buchungstag;Verwendungszweck;Betrag (EUR);Saldo;Auftragskonto\r\n"
    "05.02.2025;Bäckerei;-3,50;1.096,50;DE02\r\n"
    "05.02.2025;Bäckerei;-3,50;1.100,00;DE02\r\n"
    "31.01.2025;Gehalt;1.000,00;1.103,50;DE02\r\n"
).encode("cp1252")
AMERICAN = b"Date,Description,Debit,Credit\n1/31/2025,Pay,,2000.00\n1/30/2025,Rent,800.00,\n1/29/2025,Nothing,0.00,\n"
TWINS = (
    b"Date,Description,Amount,Currency,Account\n2025-01-31,Salary,2000,EUR,Main\n"
    b"2025-02-01,Coffee,-3.50,EUR,Main\n2025-02-01,Coffee,-3.50,EUR,Main\n"
)
WITH_IDS = (
    b"id,date,description,amount,currency,account\nA1,2025-02-02,x,-5,EUR,Main\nA2,2025-02-03,y,-6,EUR,Main\n"
)


def read(data, name="file.csv", **options):
    reading = read_file(data, Options(**options), name=name).reading
    return reading, list(reading.rows())


def bookings(parsed):
    return [
        (item.account, item.type, item.on.isoformat(), str(item.amount))
        for row in parsed
        for item in row.items
        if isinstance(item, TransactionItem)
    ]


def test_bookings_are_earned_or_spent():
    reading, parsed = read(GERMAN)
    assert reading.format == "transactions"
    assert bookings(parsed) == [
        ("DE02|EUR", "EXPENSE", "2025-02-05", "3.5"),
        ("DE02|EUR", "EXPENSE", "2025-02-05", "3.5"),
        ("DE02|EUR", "INCOME", "2025-01-31", "1000"),
    ]
    assert not [question for question in reading.questions if question.required]


def test_last_balance_of_a_day_is_a_value_also_where_the_newest_booking_is_first():
    _, parsed = read(GERMAN)
    balances = [item for row in parsed for item in row.items if isinstance(item, ValueItem)]
    assert [(item.on.isoformat(), str(item.value)) for item in balances] == [
        ("2025-02-05", "1096.5"),
        ("2025-01-31", "1103.5"),
    ]


def test_file_without_balances_says_so():
    reading, _ = read(TWINS)
    assert [warning.code for warning in reading.warnings] == ["NO_BALANCES"]


def test_debit_and_credit_have_a_column_each():
    _, parsed = read(AMERICAN, currency="USD", account="Checking")
    assert bookings(parsed) == [
        ("Checking|USD", "INCOME", "2025-01-31", "2000.00"),
        ("Checking|USD", "EXPENSE", "2025-01-30", "800.00"),
    ]
    assert parsed[2].skip.code == "ZERO_ROW"


def test_account_is_asked_and_the_name_of_the_file_offered():
    reading, _ = read(AMERICAN, name="My bank.csv", currency="USD")
    [question] = [question for question in reading.questions if question.code == "ACCOUNT"]
    assert (question.required, question.suggestion) == (True, "My bank")


def test_type_decides_the_sign_where_it_says_debit_or_credit():
    table = (
        b"Date,Description,Amount,Transaction Type,Account Name\n"
        b"2023-05-01,Shop,78.32,debit,Card\n2023-05-04,Pay,-2500.00,credit,Bank\n"
    )
    _, parsed = read(table, currency="USD")
    assert [(kind, amount) for _, kind, _, amount in bookings(parsed)] == [
        ("EXPENSE", "78.32"),
        ("INCOME", "2500.00"),
    ]


def test_exchange_is_a_flow_and_its_fee_a_cost():
    table = (
        b"Type,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"
        b"EXCHANGE,2024-10-25 11:48:00,To PLN,-469.57,4.7,USD,COMPLETED,\n"
        b"CARD_PAYMENT,2024-10-26 10:00:00,Shop,-5,0,USD,PENDING,\n"
    )
    _, parsed = read(table, account="Revolving")
    assert [(kind, amount) for _, kind, _, amount in bookings(parsed)] == [
        ("DISPOSE", "469.57"),
        ("EXPENSE", "4.7"),
    ]
    assert parsed[1].skip.code == "NOT_BOOKED"


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (b"2025-02-30,x,1,EUR,Main", "BAD_DATE", "date"),
        (b"2025-02-01,x,,EUR,Main", "MISSING_FIELD", "amount"),
        (b"2025-02-01,x,much,EUR,Main", "BAD_NUMBER", "amount"),
        (b"2025-02-01,x,1,coins,Main", "BAD_CURRENCY", "currency"),
        (b"2025-02-01,x,1,EUR,", "MISSING_FIELD", "account"),
        (b"2025-02-01,x,100000000000000,EUR,Main", "OUT_OF_RANGE", "amount"),
    ],
)
def test_row_that_cannot_be_read_is_refused_and_the_others_are_read(row, code, field):
    _, parsed = read(TWINS + row + b"\n")
    assert Counter(bool(row.items) for row in parsed) == {True: 3, False: 1}
    assert (parsed[-1].refusal.code, parsed[-1].refusal.field) == (code, field)


def test_files_of_other_programs_are_no_bookings():
    table = b"journal_id,date,amount,description,currency_code\n1,2026-01-02,-5,x,EUR\n"
    with pytest.raises(FileRefused):
        read_file(table, Options(), format_name="transactions")


def test_trades_are_no_bookings_but_trades():
    table = b"Date,Code,Currency,Price,Quantity,Action,Fee,Note\n2026-01-02,VWCE,EUR,120.00,2,buy,1.00,\n"
    reading = read_file(table, Options(), format_name="transactions").reading
    assert reading.detected["layout"] == "trades"
    assert [item.quantity for row in reading.rows() for item in row.items] == [2]


def test_reference_is_the_files_own_or_its_content_and_number():
    _, parsed = read(TWINS)
    items = [item for row in parsed for item in row.items]
    references = References()
    _, first, second = (references.next(item) for item in items)
    assert first.removesuffix("-1") == second.removesuffix("-2")
    semicolons = TWINS.replace(b",", b";").replace(b"-3.50", b"-3,5")
    again = References()
    assert [again.next(item) for row in read(semicolons)[1] for item in row.items][1:] == [first, second]


def test_source_of_a_long_name_fits():
    assert source_of("transactions", "Main|EUR") == "transactions:Main|EUR"
    sources = {source_of("transactions", "x" * 150 + end) for end in "ab"}
    assert {len(source) for source in sources} == {100}


# --- as an import ---


def test_twins_are_kept_and_the_same_file_again_adds_nothing(alice, portfolio):
    created = commit(alice, preview(alice, portfolio, TWINS))["made"]
    assert (created["asset"], created["transaction"]) == (1, 3)
    again = preview(alice, portfolio, TWINS)
    assert again["counts"]["transaction"] == {"create": 0, "update": 0, "skip": 3, "refuse": 0}
    longer = preview(
        alice, portfolio, TWINS + b"2025-02-01,Coffee,-3.50,EUR,Main\n2025-02-04,Tea,-1,EUR,Main\n"
    )
    assert longer["counts"]["transaction"]["create"] == 2


def test_balances_and_bookings_of_one_account_are_written_together(alice, portfolio):
    commit(alice, preview(alice, portfolio, GERMAN))
    assert values_of(portfolio) == [("DE02", "2025-01-31", "1103.5000"), ("DE02", "2025-02-05", "1096.5000")]
    assert {row.amount for row in Transaction.objects.all()} == {Decimal("3.5"), Decimal(1000)}


def test_other_content_of_a_known_id_is_an_update_that_undo_takes_back(alice, portfolio):
    first = preview(alice, portfolio, WITH_IDS)
    commit(alice, first)
    changed = preview(alice, portfolio, WITH_IDS.replace(b"x,-5", b"x,-7"))
    [updated] = rows(alice, changed, outcome="update")
    assert updated["before"]["amount"] == "5.00"
    assert commit(alice, changed)["updated"]["transaction"] == 1
    assert Transaction.objects.get(external_id="A1").amount == 7
    assert undo(alice, changed)["restored"]["transaction"] == 1
    assert Transaction.objects.get(external_id="A1").amount == 5
    assert undo(alice, first)["removed"] | {"asset": 1, "transaction": 2} == undo(alice, first)["removed"]
    assert not Asset.objects.exists()


def test_deleted_booking_is_not_imported_again_unless_asked(alice, portfolio):
    commit(alice, preview(alice, portfolio, TWINS))
    Transaction.objects.filter(type="INCOME").delete()
    again = preview(alice, portfolio, TWINS)
    [deleted] = [row for row in rows(alice, again) if row["reason"]["code"] == "DELETED_BY_HAND"]
    wanted = preview(alice, portfolio, TWINS, options={"again": [deleted["line"]]})
    assert commit(alice, wanted)["made"]["transaction"] == 1


def test_edited_booking_is_named_by_the_undo(alice, portfolio):
    new_import = preview(alice, portfolio, TWINS)
    commit(alice, new_import)
    Transaction.objects.filter(type="INCOME").update(amount=Decimal(1))
    assert [error["code"] for error in undo(alice, new_import, expected=409)["errors"]] == ["EDITED"]
    assert undo(alice, new_import, force=True)["removed"]["transaction"] == 3
