"""OFX and QFX, 1.x and 2.x: statements of banks, of cards and of investment accounts.

A reader of our own: the days are those of the bank and not of UTC, a row that cannot be read is refused by its line,
and the file is read where one of its values is longer than the standard allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache

from imports.formats.banks.ofx_investments import CHARGES, SPLIT, TRADES, Investments, Securities
from imports.formats.banks.ofx_tree import Aggregate, parse_ofx
from imports.formats.banks.statements import StatementReader, day_of, known_by, note_of, rank_of
from imports.formats.cells import Refused
from imports.formats.questions import ask_about_decimals
from imports.formats.rows import FileRow, Item, Options, Reading, RowType, ValueItem
from imports.reading.files import OFX_START, File
from imports.reading.numbers import POINT, read_number
from imports.reading.refusals import Reason

NAME = "ofx"
ACCOUNTS = {"STMTRS": "BANKACCTFROM", "CCSTMTRS": "CCACCTFROM", "INVSTMTRS": "INVACCTFROM"}
OTHER_SIDES = ("BANKACCTTO", "CCACCTTO")
ASSET_TYPES = {"SAVINGS": "SAVINGS_ACCOUNT", "MONEYMRKT": "SAVINGS_ACCOUNT", "CD": "SAVINGS_ACCOUNT"}
NO_TRADES = ("INVBANKTRAN", "DTSTART", "DTEND")
AMOUNTS = ("TRNAMT", "BALAMT", "AVAILCASH", "TOTAL", "UNITS", "UNITPRICE")
_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{0,6}(?:[.,:][0-9]*)?\s*(?:\[[^\]]*\]?)?)")


def fits(file: File, options: Options) -> int:
    return 100 if OFX_START.search(file.data[:4096]) else 0


def read(file: File, options: Options) -> Reading:
    root = parse_ofx(file)
    reading = Reading(NAME, {"layout": NAME}, lambda reading: iter(()))
    decimal = ask_about_decimals(reading, options, lambda: amounts_of(root))
    reading.detected["decimal"] = decimal
    reading.read = lambda reading: OfxReader(reading, options, decimal or POINT, root).rows(message_of(root))
    return reading


def amounts_of(root: Aggregate) -> Iterator[tuple[int, str]]:
    for node in root.walk():
        for name in AMOUNTS:
            if name in node.values:
                yield node.line, node.values[name]


def message_of(root: Aggregate) -> str:
    """What the bank says of a request that failed."""
    for node in root.walk():
        if node.tag == "STATUS" and node.value("CODE") not in ("", "0"):
            return note_of(node.value("MESSAGE") or node.value("CODE"))
    return ""


class OfxReader(StatementReader):
    def __init__(self, reading: Reading, options: Options, decimal: str, root: Aggregate) -> None:
        super().__init__(reading, options, decimal)
        self.statements = [node for node in root.walk() if node.tag in ACCOUNTS]
        self.securities = Securities(root, self.exact)
        self.made_at = root.value("OFX", "SIGNONMSGSRSV1", "SONRS", "DTSERVER")
        self.own = {number_of(statement) for statement in self.statements} - {""}
        self.keys: dict[tuple[int, str], str] = {}  # of accounts, by statement and currency of a row

    def lines(self) -> Iterator[FileRow]:
        """What was held before the rows is known by the last statement of an account, after the rows of all of them."""
        last = self.last_statements()
        accounts: dict[tuple[str, str], Investments] = {}
        for statement in self.statements:
            investments = self.investments(statement, accounts)
            for listed in statement.children:
                if listed.tag in ("BANKTRANLIST", "BANKTRANLISTP", "INVTRANLIST", "INVOOLIST"):
                    yield from self.listed(statement, listed, investments)
            yield from self.balances(statement)
        for statement in self.statements:
            if investments := accounts.get(account_of(statement)):
                is_last = statement is last[account_of(statement)]
                yield from self.positions(statement, investments, is_last=is_last)

    def last_statements(self) -> dict[tuple[str, str], Aggregate]:
        """Of each investment account, whatever their order in the file is."""
        last: dict[tuple[str, str], Aggregate] = {}
        for statement in self.statements:
            before = last.setdefault(account_of(statement), statement)
            if statement.value("DTASOF")[:8] >= before.value("DTASOF")[:8]:
                last[account_of(statement)] = statement
        return last

    def investments(
        self, statement: Aggregate, accounts: dict[tuple[str, str], Investments]
    ) -> Investments | None:
        if statement.tag != "INVSTMTRS":
            return None
        key = account_of(statement)
        if key not in accounts:
            accounts[key] = Investments(
                self.reading, self.securities, statement, self.exact, ofx_day, self.options.currency or ""
            )
        accounts[key].open(statement)
        return accounts[key]

    def listed(
        self, statement: Aggregate, listed: Aggregate, investments: Investments | None
    ) -> Iterator[FileRow]:
        for node in listed.children:
            if node.tag in ("STMTTRNP", "OO") or listed.tag in ("BANKTRANLISTP", "INVOOLIST"):
                reason = Reason("NOT_BOOKED", text=node.tag)
                yield FileRow(node.line, dict(node.values), RowType.TRANSACTION, skip=reason)
            elif node.tag == "STMTTRN":
                yield self.booked(statement, node)
            elif node.tag == "INVBANKTRAN":
                for inner in node.all("STMTTRN"):
                    yield self.booked(statement, inner)
            elif investments and node.tag in TRADES:
                yield self.traded(statement, node, investments)
            elif investments and node.tag == SPLIT:
                yield self.split(node, investments)
            elif investments and node.tag in CHARGES:
                yield self.charged(statement, node)
            elif listed.tag == "INVTRANLIST" and node.tag not in NO_TRADES:
                reason = Reason("UNSUPPORTED", "type", node.tag)
                yield FileRow(node.line, trade_read(node), RowType.TRANSACTION, refusal=reason)

    def booked(self, statement: Aggregate, node: Aggregate) -> FileRow:
        def make() -> tuple[Item, ...] | Reason:
            on = ofx_day(node.value("DTPOSTED"))
            amount = self.amount(node.line, node.value("TRNAMT"))
            # CURRENCY is that of the amount; ORIGCURRENCY only says what was converted.
            account = self.account_of(statement, node.line, node.value("CURRENCY", "CURSYM"))
            note = note_of(node.value("NAME") or node.value("PAYEE", "NAME"), node.value("MEMO"))
            is_flow = node.value("TRNTYPE").upper() == "XFER" or self.is_between(node)
            return self.booking(account, on, amount, note, known_by(node.value("FITID")), is_flow=is_flow)

        return self.row(node.line, RowType.TRANSACTION, node.values, make)

    def traded(self, statement: Aggregate, node: Aggregate, investments: Investments) -> FileRow:
        def make() -> tuple[Item, ...] | Reason:
            items = investments.items(node, lambda currency: self.account_of(statement, node.line, currency))
            return items or Reason("SUMMARY_ROW")

        return self.row(node.line, RowType.TRANSACTION, trade_read(node), make)

    def split(self, node: Aggregate, investments: Investments) -> FileRow:
        return self.row(node.line, RowType.ACTION, trade_read(node), lambda: investments.split(node))

    def charged(self, statement: Aggregate, node: Aggregate) -> FileRow:
        def make() -> tuple[Item, ...] | Reason:
            on = ofx_day(node.value("INVTRAN", "DTTRADE"))
            amount = self.amount(node.line, node.value("TOTAL"))
            account = self.account_of(statement, node.line, node.value("CURRENCY", "CURSYM"))
            note, known = note_of(node.value("INVTRAN", "MEMO")), known_by(node.value("INVTRAN", "FITID"))
            return self.booking(account, on, amount, note, known)

        return self.row(node.line, RowType.TRANSACTION, trade_read(node), make)

    def positions(
        self, statement: Aggregate, investments: Investments, *, is_last: bool
    ) -> Iterator[FileRow]:
        """What is held is not what the rows add up to: the rest was there before the first of them."""
        listed = statement.first("INVPOSLIST")
        if listed is None:
            return
        is_complete = True  # else what is missing may be held still
        for part in (inner for node in listed.children for inner in node.all("INVPOS")):

            def make(part: Aggregate = part) -> tuple[Item, ...] | Reason:
                return investments.position(part, is_last=is_last) or Reason("NOT_A_TRANSACTION")

            row = self.row(part.line, RowType.PRICE, trade_read(part), make)
            is_complete &= row.refusal is None
            yield row
        if is_last and is_complete and (sold := investments.sold_out()):
            yield FileRow(listed.line, {"type": "INVPOSLIST"}, RowType.TRANSACTION, tuple(sold))

    def exact(self, line: int, text: str, field: str) -> Decimal:
        """A number with all of its places: a quantity, or a price."""
        number = read_number(text.strip(), self.decimal)
        if number is None:
            raise Refused("BAD_NUMBER" if text.strip() else "MISSING_FIELD", field, text[:100])
        return number.value

    def is_between(self, node: Aggregate) -> bool:
        """Whether the other side is an account of the same file."""
        return bool(node.children) and any(node.value(side, "ACCTID") in self.own for side in OTHER_SIDES)

    def balances(self, statement: Aggregate) -> Iterator[FileRow]:
        for node in statement.all("LEDGERBAL"):
            read = {"LEDGERBAL": node.value("BALAMT"), "DTASOF": node.value("DTASOF")}
            yield self.balance(statement, node, read)
        for node in statement.all("INVBAL"):
            if node.value("AVAILCASH"):
                read = {"AVAILCASH": node.value("AVAILCASH"), "DTASOF": statement.value("DTASOF")}
                yield self.balance(statement, node, read)

    def balance(self, statement: Aggregate, node: Aggregate, read: dict[str, str]) -> FileRow:
        amount, day = read.values()

        def make() -> tuple[Item, ...] | Reason:
            if not amount:
                return Reason("EMPTY")
            on, value = ofx_day(day), self.amount(node.line, amount, "balance")
            rank = rank_of(("", ""), time_of(day), time_of(self.made_at), is_closing=True)
            return (ValueItem(self.account_of(statement, node.line), on, value, rank=rank),)

        return self.row(node.line, RowType.VALUE, read, make)

    def account_of(self, statement: Aggregate, line: int, currency: str = "") -> str:
        """The account of the money. Many rows are of one."""
        of_statement = id(statement), currency
        key = self.keys.get(of_statement)
        if key is None:
            key = self.keys[of_statement] = self.new_account(statement, line, currency)
        return key

    def new_account(self, statement: Aggregate, line: int, currency: str) -> str:
        """An investment account's is named after it and its currency."""
        currency = (currency or statement.value("CURDEF")).upper()
        name = number_of(statement)
        if statement.tag == "CCSTMTRS":
            return self.account(line, name, currency, "CREDIT_CARD")
        if statement.tag == "INVSTMTRS":
            name = f"{name} {currency or self.options.currency or ''}".strip()
        kind = statement.value("BANKACCTFROM", "ACCTTYPE").upper()
        return self.account(line, name, currency, ASSET_TYPES.get(kind, "CHECKING_ACCOUNT"))


def number_of(statement: Aggregate) -> str:
    return statement.value(ACCOUNTS[statement.tag], "ACCTID")


def account_of(statement: Aggregate) -> tuple[str, str]:
    return number_of(statement), statement.value("CURDEF").upper()


def time_of(text: str) -> str:
    """The instant, "" for a day alone. Two banks that write one zone are compared as they write it."""
    return text if sum(map(str.isdecimal, text[:14])) > 8 else ""


def trade_read(node: Aggregate) -> dict[str, str]:
    """What the row says, whichever aggregate inside it says it."""
    return {"type": node.tag, **{name: text for part in node.walk() for name, text in part.values.items()}}


@lru_cache(maxsize=4_096)
def ofx_day(text: str) -> date:
    """The day as the bank writes it, before any conversion to UTC."""
    text = text.strip()
    match = _DAY.fullmatch(text)
    if match is None:
        raise Refused("BAD_DATE" if text else "MISSING_FIELD", "date", text[:100])
    return day_of(match[1], match[2], match[3], text)
