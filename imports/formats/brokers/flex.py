"""Interactive Brokers' Flex queries in XML: trades, bookings of money and splits, whichever fields were chosen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from imports.formats.brokers.flex_actions import split_of
from imports.formats.brokers.flex_cash import CashBookings
from imports.formats.brokers.flex_nodes import DAYS, FlexFile, statements_of
from imports.formats.brokers.flex_trades import Trades
from imports.formats.cells import CellReader, Refused
from imports.formats.questions import ask_about_days
from imports.formats.row_results import filled
from imports.formats.rows import (
    CancelItem,
    FileRow,
    FileWarning,
    Item,
    Options,
    Reading,
    RowType,
    TransactionItem,
)
from imports.reading.containers.markup import Node, parse_xml
from imports.reading.days import DMY
from imports.reading.files import MARKUP, File
from imports.reading.numbers import POINT, plus
from imports.reading.refusals import FileRefused, Reason

NAME = "ibkr-flex"
_ROOT = re.compile(rb"<(?:[\w.-]+:)?Flex(?:QueryResponse|Statements?)[\s>]")
_LEVELS = ("", "EXECUTION", "DETAIL")


def fits(file: File, options: Options) -> int:
    return 100 if file.kind == MARKUP and _ROOT.search(file.data[:4096]) else 0


def read(file: File, options: Options) -> Reading:
    root = parse_xml(file.data)
    statements = statements_of(root)
    if not statements and not root.tag.startswith("Flex"):
        raise FileRefused("UNKNOWN_FORMAT")
    reading = Reading(NAME, {}, lambda reading: iter(()))
    texts = partial(days_of, statements)
    order = ask_about_days(reading, options, texts)
    reading.detected = {"layout": NAME, "date_order": order}
    cells = CellReader(reading, POINT, order or DMY)
    reading.takes_back = True
    reading.read = lambda reading: rows_of(reading, statements, FlexFile(reading, cells, options))
    return reading


def days_of(statements: list[Node]) -> Iterator[tuple[int, str]]:
    for statement in statements:
        for section in ("Trades", "CashTransactions", "CorporateActions"):
            for node in rows_in(statement, section):
                for name in DAYS:
                    if text := node.attributes.get(name, "").partition(";")[0].strip():
                        yield node.line, text


def rows_in(statement: Node, section: str) -> Iterator[Node]:
    for parent in statement.all(section):
        yield from parent.children


def rows_of(reading: Reading, statements: list[Node], file: FlexFile) -> Iterator[FileRow]:
    is_empty = True
    for statement in statements:
        file.account = statement.attributes.get("accountId", "").strip()
        held: dict[str, Decimal] = {}
        for row in statement_rows(statement, file):
            is_empty = False
            count(held, row)
            yield row
        for node in rows_in(statement, "OpenPositions"):
            compare(file, node, held)
    if is_empty:
        reading.warn(FileWarning("NOTHING_INSIDE"))


def count(held: dict[str, Decimal], row: FileRow) -> None:
    """How much of each security the rows add up to."""
    for item in row.items:
        if isinstance(item, TransactionItem) and item.quantity is not None:
            sign = -1 if item.type == "DISPOSE" else 1
            held[item.account] = plus(held.get(item.account, Decimal(0)), sign * item.quantity)


def compare(file: FlexFile, node: Node, held: dict[str, Decimal]) -> None:
    """A file of some months has not every purchase: a position is only compared, with what was traded in it."""
    if node.attributes.get("levelOfDetail", "").upper() not in ("", "SUMMARY"):
        return
    try:
        position, key = file.number(node, "position"), file.key_of(node)
    except Refused:
        return
    if key in held and position is not None and position != held[key]:
        text = f"{node.attributes.get('symbol', '')}: {position:f} / {held[key]:f}"
        file.reading.warn(FileWarning("POSITION_DIFFERS", node.line, "position", text))


def statement_rows(statement: Node, file: FlexFile) -> Iterator[FileRow]:
    nodes = list(rows_in(statement, "Trades"))
    trades = Trades(file, [node for node in nodes if is_detail(node, "Trade")])
    for node in nodes:
        is_counted = is_detail(node, "Trade")
        yield row_of(node, RowType.TRANSACTION, trades.items if is_counted else summed_up)
    nodes = list(rows_in(statement, "CashTransactions"))
    cash = CashBookings(file, [node for node in nodes if is_detail(node, "CashTransaction")])
    for node in nodes:
        is_counted = is_detail(node, "CashTransaction")
        yield row_of(node, RowType.TRANSACTION, cash.items if is_counted else summed_up)
    for node in rows_in(statement, "CorporateActions"):
        is_counted = is_detail(node, "CorporateAction")
        yield row_of(node, RowType.ACTION, partial(split_of, file) if is_counted else summed_up)


def is_detail(node: Node, tag: str) -> bool:
    """Orders, and sums by asset or symbol, repeat the rows that count."""
    return node.tag == tag and node.attributes.get("levelOfDetail", "").upper() in _LEVELS


def summed_up(node: Node) -> Reason:
    return Reason("SUMMARY_ROW")


def row_of(node: Node, row_type: RowType, items: Callable[[Node], tuple[Item, ...] | Reason]) -> FileRow:
    """The items of the row; or a reason, for which it is skipped."""
    read = {name: text for name, text in node.attributes.items() if text}
    row = filled(FileRow(node.line, read, row_type), partial(items, node))
    if row.items and isinstance(row.items[0], CancelItem):
        row.skip = Reason("CANCELLED")
    return row
