"""Finds a table of bookings, as banks export it: which row is its header, and which columns mean what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from imports.formats.spreadsheets.networth_layout import (
    HEADER_LINES,
    SAMPLE_LINES,
    cell_at,
    is_day,
    is_number_cell,
    lines_from_header,
)
from imports.reading.tables import Line, Table, text_of
from imports.reading.words import plain, words_of

# Where several columns have a meaning, the first word of the list that is there counts.
_LISTS: dict[str, tuple[str, ...]] = {
    "date": (
        "booking date, posting date, posted date, date posted, transaction date, completed date, date, started date",
        "buchungstag, buchungsdatum, buchung, datum, valuta, valutadatum, wertstellung, wertstellungsdatum",
        "date opération, date de l'opération, date comptable",
        "fecha, fecha operación, data, data contabile, data operazione, boekdatum, transactiondate, дата",
    ),
    "amount": (
        "amount, transaction amount, betrag, umsatz, umsatz in eur, buchungsbetrag, montant, importe, importo, bedrag",
        "gross, brutto, bruto, lordo, avant commission",
        "сума в валюті картки, сума",
    ),
    "inflow": (
        "inflow, credit, credit amount, paid in, money in, deposit, haben, gutschrift, eingang, crédit, abono, haber",
        "ingreso, entrate, accrediti, avere, bij",
    ),
    "outflow": (
        "outflow, debit, debit amount, paid out, money out, withdrawal, soll, belastung, lastschrift, ausgang, débit",
        "cargo, debe, gasto, uscite, addebiti, dare, af",
    ),
    "balance": (
        "running balance, resulting balance, balance, balance after, saldo, kontostand, saldo nach buchung, solde",
        "saldo dopo, saldo na mutatie, saldo na trn, endsaldo, guthaben",
        "залишок на кінець періоду, залишок",
    ),
    "account": (
        "account, account name, account number, accountnumber, iban/bban, konto, kontoname, auftragskonto",
        "iban auftragskonto, compte, cuenta",
        "conto, rekening, product, card, картка",
    ),
    "currency": (
        "currency, currency code, währung, waehrung, devise, moneda, divisa, valuta, munt, валюта картки, валюта",
    ),
    "note": (
        "description, payee, name, partner name, merchant, verwendungszweck, buchungstext, zahlungspartner, empfänger",
        "auftraggeber/empfänger, beschreibung, libellé, libellé opération, concepto, descripción, causale",
        "descrizione, omschrijving",
        "naam / omschrijving, name / description, naam tegenpartij, naam, nom, nombre, nome, memo, details",
        "опис операції, опис",
    ),
    "state": ("state, status, état, estado, stato",),
    "info": ("info",),
    "type": (
        "transaction type, type, typ, umsatzart, umsatztyp, buchungsart, type opération, tipo, mutatiesoort",
    ),
    "fee": (
        "fee, fees, gebühr, gebühren, entgelt, frais, commission, comisión, commissione, tariffa, kosten",
    ),
    "net": ("net, netto, neto, total",),
    "side": ("debit/credit, credit/debit, d/c, soll/haben, s/h, af bij, af/bij, debet/credit",),
    "impact": ("balance impact, auswirkung auf guthaben, impact sur le solde",),
    "id": (
        "transaction id, transaction_id, id, fitid, transaktions-id, umsatz-id, transaktionscode, volgnr",
    ),
}
_WORDS = {name: [word for words in lists for word in words.split(", ")] for name, lists in _LISTS.items()}
# A table with one of these is of another kind: of trades, or of a program that has a format of its own.
_OTHERS = words_of(
    "quantity, qty, units, shares, price, unit price, unitprice, isin, symbol, ticker, code, hb.name, journal_id",
    "source_type, action, security name, activity type",
)


# Headings of other tables that some banks have too, where another column shows that it is a table of bookings.
_OF_BANKS_TOO = (("balance", words_of("code")), ("side", words_of("code")), ("net", words_of("quantity")))


@dataclass(frozen=True, slots=True)
class BookingsLayout:
    """Where everything is. `columns` has the index of each of our names that is there."""

    header: Line
    columns: Mapping[str, int]

    def heading(self, name: str) -> str:
        index = self.columns.get(name)
        return "" if index is None else text_of(cell_at(self.header, index))

    def rows(self, table: Table) -> Iterator[Line]:
        return (line for line in table if line.number > self.header.number)


def find_bookings(
    table: Table, *, header_row: int | None = None, chosen: Mapping[str, str | int] | None = None
) -> BookingsLayout | None:
    """The first header that has a day and an amount, with rows below it that have both; or with no rows at all."""
    lines = lines_from_header(table, header_row)
    for position, header in enumerate(lines[: 1 if header_row else HEADER_LINES]):
        columns = booking_columns(header, chosen or {})
        headings = {plain(text_of(cell)) for cell in header.cells if isinstance(cell, str)}
        if headings & others_beside(columns) and not chosen:
            return None
        if "date" not in columns or not columns.keys() & {"amount", "inflow", "outflow"}:
            continue
        below = lines[position + 1 : position + 1 + SAMPLE_LINES]
        if not below or any(_is_booking(line, columns) for line in below):
            return BookingsLayout(header, columns)
    return None


def others_beside(columns: Mapping[str, int]) -> frozenset[str]:
    """The headings that no table of bookings with these columns has."""
    return _OTHERS.difference(*(words for name, words in _OF_BANKS_TOO if name in columns))


def _is_booking(line: Line, columns: Mapping[str, int]) -> bool:
    amounts = [columns[name] for name in ("amount", "inflow", "outflow") if name in columns]
    day = cell_at(line, columns["date"])
    return (is_day(day) or text_of(day).isdigit()) and any(
        is_number_cell(cell_at(line, index)) for index in amounts
    )


def booking_columns(header: Line, chosen: Mapping[str, str | int]) -> dict[str, int]:
    places: dict[str, int] = {}
    for index, cell in enumerate(header.cells):
        places.setdefault(plain(text_of(cell)), index)
    columns = {
        name: next(places[word] for word in words if word in places)
        for name, words in _WORDS.items()
        if any(word in places for word in words)
    }
    if "fee" not in columns or "amount" not in columns:
        columns.pop("net", None)  # only together with these it says which sign a fee has
    if "amount" in columns:
        columns = {name: index for name, index in columns.items() if name not in ("inflow", "outflow")}
    for name, column in chosen.items():
        place = column - 1 if isinstance(column, int) else places.get(plain(column))
        if place is not None:
            columns[{"value": "amount", "asset": "account"}.get(name, name)] = place
    return columns
