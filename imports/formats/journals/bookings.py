"""Rows of a journal: its transactions with the balances that follow from them, its balances and its prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from imports.formats.balances import add_balances
from imports.formats.cells import Refused
from imports.formats.journals.accounts import JournalAccounts
from imports.formats.journals.amounts import AmountReader
from imports.formats.journals.checks import checked
from imports.formats.journals.contents import Balance, Entry, Journal, Price, Stated
from imports.formats.journals.strata_journal import (
    assets_of_strata,
    is_opening_of_strata,
    is_pad_of_strata,
    is_written_by_strata,
    items_of_strata,
    with_recorded_quantity,
)
from imports.formats.journals.transactions import NOTHING, OWN, Booker, Part, parts_of
from imports.formats.quote_units import as_quoted
from imports.formats.row_results import filled
from imports.formats.rows import (
    FileRow,
    FileWarning,
    Item,
    Options,
    PriceItem,
    Question,
    Reading,
    RowType,
    TransactionItem,
    ValueItem,
)
from imports.formats.share_splits import price_then
from imports.formats.trades import money, units
from imports.reading.currencies import is_currency
from imports.reading.files import File
from imports.reading.refusals import Reason

DAY = timedelta(days=1)
type Parse = Callable[[], tuple[Journal, AmountReader | None]]


def reading_of(name: str, file: File, options: Options, parse: Parse) -> Reading:
    detected = {"layout": name, "encoding": file.text.encoding, "bom": file.text.has_bom}
    reading = Reading(name, detected, lambda reading: iter(()))
    reading.read = partial(rows_of, parse=parse, options=options)
    return reading


def rows_of(reading: Reading, *, parse: Parse, options: Options) -> Iterator[FileRow]:
    journal, amounts = parse()
    if amounts is not None and amounts.saw_dollar and options.currency is None:
        reading.questions.append(Question("CURRENCY", "currency", required=False, suggestion="USD"))
    reader = JournalRows(reading, journal)
    rows = reader.entries_with_balances()
    yield from journal.rows
    yield from assets_of_strata(reading, journal, reader.accounts)
    yield from rows
    yield from reader.splits()
    for price in journal.prices:
        yield reader.filled(price.line, price.text, RowType.PRICE, partial(reader.price, price))
    for balance in journal.balances:
        yield reader.filled(balance.line, balance.text, RowType.VALUE, partial(reader.balance, balance))
    for stated in journal.stated:
        yield reader.filled(stated.line, stated.text, RowType.VALUE, partial(reader.stated, stated))
    if not (rows or journal.prices or journal.balances):
        reading.warn(FileWarning("NOTHING_INSIDE"))


class JournalRows:
    def __init__(self, reading: Reading, journal: Journal) -> None:
        self.reading, self.journal = reading, journal
        self.parts: dict[int, list[Part]] = {}
        self.refused: dict[int, Reason] = {}
        self.of_strata: set[int] = set()  # ids of rows
        self.pads_of_strata: set[int] = set()
        entries = [(entry, self.read_parts(entry)) for entry in journal.entries]
        self.dated = checked(reading, journal, entries)
        self.accounts = JournalAccounts(reading, journal, [part for _, parts in self.dated for part in parts])
        self.booker = Booker(reading, self.accounts.money, self.accounts.holding, self.accounts.units)

    def read_parts(self, entry: Entry) -> list[Part]:
        try:
            return parts_of(entry, self.journal.root_of)
        except Refused as refused:
            self.refused[id(entry)] = refused.reason
            return []

    def filled(
        self, line: int, text: str, row_type: RowType, items: Callable[[], tuple[Item, ...]]
    ) -> FileRow:
        return filled(FileRow(line, {"line": text[:1_000]}, row_type), items, NOTHING)

    def entries(self) -> list[FileRow]:
        """In the order of their days."""
        rows = []
        for entry, parts in self.dated:
            row = self.filled(entry.line, entry.text, RowType.TRANSACTION, partial(self.items, entry, parts))
            row.read = {"line": entry.text[:1_000], "postings": postings_text(entry)}
            rows.append(row)
            if is_written_by_strata(entry, self.accounts):
                self.of_strata.add(id(row))
            if is_pad_of_strata(entry, self.accounts):
                self.pads_of_strata.add(id(row))
        return rows

    def entries_with_balances(self) -> list[FileRow]:
        rows, wholes = self.entries(), self.accounts.keys_of_wholes()
        with_items = [row for row in rows if row.items]
        accounts = {
            item.account for row in with_items for item in row.items if isinstance(item, TransactionItem)
        }
        add_balances(self.reading, with_items, accounts - wholes, without=self.of_strata)
        for row in rows:
            if id(row) in self.pads_of_strata:
                row.items, row.skip = (), NOTHING
        return rows

    def items(self, entry: Entry, parts: list[Part]) -> tuple[Item, ...]:
        if reason := self.refused.get(id(entry)):
            raise Refused(reason.code, reason.field or "", reason.text)
        if "strata-type" in entry.meta:
            booked = items_of_strata(self.reading, entry, parts, self.accounts)
            if booked is not None:
                return with_recorded_quantity(entry, booked)
        if is_opening_of_strata(entry, self.accounts):
            return ()
        parts = [part for part in parts if not self.accounts.is_whole(part.account, part.units.commodity)]
        return with_recorded_quantity(entry, self.booker.items(entry, parts))

    def splits(self) -> Iterator[FileRow]:
        """Those of Strata's own journals."""
        for commodity, splits in self.accounts.splits.items():
            for split in splits:
                key = self.reading.instrument(self.accounts.instrument(commodity))
                yield FileRow(1, {"line": f"{commodity} {split.on}"}, RowType.ACTION, (split.item(key),))

    def price(self, price: Price) -> tuple[Item, ...]:
        """Rates between currencies are no prices, and are left out."""
        if is_currency(price.commodity):
            return ()
        number, currency = price.amount
        if whole := self.accounts.whole_of(price.commodity):
            return (ValueItem(whole, price.on, money(self.reading, price.line, number, "value")),)
        instrument = self.accounts.instrument(price.commodity)
        if currency != instrument.currency:
            raise Refused(
                "BAD_CURRENCY" if not is_currency(currency) else "UNSUPPORTED", "currency", currency
            )
        then = price_then(number, self.accounts.splits_of(price.commodity), price.on)
        value = units(as_quoted(then, instrument.quote_unit), "price")
        return (PriceItem(self.reading.instrument(instrument), price.on, value),) if value else ()

    def balance(self, balance: Balance) -> tuple[Item, ...]:
        """The value of an account at the end of the day before. One with accounts below it is only checked."""
        number, currency = balance.amount
        if self.journal.root_of(balance.account) not in OWN or not is_currency(currency):
            return ()
        if self.accounts.has_children(balance.account):
            return ()
        key = self.accounts.money(balance.account, currency)
        return (ValueItem(key, balance.on - DAY, money(self.reading, balance.line, number, "balance")),)

    def stated(self, stated: Stated) -> tuple[Item, ...]:
        key = self.accounts.only_holding(stated.account)
        if key is None:
            raise Refused("MISSING_FIELD", "account", stated.account[:100])
        return (ValueItem(key, stated.on, money(self.reading, stated.line, stated.amount.number, "value")),)


def postings_text(entry: Entry) -> str:
    texts = []
    for posting in entry.postings[:20]:
        amount = f" {posting.units.number:f} {posting.units.commodity}" if posting.units else ""
        texts.append(f"{posting.account}{amount}")
    return "; ".join(texts)[:1_000]
