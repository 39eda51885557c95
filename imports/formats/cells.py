"""Reads the cells of one file as days and numbers, all by the same decimal mark and the same order of days."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from imports.formats.rows import MOST_MONEY, FileWarning, Reading
from imports.reading.days import read_day
from imports.reading.numbers import read_number, rounded_money
from imports.reading.refusals import Reason
from imports.reading.tables import Cell, Inexact, NoResult, text_of


class Refused(Exception):
    """A cell that cannot be read."""

    def __init__(self, code: str, field: str, text: str = "") -> None:
        super().__init__(code)
        self.reason = Reason(code, field, text)


class CellReader:
    """Its methods raise Refused. What should be looked at becomes a warning of the reading."""

    def __init__(self, reading: Reading, decimal: str, date_order: str) -> None:
        self.reading, self.decimal, self.date_order = reading, decimal, date_order
        self._days: dict[str, date | None] = {}

    def day(self, line: int, cell: Cell) -> date:
        """A month alone is its last day."""
        if isinstance(cell, datetime):
            return cell.date()
        if isinstance(cell, date):
            return cell
        text = text_of(cell)
        if text not in self._days:
            parsed = read_day(text, self.date_order)
            self._days[text] = parsed.on if parsed else None
            if parsed and parsed.is_month:
                self.reading.warn(FileWarning("MONTH_END", line, "date", f"{text}: {parsed.on}"))
        on = self._days[text]
        if on is None:
            raise Refused("BAD_DATE" if text else "MISSING_FIELD", "date", text)
        return on

    def number(self, line: int, cell: Cell, field: str, column: str | None = None) -> tuple[Decimal, str]:
        """The exact number, and the currency that is written beside it."""
        if isinstance(cell, NoResult):
            raise Refused("FORMULA_WITHOUT_VALUE", field, cell.reference)
        if isinstance(cell, Inexact):
            self.reading.warn(FileWarning("ROUNDED", line, column, format(cell.value, "f")))
            return cell.value, ""
        if isinstance(cell, Decimal):
            return cell, ""
        parsed = read_number(cell.strip(), self.decimal) if isinstance(cell, str) else None
        if parsed is None:
            raise Refused("BAD_NUMBER" if text_of(cell) else "MISSING_FIELD", field, text_of(cell))
        return parsed.value, parsed.currency

    def money(self, line: int, number: Decimal, field: str, column: str | None = None) -> Decimal:
        """The number with the places that an amount has."""
        value, was_rounded = rounded_money(number)
        if was_rounded:
            self.reading.warn(FileWarning("ROUNDED", line, column, format(number, "f")))
        if abs(value) >= MOST_MONEY:
            raise Refused("OUT_OF_RANGE", field, format(number, "f"))
        return value


def is_empty(cell: Cell) -> bool:
    return isinstance(cell, str) and (not cell or cell.isspace())
