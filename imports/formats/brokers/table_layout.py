"""Finds a table of trades, as brokers and own spreadsheets have it: which row is its header, which column is which."""

from __future__ import annotations

from collections.abc import Mapping

from imports.formats.named_columns import HEADER_LINES, NamedTable
from imports.formats.rows import Options
from imports.formats.spreadsheets.networth_layout import (
    SAMPLE_LINES,
    cell_at,
    is_number_cell,
    lines_from_header,
)
from imports.reading.tables import Document, Line, Table, text_of
from imports.reading.words import plain

# Where several columns have a meaning, the first word of the list that is there counts.
_LISTS: dict[str, tuple[str, ...]] = {
    "date": (
        "trade date, transaction date, execution date, date, day, run date, settlement date, handelstag",
        "ausführungstag, buchungstag, datum, date opération, date d'opération, fecha, fecha operación, data",
        "data operazione, transactiedatum",
    ),
    "type": (
        "action, transaction type, activity type, type, side, activity, buy/sell, transaktionstyp, typ, art",
        "geschäftsart, vorgang, type d'opération, opération, sens, tipo, operación, operazione, soort",
    ),
    "quantity": (
        "quantity, qty, units, shares, no. of shares, number of shares, anzahl, stück, stücke, menge, anteile",
        "quantité, cantidad, títulos, quantità, aantal",
    ),
    "price": (
        "price, unit price, unitprice, share price, price / share, price per share, trade price, kurs, preis",
        "stückpreis, ausführungskurs, prix, cours, prix unitaire, precio, prezzo, koers",
    ),
    "amount": (
        "gross amount, amount, total, value, net amount, total amount, transaction value, betrag, kurswert",
        "gesamtbetrag, wert, montant, importe, importo, bedrag",
    ),
    "fee": (
        "fee, fees, commission, commissions, commission and fees, fees & comm, brokerage, gebühr, gebühren",
        "provision, kosten, frais, courtage, comisión, commissione, commissioni, transactiekosten",
    ),
    "tax": (
        "tax, taxes, withholding tax, steuer, steuern, impôt, taxe, impuesto, tassa, imposta, belasting",
    ),
    "currency": ("currency, currency code, ccy, währung, devise, moneda, divisa, valuta, munt",),
    "ticker": ("symbol, ticker, ticker symbol, code, wkn, kürzel, symbole, símbolo, simbolo",),
    "isin": ("isin, isin code",),
    "cusip": ("cusip, cusip number",),
    "sedol": ("sedol, sedol code",),
    "security": (
        "security, security name, instrument, product, name, asset, stock, wertpapier, bezeichnung",
        "wertpapierbezeichnung, titel, valeur, titre, libellé, valor, producto, titolo, prodotto, naam, product",
    ),
    "class": ("asset class, asset type, instrument type, security type, assetklasse, anlageklasse",),
    "account": (
        "account, account name, account number, depot, portfolio, konto, compte, cuenta, conto, rekening",
    ),
    "note": (
        "note, notes, comment, comments, memo, notiz, bemerkung, kommentar, commentaire, nota, opmerking",
    ),
    "id": ("transaction id, transaction_id, trade id, order id, id, reference, transaktions-id, referenz",),
}
_WORDS = {name: [word for words in lists for word in words.split(", ")] for name, lists in _LISTS.items()}
OUR_NAMES = {"asset": "security", "value": "amount"}
SECURITY = ("isin", "cusip", "sedol", "ticker", "security")


def trades_of(document: Document, options: Options) -> NamedTable | None:
    """The first table with a quantity, and a price or an amount, in numbers. `places` has our names of its columns."""
    for table in document.tables:
        if options.sheet in (None, table.name) and (layout := in_table(table, options)):
            return layout
    return None


def in_table(table: Table, options: Options) -> NamedTable | None:
    lines = lines_from_header(table, options.header_row)
    for position, header in enumerate(lines[: 1 if options.header_row else HEADER_LINES]):
        places = places_of(header, options.columns)
        if "quantity" not in places or not places.keys() & {"price", "amount"}:
            continue
        if not places.keys() & {"price", "type", *options.columns} or not places.keys() & {"date", *SECURITY}:
            continue
        below = lines[position + 1 : position + 1 + SAMPLE_LINES]
        if not below or any(is_number_cell(cell_at(line, places["quantity"])) for line in below):
            return NamedTable(table, header, places)
    return None


def places_of(header: Line, chosen: Mapping[str, str | int]) -> dict[str, int]:
    headings: dict[str, int] = {}
    for index, cell in enumerate(header.cells):
        if isinstance(cell, str):
            headings.setdefault(plain(cell), index)
    places = {
        name: next(headings[word] for word in words if word in headings)
        for name, words in _WORDS.items()
        if any(word in headings for word in words)
    }
    for name, column in chosen.items():
        place = column - 1 if isinstance(column, int) else headings.get(plain(column))
        if place is not None:
            places[OUR_NAMES.get(name, name)] = place
    return places


def heading_at(table: NamedTable, name: str) -> str:
    return text_of(cell_at(table.header, table.places.get(name)))
