"""Finds a table of net worth in a sheet: which row is its header, and which columns mean what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from imports.reading.days import DMY, MDY, numbers_of, read_day
from imports.reading.numbers import is_number
from imports.reading.tables import Cell, Inexact, Line, NoResult, Table, text_of
from imports.reading.words import column_meaning, is_total, plain, words_of

WIDE, DOWN, LONG, BALANCE_SHEET = "wide", "down", "long", "balance_sheet"
OWN_HEADER = ("date", "asset", "value", "currency", "type")  # of Strata's own export
HEADER_LINES = 40  # a header is looked for in so many lines
SAMPLE_LINES = 25
# Headings of bookings: a table with one of them is no table of net worth.
_BOOKINGS = words_of(
    "payee, merchant, memo/description, original description, transaction type, reference, counterparty, quantity",
    "units, shares, price, unit price, fee, fees, action, iban, started date, completed date, state, outflow, inflow",
    "transaction id, transaction_id, gross amount, cash account, security name, activity, verwendungszweck",
    "buchungstext, auftraggeber/empfänger, empfänger, zahlungspartner, buchungstag, valuta, umsatzart",
    "booking date, posting date, partner name, payment reference, buchungsdatum, valutadatum",
    "gläubiger-id, libellé opération, concepto, descripción, causale, descrizione, tegenpartij, mededelingen",
    "mutatiesoort, naam / omschrijving, name / description, af bij, debit/credit, naam tegenpartij, tags, labels",
    "transaktionscode, balance impact, auswirkung auf guthaben",
)
# An account may have this name, in a table with nothing but days and several accounts.
_ALSO_AN_ACCOUNT = words_of("shares")
_BEST_FIRST = {
    "asset": words_of(
        "account, account name, asset, asset name, konto, kontoname, compte, cuenta, conto, rekening"
    ),
    "value": words_of("balance, value, saldo, wert, kontostand, solde, valeur, valor, valore, waarde"),
}


class DayColumn(NamedTuple):
    """A column of a wide table: the values of one day."""

    place: int
    heading: Cell


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is. `columns` has the index of each of our names that is there."""

    kind: str
    header: Line
    columns: Mapping[str, int]
    days: Sequence[DayColumn] = ()  # of a wide table
    accounts: Sequence[int] = ()  # the columns of the accounts, where the days run down
    totals: Sequence[int] = ()  # columns of totals

    @property
    def is_own(self) -> bool:
        """Whether Strata wrote the table: then nothing in it needs to be guessed."""
        return tuple(map(text_of, self.header.cells)) == OWN_HEADER

    def heading(self, index: int | None) -> str:
        cells = self.header.cells
        return "" if index is None or index >= len(cells) else text_of(cells[index])

    def rows(self, table: Table) -> Iterator[Line]:
        return (line for line in table if line.number > self.header.number)


def find_layout(
    table: Table, *, header_row: int | None = None, chosen: Mapping[str, str | int] | None = None
) -> Layout | None:
    """The table that the first header begins; None where there is none. `chosen` are columns that a person named."""
    lines = lines_from_header(table, header_row)
    for position, header in enumerate(lines[: 1 if header_row else HEADER_LINES]):
        columns = named_columns(header, chosen or {})
        if not chosen and has_bookings(header, columns):
            return None
        below = lines[position + 1 : position + 1 + SAMPLE_LINES]
        if layout := _layout(header, below, columns):
            return layout
    return None


def lines_from_header(table: Table, header_row: int | None) -> list[Line]:
    """The lines in which a header is looked for, and a sample below: from the row that a person chose, if any."""
    if header_row is None:
        return table.first(HEADER_LINES + SAMPLE_LINES)
    lines = list(islice((line for line in table if line.number >= header_row), 1 + SAMPLE_LINES))
    return lines if lines and lines[0].number == header_row else []


def has_bookings(header: Line, columns: Mapping[str, int]) -> bool:
    """Whether the headings are those of bookings, which have amounts and no values."""
    headings = {plain(text_of(cell)) for cell in header.cells if isinstance(cell, str)}
    is_of_days = "date" in columns and headings & {"amount", "debit", "credit"}
    if "description" in headings and (is_of_days or columns.get("asset") != _index_of(header, "description")):
        return True
    if "date" in columns and {"beschreibung", "betrag"} <= headings:
        return True
    bookings = headings & _BOOKINGS
    if bookings == _ALSO_AN_ACCOUNT and is_of_accounts(header, columns):
        return False
    return bool(bookings) or {"amount", "balance"} <= headings


def is_of_accounts(header: Line, columns: Mapping[str, int]) -> bool:
    """Whether the headings are a day and several names, and at most a total beside them."""
    totals = {name for name, index in columns.items() if is_total(text_of(cell_at(header, index)))}
    names = [cell for cell in header.cells if text_of(cell)]
    return "date" in columns and columns.keys() - totals == {"date"} and len(names) > len(columns) + 1


def _layout(header: Line, below: Sequence[Line], columns: Mapping[str, int]) -> Layout | None:
    return (
        _wide(header, below, columns)
        or _long(header, below, columns)
        or _balance_sheet(header, below, columns)
        or _down(header, below, columns)
    )


