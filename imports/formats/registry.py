"""The list of all formats. A new one is a file of its own and a line here (docs/adding-a-format.md)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from imports.formats.banks import camt, mt940, ofx
from imports.formats.brokers import flex, schwab, table, trade_republic
from imports.formats.journals import beancount, ledger
from imports.formats.rows import FileWarning, Options, Reading
from imports.formats.spreadsheets import networth
from imports.formats.trackers import (
    budgets,
    firefly,
    ghostfolio,
    ghostfolio_csv,
    homebox,
    performance_csv,
    performance_xml,
    strata,
    wealthfolio,
)
from imports.reading.choices import require_sheet_and_row
from imports.reading.files import TABLES, File
from imports.reading.tables import Document, left_out


class Format(NamedTuple):
    """`fits` says how exactly a file has this format, 0 for not at all: the highest number wins."""

    name: str
    fits: Callable[[File, Options], int]
    read: Callable[[File, Options], Reading]


def of_tables(
    name: str, fits: Callable[[Document, Options], int], read: Callable[[Document, Options], Reading]
) -> Format:
    """A format of a text file with delimiters, or of a workbook."""
    return Format(
        name,
        lambda file, options: fits(file.document, options) if file.kind == TABLES else 0,
        partial(_read_document, read),
    )


def _read_document(read: Callable[[Document, Options], Reading], file: File, options: Options) -> Reading:
    """Every sheet that is not read is named, unless a person chose one."""
    document = file.document
    require_sheet_and_row(document, options.sheet, options.header_row)
    reading = read(document, options)
    if options.sheet is None:
        names = left_out(document, reading.detected.get("sheets") or ())
        reading.about_the_file = [FileWarning("SHEET_LEFT_OUT", text=name) for name in names]
    return reading


FORMATS = (
    of_tables(networth.NAME, networth.fits, networth.read),
    of_tables(table.NAME, table.fits, table.read),
    Format(strata.JSON_NAME, strata.fits_json, strata.read_json),
    Format(strata.SQLITE_NAME, strata.fits_sqlite, strata.read_sqlite),
    Format(ghostfolio.NAME, ghostfolio.fits, ghostfolio.read),
    of_tables(ghostfolio_csv.NAME, ghostfolio_csv.fits, ghostfolio_csv.read),
    of_tables(performance_csv.NAME, performance_csv.fits, performance_csv.read),
    Format(performance_xml.NAME, performance_xml.fits, performance_xml.read),
    of_tables(wealthfolio.NAME, wealthfolio.fits, wealthfolio.read),
    of_tables(firefly.NAME, firefly.fits, firefly.read),
    of_tables(homebox.NAME, homebox.fits, homebox.read),
    Format(flex.NAME, flex.fits, flex.read),
    of_tables(trade_republic.NAME, trade_republic.fits, trade_republic.read),
    of_tables(schwab.NAME, schwab.fits, schwab.read),
    Format(beancount.NAME, beancount.fits, beancount.read),
    Format(ledger.NAME, ledger.fits, ledger.read),
    *(of_tables(name, partial(budgets.fits, name), partial(budgets.read, name)) for name in budgets.NAMES),
    Format(ofx.NAME, ofx.fits, ofx.read),
    Format(camt.NAME, camt.fits, camt.read),
    Format(mt940.NAME, mt940.fits, mt940.read),
)
