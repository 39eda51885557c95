"""Exports of Dutch banks and of PayPal as these write them: a column says which way money goes, or what a fee is."""

from decimal import Decimal

import pytest

from imports.tests.test_german_banks import amounts, read

# No database: one of the two passes is enough.
pytestmark = pytest.mark.on_sqlite

ING_DUTCH = (
    '"Datum";"Naam / Omschrijving";"Rekening";"Tegenrekening";"Code";"Af Bij";"Bedrag (EUR)";"Mutatiesoort";'
    '"Mededelingen";"Saldo na mutatie";"Tag"\n'
    '"20261127";"Bakker";"NL00INGB0000000001";"";"BA";"Af";"12,50";"Betaalautomaat";"Pasvolgnr: 001";"1.087,50";""\n'
    '"20261126";"Werkgever";"NL00INGB0000000001";"NL00RABO0000000002";"OV";"Bij";"1.000,00";"Overschrijving";"";'
    '"1.100,00";""\n'
)
ING_ENGLISH = (
    '"Date";"Name / Description";"Account";"Counterparty";"Code";"Debit/credit";"Amount (EUR)";"Transaction type";'
    '"Notifications";"Resulting balance";"Tag"\n'
    '"20261127";"Baker";"NL00INGB0000000001";"";"BA";"Debit";"12,50";"Payment terminal";"";"1087,50";""\n'
    '"20261126";"Employer";"NL00INGB0000000001";"";"GT";"Credit";"1000,00";"Online Banking";"";"1100,00";""\n'
)
ING_SAVINGS = (
    '"Datum";"Omschrijving";"Rekening";"Rekening naam";"Tegenrekening";"Af Bij";"Bedrag";"Valuta";"Mutatiesoort";'
    '"Mededelingen";"Saldo na mutatie"\n'
    '"2026-11-27";"Naar spaarrekening";"A 100-00001";"Oranje Spaarrekening";"";"Bij";"50,00";"EUR";"Inleg";"";'
    '"850,00"\n'
)
RABOBANK = (
    '"IBAN/BBAN","Munt","BIC","Volgnr","Datum","Rentedatum","Bedrag","Saldo na trn","Tegenrekening IBAN/BBAN",'
    '"Naam tegenpartij","Code","Omschrijving-1"\n'
    '"NL00RABO0000000002","EUR","RABONL2U","000000000000000007","2026-11-27","2026-11-27","-12,50","+87,50","",'
    '"Bakker","bc","brood"\n'
)
PAYPAL = (
    '\ufeff"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","From Email Address",'
    '"Transaction ID","Quantity","Balance","Subject","Balance Impact"\n'
    '"27/11/2026","09:00:01","CET","Shop","Express Checkout Payment","Completed","EUR","-20.00","0.00","-20.00","",'
    '"T1","1","80.00","","Debit"\n'
    '"27/11/2026","09:30:00","CET","Shop","General Authorization","Pending","EUR","-5.00","0.00","-5.00","","T2","",'
    '"80.00","","Memo"\n'
    '"28/11/2026","10:00:00","CET","Buyer","Website Payment","Completed","USD","100.00","-3.40","96.60","","T3","1",'
    '"96.60","","Credit"\n'
    '"28/11/2026","11:00:00","CET","Buyer","Payment Refund","Completed","USD","-100.00","3.00","-97.00","","T4","",'
    '"-0.40","","Debit"\n'
    '"29/11/2026","11:00:00","CET","","Bank Deposit to PP Account","Completed","EUR","15.00","0.00","15.00","","T5","",'
    '"95.00","","Credit"\n'
)
PAYPAL_GERMAN = (
    '"Datum","Uhrzeit","Zeitzone","Name","Typ","Status","Währung","Brutto","Gebühr","Netto","Absender E-Mail-Adresse",'
    '"Transaktionscode","Guthaben","Auswirkung auf Guthaben"\n'
    '"27.11.2026","09:00:01","CET","Laden","Handyzahlung","Abgeschlossen","EUR","-1.020,00","0,00","-1.020,00","","T1",'
    '"80,00","Soll"\n'
)


def balances(rows) -> list[tuple[str, str, Decimal]]:
    return [
        (item.account, item.on.isoformat(), item.value)
        for row in rows
        for item in row.items
        if hasattr(item, "value")
    ]


@pytest.mark.parametrize("text", [ING_DUTCH, ING_ENGLISH])
def test_column_says_which_way_the_money_goes(text):
    reading, rows = read(text)
    account = "NL00INGB0000000001|EUR"
    assert (reading.format, [question.code for question in reading.questions]) == ("transactions", [])
    assert amounts(rows) == [
        (account, "EXPENSE", "2026-11-27", Decimal("12.50")),
        (account, "INCOME", "2026-11-26", Decimal("1000.00")),
    ]
    assert balances(rows) == [
        (account, "2026-11-27", Decimal("1087.50")),
        (account, "2026-11-26", Decimal("1100.00")),
    ]


def test_way_that_nobody_knows_is_refused():
    _, rows = read(ING_DUTCH.replace('"Af";', '"Op";').replace('"Bij";', '"";'))
    assert [(row.refusal.code, row.refusal.field) for row in rows] == [
        ("UNKNOWN_TYPE", "side"),
        ("MISSING_FIELD", "side"),
    ]


@pytest.mark.parametrize(
    ("text", "account", "kind", "amount", "balance"),
    [
        (ING_SAVINGS, "A 100-00001|EUR", "INCOME", "50.00", "850.00"),
        (RABOBANK, "NL00RABO0000000002|EUR", "EXPENSE", "12.50", "87.50"),
    ],
)
def test_savings_and_the_other_large_bank_are_read_as_they_are(text, account, kind, amount, balance):
    reading, rows = read(text)
    assert reading.format == "transactions"
    assert amounts(rows) == [(account, kind, "2026-11-27", Decimal(amount))]
    assert balances(rows) == [(account, "2026-11-27", Decimal(balance))]


def test_fees_of_paypal_are_paid_or_given_back_and_what_changes_nothing_is_left_out():
    reading, rows = read(PAYPAL)
    assert [question.code for question in reading.questions] == ["ACCOUNT"]
    assert [row.skip and row.skip.code for row in rows] == [None, "NOT_BOOKED", None, None, None]
    assert amounts(rows) == [
        ("giro|EUR", "EXPENSE", "2026-11-27", Decimal("20.00")),
        ("giro|USD", "INCOME", "2026-11-28", Decimal("100.00")),
        ("giro|USD", "EXPENSE", "2026-11-28", Decimal("3.40")),
        ("giro|USD", "EXPENSE", "2026-11-28", Decimal("100.00")),
        ("giro|USD", "INCOME", "2026-11-28", Decimal("3.00")),
        ("giro|EUR", "ACQUIRE", "2026-11-29", Decimal("15.00")),
    ]
    assert balances(rows) == [
        ("giro|EUR", "2026-11-27", Decimal("80.00")),
        ("giro|USD", "2026-11-28", Decimal("-0.40")),
        ("giro|EUR", "2026-11-29", Decimal("95.00")),
    ]


def test_german_paypal_is_read_as_it_is():
    reading, rows = read(PAYPAL_GERMAN)
    assert reading.format == "transactions"
    assert amounts(rows) == [("giro|EUR", "EXPENSE", "2026-11-27", Decimal("1020.00"))]
