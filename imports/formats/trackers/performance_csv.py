"""CSV of Portfolio Performance, in any of its languages: bookings of accounts and of securities accounts.

The files of an account and of a securities account have the same purchases: they are known by what they say, without
the account, so that importing both makes each once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice

from imports.formats.cells import CellReader, Refused
from imports.formats.named_columns import HEADER_LINES, NamedTable, RowReader, opened
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    Example,
    FileRow,
    FileWarning,
    Instrument,
    Item,
    Options,
    Question,
    Reading,
    TransactionItem,
)
from imports.formats.trackers import performance_quotes
from imports.formats.trackers.performance_words import (
    ANSWERS,
    ANSWERS_OF_MONEY,
    ANSWERS_OF_SECURITIES,
    COLUMNS,
    TYPES,
    places_in,
)
from imports.formats.trades import (
    ZERO,
    Trade,
    booking,
    earned_or_spent,
    flow,
    holding,
    money,
    paid_or_received,
)
from imports.reading.currencies import currency_in_name, currency_of_mark
from imports.reading.numbers import plus
from imports.reading.tables import Document, Line
from imports.reading.words import is_total

NAME = "portfolio-performance-csv"
NUMBERS = ("value", "amount", "gross", "fees", "taxes", "shares")
OWN = (
    "offset",
    "offset_depot",
    "depot",
    "gross",
    "gross_currency",
    "fees",
    "taxes",
    "shares",
    "security",
    "account",
)
TRADES = {"BUY": "ACQUIRE", "SELL": "DISPOSE", "DELIVERY_INBOUND": "ACQUIRE", "DELIVERY_OUTBOUND": "DISPOSE"}
FLOWS = {"DEPOSIT": 1, "REMOVAL": -1}
EARNED = {"INTEREST": 1, "FEES_REFUND": 1, "TAX_REFUND": 1, "INTEREST_CHARGE": -1, "FEES": -1, "TAXES": -1}
TRANSFERS = ("TRANSFER_IN", "TRANSFER_OUT")
MOST_EXAMPLES = 5


def table_of(document: Document) -> NamedTable | None:
    for table in document.tables:
        for header in table.first(HEADER_LINES):
            places = places_in(header, COLUMNS)
            if {"date", "value"} <= places.keys() and is_own(places):
                return NamedTable(table, header, places)
    return None


def is_own(places: Mapping[str, int]) -> bool:
    """Without a column of types, only the currency of its amounts tells it from the tables of others."""
    own = own_columns(places)
    if "type" in places:
        return own >= 2
    return own >= 1 and ("currency" in places or ("gross_currency" in places and own >= 2))


def own_columns(places: Mapping[str, int]) -> int:
    return sum(name in places for name in OWN)


def fits(document: Document, options: Options) -> int:
    table = table_of(document)
    if table is None:
        return performance_quotes.fits(document)
    if not table.has("type"):
        return 30 + own_columns(table.places)
    types = [type_of(table.text(line, "type")) for line, _ in zip(table, range(50), strict=False)]
    return 50 + own_columns(table.places) if not types or any(types) else 0


def type_of(word: str) -> str:
    """Our name of a type, "" for a word that is none. Taxes and fees have one word in some languages."""
    key = " ".join(word.split()).casefold()
    return next((name for name, words in TYPES.items() if key in words), "")


def read(document: Document, options: Options) -> Reading:
    table = table_of(document)
    if table is None:
        return performance_quotes.read(NAME, document, options)
    reading, cells = opened(NAME, table, document, options, numbers=NUMBERS, days=("date",))
    alone = document.name.rsplit(".", 1)[0]
    if not table.has("type") and not options.type:
        answers = ANSWERS_OF_SECURITIES if table.has("shares") else ANSWERS_OF_MONEY
        examples = tuple(Example(*text) for text in islice(table.texts(("value",)), MOST_EXAMPLES))
        reading.questions.append(
            Question("TYPE", "type", True, tuple(answers), examples, next(iter(answers)))
        )
    if not table.has("account") and not options.account and needs_account(table, options):
        reading.questions.append(Question("ACCOUNT", "account", suggestion=alone or None))
    reading.read = lambda reading: rows_of(reading, table, cells, options, alone)
    return reading


def needs_account(table: NamedTable, options: Options) -> bool:
    """Trades of a file without accounts have no money; the money of everything else is in one."""
    if table.has("type"):
        types = {type_of(table.text(line, "type")) for line in table}
    elif options.type:
        types = set(ANSWERS.get(options.type, ()))
    else:
        return not table.has("shares")
    return bool(types - {*TRADES, *TRANSFERS})


def rows_of(
    reading: Reading, table: NamedTable, cells: CellReader, options: Options, alone: str
) -> Iterator[FileRow]:
    reader = PerformanceCsv(reading, table, cells, options)
    reader.alone = options.account or (alone if needs_account(table, options) else "")
    is_empty = True
    for row in reader.rows():
        is_empty = False
        yield row
    if reader.without_currency:
        reading.questions.append(
            Question("CURRENCY", "currency", examples=tuple(reader.without_currency[:5]))
        )
    if is_empty:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class PerformanceCsv(RowReader):
    alone = ""

    def __init__(self, reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> None:
        super().__init__(reading, table, cells, options)
        self.without_currency: list[Example] = []
        self.seen: Counter[str] = Counter()

    def fill(self, row: FileRow, line: Line) -> None:
        if is_total(self.text(line, "date")):
            row.row_type = None
        kind, on = self.kind(line), self.day(line, "date")
        if kind in TRANSFERS and self.is_of_shares(line):
            row.items = self.transfer_of_shares(line, on, kind)
        elif kind in TRANSFERS:
            row.items = self.transfer_of_money(line, on, kind)
        elif kind in TRADES:
            row.items = self.trade(line, on, kind)
        else:
            row.items = self.booking(line, on, kind)

    # --- what it becomes ---

    def trade(self, line: Line, on: date, kind: str) -> tuple[Item, ...]:
        """The value of a purchase has fee and tax in it, that of a sale is what is left after them."""
        fee, tax = self.charge(line, "fees"), self.charge(line, "taxes")
        value, currency = self.value(line), self.currency(line)
        costs = plus(fee, tax)
        gross = plus(value, -costs) if TRADES[kind] == "ACQUIRE" else plus(value, costs)
        if gross < 0:
            raise Refused("OUT_OF_RANGE", "value", format(value, "f"))
        shares = self.number(line, "shares")
        if shares is None:
            raise Refused("MISSING_FIELD", "shares")
        instrument = self.instrument(line, currency)
        asset = holding(self.reading, instrument, self.text(line, "depot")[:NAME_LENGTH])
        said = (on, instrument.isin or instrument.symbol or instrument.name, abs(shares), value, fee, tax)
        trade = Trade(
            asset,
            TRADES[kind],
            on,
            currency,
            shares,
            None,
            gross,
            fee,
            tax,
            self.note(line),
            self.known(kind, *said),
        )
        item = booking(self.reading, line.number, trade)
        account = self.text(line, "account") or self.alone
        if kind.startswith("DELIVERY") or not account or not value:
            return (item,)
        amount = -value if TRADES[kind] == "ACQUIRE" else value
        return (item, paid_or_received(item, self.account(account, currency), amount))

    def booking(self, line: Line, on: date, kind: str) -> tuple[Item, ...]:
        value, currency, note = self.value(line), self.currency(line), self.note(line)
        key = self.account(self.text(line, "account") or self.alone, currency)
        if not value:
            raise Refused("MISSING_FIELD", "value")
        if kind in FLOWS:
            return (flow(key, on, FLOWS[kind] * value, note),)
        if kind in EARNED:
            return (earned_or_spent(key, on, EARNED[kind] * value, note),)
        fee, tax = self.charge(line, "fees"), self.charge(line, "taxes")
        if not self.is_of_shares(line):
            return (earned_or_spent(key, on, value, note),)
        asset = holding(self.reading, self.instrument(line, currency), self.text(line, "depot")[:NAME_LENGTH])
        trade = Trade(asset, "INCOME", on, currency, None, None, plus(value, fee, tax), fee, tax, note)
        item = booking(self.reading, line.number, trade)
        return (item, paid_or_received(item, key, value))

    def transfer_of_money(self, line: Line, on: date, kind: str) -> tuple[Item, ...]:
        """Both legs, where the file names the other account: its two rows then say the same, and it is made once."""
        value, currency, note = self.value(line), self.currency(line), self.note(line)
        name, other = self.text(line, "account") or self.alone, self.text(line, "offset")
        sign = -1 if kind == "TRANSFER_OUT" else 1
        key = self.account(name, currency)
        if not other:
            return (flow(key, on, sign * value, note),)
        gross, code = self.number(line, "gross"), self.text(line, "gross_currency")
        other_currency = currency_of_mark(code) or currency_in_name(other) or currency
        arrived = value if gross is None else money(self.reading, line.number, abs(gross), "gross")
        offset = self.account(other, other_currency)
        sides = [(key, value), (offset, arrived)] if sign < 0 else [(offset, arrived), (key, value)]
        known = self.known(kind, on, *(part for side in sides for part in side))
        (leaves, paid), (arrives, got) = sides
        return (
            flow(leaves, on, -paid, note, f"{known}/out"),
            flow(arrives, on, got, note, f"{known}/in"),
        )

    def transfer_of_shares(self, line: Line, on: date, kind: str) -> tuple[Item, ...]:
        depot, other_depot = (
            self.text(line, "depot"),
            self.text(line, "offset_depot") or self.text(line, "offset"),
        )
        shares = self.number(line, "shares")
        if not depot or not other_depot or depot == other_depot or not shares:
            raise Refused("MISSING_FIELD" if shares else "UNSUPPORTED", "securities account", kind)
        instrument = self.instrument(line, self.currency(line))
        names = (depot, other_depot) if kind == "TRANSFER_OUT" else (other_depot, depot)
        leaves, arrives = (holding(self.reading, instrument, name[:NAME_LENGTH]) for name in names)
        known, note = self.known(kind, on, leaves, arrives, abs(shares)), self.note(line)
        return (
            TransactionItem(leaves, "TRANSFER", on, None, None, -abs(shares), note=note, external_id=known),
            TransactionItem(
                arrives, "TRANSFER", on, None, None, abs(shares), note=note, external_id=known, leg="in"
            ),
        )

    # --- what a row says ---

    def known(self, kind: object, *said: object) -> str:
        """An id made of what the row says, and its number among equal rows of the same type in this file."""
        parts = (part.normalize() if isinstance(part, Decimal) else part for part in said)
        text = "|".join(str(part) for part in parts)
        self.seen[f"{kind}|{text}"] += 1
        # The two rows of a transfer have one id.
        digest = hashlib.sha256(f"{'TRANSFER' if kind in TRANSFERS else kind}|{text}".encode())
        return f"{digest.hexdigest()[:32]}-{self.seen[f'{kind}|{text}']}"

    def kind(self, line: Line) -> str:
        """Without a column of types, the one that a person named; of two, the sign of the value decides."""
        if self.table.has("type"):
            word = self.text(line, "type")
            kind = type_of(word)
        else:
            word, types = self.options.type or "", ANSWERS.get(self.options.type or "", ())
            is_above = len(types) > 1 and (self.number(line, "value") or ZERO) > 0
            kind = types[is_above] if types else ""
        if not kind:
            raise Refused("UNKNOWN_TYPE" if word else "MISSING_FIELD", "type", word[:100])
        return kind

    def is_of_shares(self, line: Line) -> bool:
        return any(self.text(line, name) for name in ("isin", "wkn", "symbol", "security"))

    def value(self, line: Line) -> Decimal:
        """Without its sign: the type gives the direction."""
        number = self.number(line, "value")
        if number is None:
            raise Refused("MISSING_FIELD", "value")
        return abs(money(self.reading, line.number, number, "value"))

    def charge(self, line: Line, name: str) -> Decimal:
        return abs(money(self.reading, line.number, self.number(line, name) or ZERO, name))

    def note(self, line: Line) -> str:
        return self.text(line, "note")

    def currency(self, line: Line) -> str:
        stated = self.text(line, "currency")
        code = currency_of_mark(stated) if stated else ""
        if stated and not code:
            raise Refused("BAD_CURRENCY", "currency", stated[:20])
        code = (
            code or currency_in_name(self.text(line, "account") or self.alone) or self.options.currency or ""
        )
        if not code and len(self.without_currency) < 5:
            self.without_currency.append(Example(line.number, self.text(line, "value")[:100]))
        return code

    def account(self, name: str, currency: str) -> str:
        if not name or len(name) > NAME_LENGTH:
            raise Refused("BAD_NAME" if name else "MISSING_FIELD", "account", name[:NAME_LENGTH])
        own = currency_in_name(name) or currency
        return self.reading.account(Account(name, own, "CHECKING_ACCOUNT"))

    def instrument(self, line: Line, currency: str) -> Instrument:
        isin = self.text(line, "isin").upper()
        symbol = (self.text(line, "symbol") or self.text(line, "wkn"))[:40]
        name = self.text(line, "security")[:NAME_LENGTH] or symbol or isin
        if not name:
            raise Refused("MISSING_FIELD", "security")
        own = currency_of_mark(self.text(line, "gross_currency")) or currency
        return Instrument(symbol, name, "share", own, isin)