def named_columns(header: Line, chosen: Mapping[str, str | int]) -> dict[str, int]:
    """The index of each of our names: as a person chose it, else by the heading; the best heading of several."""
    columns: dict[str, int] = {}
    for index, cell in enumerate(header.cells):
        meaning = column_meaning(cell) if isinstance(cell, str) else None
        if meaning is None or (meaning in columns and is_total(text_of(cell))):
            continue
        best = _BEST_FIRST.get(meaning, frozenset())
        if meaning not in columns or (
            _is_best(cell, best) and not _is_best(header.cells[columns[meaning]], best)
        ):
            columns[meaning] = index
    for name, column in chosen.items():
        place = column - 1 if isinstance(column, int) else _index_of(header, plain(column))
        if place is not None:
            columns = {other: index for other, index in columns.items() if index != place}
            columns[name] = place
    return columns


def _is_best(cell: Cell, best: frozenset[str]) -> bool:
    return plain(text_of(cell)) in best


def _index_of(header: Line, heading: str) -> int | None:
    return next((index for index, cell in enumerate(header.cells) if plain(text_of(cell)) == heading), None)


def _wide(header: Line, below: Sequence[Line], columns: Mapping[str, int]) -> Layout | None:
    days = [DayColumn(index, cell) for index, cell in enumerate(header.cells) if index and is_day(cell)]
    taken = {day.place for day in days}
    asset = columns.get("asset", 0)
    if len(days) < (1 if below else 2) or asset in taken or not _has_numbers(below, taken):
        return None
    if "asset" not in columns and is_day(header.cells[0]):
        return None
    if below and not any(_is_text(cell_at(line, asset)) for line in below):
        return None
    kept = {"asset": asset} | {
        name: index
        for name, index in columns.items()
        if name in ("currency", "type", "note") and index not in taken
    }
    return Layout(WIDE, header, kept, days=days, totals=_totals(header, taken | set(kept.values())))


def _long(header: Line, below: Sequence[Line], columns: Mapping[str, int]) -> Layout | None:
    value, asset, day = columns.get("value"), columns.get("asset"), columns.get("date")
    if value is None or (asset is None and day is None) or not _has_numbers(below, {value}):
        return None
    if asset is None and _account_columns(header, below, columns):
        return None  # days run down, and the column called value or total is one of several
    return Layout(LONG, header, {name: columns[name] for name in columns if name not in ("owned", "owed")})


def _balance_sheet(header: Line, below: Sequence[Line], columns: Mapping[str, int]) -> Layout | None:
    sides = {columns[name] for name in ("owned", "owed") if name in columns}
    if len(sides) < 2 or "asset" not in columns or not _has_numbers(below, sides):
        return None
    return Layout(BALANCE_SHEET, header, {name: index for name, index in columns.items() if name != "value"})


def _down(header: Line, below: Sequence[Line], columns: Mapping[str, int]) -> Layout | None:
    day = columns.get("date")
    if not below:
        return None
    if day is None:
        first = [cell_at(line, 0) for line in below]
        if not all(is_day(cell) or cell == "" or is_total(text_of(cell)) for cell in first) or not any(
            map(is_day, first)
        ):
            return None
        day = 0
    accounts = _account_columns(header, below, {**columns, "date": day})
    kept = {"date": day} | ({"note": columns["note"]} if "note" in columns else {})
    totals = _totals(header, {*accounts, *kept.values()})
    if (
        not accounts
        or is_day(cell_at(header, day))
        or _has_texts(below, {*accounts, *kept.values(), *totals})
    ):
        return None
    return Layout(DOWN, header, kept, accounts=accounts, totals=totals)


def _has_texts(below: Sequence[Line], taken: set[int]) -> bool:
    """Whether another column has texts: then the rows are about something, such as bookings."""
    return any(
        _is_text(cell) for line in below for index, cell in enumerate(line.cells) if index not in taken
    )


def _is_text(cell: Cell) -> bool:
    return isinstance(cell, str) and bool(cell.strip()) and not is_number_cell(cell)


def _account_columns(header: Line, below: Sequence[Line], columns: Mapping[str, int]) -> list[int]:
    """The columns that have a heading of their own, and numbers below it."""
    taken = {columns[name] for name in ("date", "note") if name in columns}
    indices = []
    for index, cell in enumerate(header.cells):
        heading = text_of(cell)
        if (
            index in taken
            or not isinstance(cell, str)
            or not heading
            or is_total(heading)
            or is_number(heading)
        ):
            continue
        if column_meaning(heading) in (None, "asset") and _has_numbers(below, {index}):
            indices.append(index)
    return indices


def _totals(header: Line, taken: set[int]) -> list[int]:
    return [
        index
        for index, cell in enumerate(header.cells)
        if index not in taken and isinstance(cell, str) and cell and is_total(cell)
    ]


def _has_numbers(below: Sequence[Line], indexes: set[int]) -> bool:
    """Also where there are no rows at all: a file with only a header has nothing inside, but is one."""
    return not below or any(is_number_cell(cell_at(line, index)) for line in below for index in indexes)


def cell_at(line: Line, index: int | None) -> Cell:
    """The cell, "" where the row has no such cell or the file no such column."""
    return "" if index is None or index >= len(line.cells) else line.cells[index]


def is_number_cell(cell: Cell) -> bool:
    if isinstance(cell, str):
        return bool(cell) and is_number(cell)
    return isinstance(cell, Decimal | Inexact | NoResult)


def is_day(cell: Cell) -> bool:
    """Whether the cell is a day in some order."""
    if isinstance(cell, date | datetime):
        return True
    if not isinstance(cell, str) or not cell.strip():
        return False
    if cell.strip().isdigit():
        return False  # 20250131 is a number in a header; a column of days is known by its heading
    return any(read_day(cell, order) for order in (DMY, MDY)) or numbers_of(cell) is not None
