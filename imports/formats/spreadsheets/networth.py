"""Tables of net worth: what each account was worth on each day. Wide, with the days across or down, or long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

from imports.formats.questions import ask_about_days, ask_about_decimals, ask_about_encoding
from imports.formats.questions_of_accounts import Debts
from imports.formats.rows import (
    OF_AN_ACCOUNT,
    Example,
    FileRow,
    FileWarning,
    Options,
    Question,
    Reading,
)
from imports.formats.spreadsheets.networth_layout import (
    WIDE,
)
from imports.formats.spreadsheets.networth_rows import Context, Names, SheetReader
from imports.formats.spreadsheets.networth_sheets import (
    Sheet,
    currency_above,
    currency_of_most,
    day_texts,
    detected,
    headings_of,
    number_texts,
    sheets_of,
)
from imports.reading.choices import require_columns
from imports.reading.days import DMY
from imports.reading.numbers import POINT
from imports.reading.tables import Document

NAME = "networth"


def fits(document: Document, options: Options) -> int:
    """How exactly the format fits: 0 for not at all."""
    return 10 if sheets_of(document, options) else 0


def read(document: Document, options: Options) -> Reading:
    """The rows of all sheets that have such a table, and what must be asked about them."""
    sheets = sheets_of(document, options)
    require_columns(options.columns, ((sheet.table, sheet.layout.header) for sheet in sheets))
    reading = Reading(NAME, {}, lambda reading: iter(()))
    if all(sheet.layout.is_own for sheet in sheets):
        options = replace(options, decimal=options.decimal or POINT)
    decimal = ask_about_decimals(reading, options, lambda: number_texts(sheets))
    order = ask_about_days(reading, options, lambda: day_texts(sheets))
    ask_about_encoding(reading, document, options)
    if (
        any(sheet.layout.kind != WIDE and "date" not in sheet.layout.columns for sheet in sheets)
        and not options.on
    ):
        reading.questions.append(Question("DAY", "on"))
    context = Context(options, decimal or POINT, order or DMY, options.currency or "")
    reading.detected = detected(document, sheets, decimal, order)
    reading.headings = headings_of(sheets)
    reading.read = lambda reading: rows_of(reading, document, sheets, context)
    return reading


def rows_of(reading: Reading, document: Document, sheets: list[Sheet], context: Context) -> Iterator[FileRow]:
    names = Names(sheets)
    debts = Debts()
    without_currency: list[Example] = []
    context.coin_currency = cache(partial(currency_of_most, sheets))
    for sheet in sheets:
        reader = SheetReader(reading, document, sheet, context, names)
        for row in reader.rows():
            for item in row.items:
                if not isinstance(item, OF_AN_ACCOUNT):
                    continue
                debts.add(row.line, item)
                account = reading.accounts[item.account]
                if not account.currency and len(without_currency) < MOST_EXAMPLES:
                    without_currency.append(Example(row.line, " ".join(row.read.values())[:200]))
            yield row
    if not reading.accounts:
        reading.warn(FileWarning("NOTHING_INSIDE"))
    if without_currency:
        examples, above = tuple(without_currency), currency_above(sheets)
        reading.questions.append(Question("CURRENCY", "currency", examples=examples, suggestion=above))
    reading.questions.extend(debts.questions(reading))


MOST_EXAMPLES = 5
