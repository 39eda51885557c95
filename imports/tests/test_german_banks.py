"""Exports of German banks as these write them: names without umlauts, lines above the header, and pending rows."""

from decimal import Decimal

import pytest

from imports.formats.detection import read_file
from imports.formats.rows import Options, TransactionItem, ValueItem

# No database: one of the two passes is enough.
pytestmark = pytest.mark.on_sqlite

ING = (
    '"Umsatzanzeige";"Datei erzeugt am: 28.11.2026 09:00"\nIBAN;"DE02 1203 0000 0000 2020 51"\n'
    'Saldo;"1.943,12";"EUR"\n\n"Sortierung";"Datum absteigend"\n\n'
    "Buchung;Wertstellungsdatum;Auftraggeber/Empfänger;Buchungstext;Verwendungszweck;Saldo;Währung;Betrag;Währung\n"
    "27.11.2026;27.11.2026;Markt;Lastschrift;Einkauf;1.943,12;EUR;-56,88;EUR\n"
)
SAVINGS_BANK = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Betrag";"Waehrung";"Info"\n'
    '"DE89";"27.11.26";"27.11.26";"LASTSCHRIFT";"Strom";"-89,00";"EUR";"Umsatz gebucht"\n'
    '"DE89";"29.11.26";"29.11.26";"LASTSCHRIFT";"Gas";"-9,50";"EUR";"Umsatz vorgemerkt"\n'
)
COMDIRECT = (
    ';\n"Umsätze Girokonto";"Zeitraum: 30 Tage";\n"Neuer Kontostand";"1.000,00 EUR";\n\n'
    '"Buchungstag";"Wertstellung (Valuta)";"Vorgang";"Buchungstext";"Umsatz in EUR";\n'
    '"27.11.2026";"27.11.2026";"Lastschrift";"Markt";"-1.012,00";\n'
    '"offen";"--";"Kartenverfügung";"Tanken";"-40,00";\n'
)
N26 = (
    '"Booking Date","Value Date","Partner Name","Partner Iban",Type,"Payment Reference","Account Name","Amount (EUR)"\n'
    "2026-11-27,2026-11-28,Markt,,Presentment,,Main Account,-12.5\n"
)
AMERICAN_EXPRESS = 'Datum,Beschreibung,Betrag,Erweiterte Details\n27/11/2026,Markt,"12,30",\n'


def read(text: str, encoding: str = "utf-8"):
    opened = read_file(text.encode(encoding), Options(), name="giro.csv")
    return opened.reading, list(opened.reading.rows())


def amounts(rows) -> list[tuple[str, str, str, Decimal]]:
    return [
        (item.account, item.type, item.on.isoformat(), item.amount)
        for row in rows
        for item in row.items
        if isinstance(item, TransactionItem)
    ]


def test_lines_above_the_header_are_no_bookings():
    reading, rows = read(ING, "cp1252")
    assert reading.format == "transactions"
    assert amounts(rows) == [("giro|EUR", "EXPENSE", "2026-11-27", Decimal("56.88"))]
    values = [item.value for row in rows for item in row.items if isinstance(item, ValueItem)]
    assert values == [Decimal("1943.12")]


def test_what_is_only_pending_is_left_out_and_the_currency_is_known_without_its_umlaut():
    reading, rows = read(SAVINGS_BANK)
    assert amounts(rows) == [("DE89|EUR", "EXPENSE", "2026-11-27", Decimal(89))]
    assert [row.skip and row.skip.code for row in rows] == [None, "NOT_BOOKED"]
    assert "CURRENCY" not in {question.code for question in reading.questions}


def test_decimal_commas_inside_of_quotes_are_no_delimiters():
    _, rows = read(COMDIRECT)
    assert amounts(rows) == [("giro|EUR", "EXPENSE", "2026-11-27", Decimal(1012))]
    assert rows[-1].refusal and rows[-1].refusal.code == "BAD_DATE"


@pytest.mark.parametrize("text", [N26, AMERICAN_EXPRESS])
def test_bookings_are_no_values(text):
    reading, rows = read(text)
    assert reading.format == "transactions"
    assert not [item for row in rows for item in row.items if isinstance(item, ValueItem)]


def test_booking_day_counts_and_not_the_day_of_interest():
    _, rows = read(N26)
    assert amounts(rows) == [("Main Account|EUR", "EXPENSE", "2026-11-27", Decimal("12.5"))]
