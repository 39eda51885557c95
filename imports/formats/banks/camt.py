"""CAMT.052, 053 and 054 of ISO 20022, of every version: elements are found by their local names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from imports.formats.banks.statements import (
    Span,
    StatementReader,
    day_of,
    in_order_of_days,
    known_by,
    note_of,
    rank_of,
    reference_of,
)
from imports.formats.cells import Refused
from imports.formats.rows import FileRow, FileWarning, Item, Options, Reading, RowType, ValueItem
from imports.reading.containers.markup import Node, parse_xml
from imports.reading.files import MARKUP, File
from imports.reading.numbers import POINT, plus
from imports.reading.refusals import FileRefused, Reason

NAME = "camt"
MESSAGES = {"BkToCstmrStmt": "Stmt", "BkToCstmrAcctRpt": "Rpt", "BkToCstmrDbtCdtNtfctn": "Ntfctn"}
OPENINGS, CLOSING = ("OPBD", "PRCD"), "CLBD"
ASSET_TYPE = "CHECKING_ACCOUNT"
# Addresses, agents and codes are most of a file, and nothing is read of them.
UNREAD = frozenset({"BkTxCd", "RltdAgts", "PstlAdr", "Refs", "AmtDtls", "RltdDts", "Strd", "Btch", "GrpHdr"})
UNREAD |= {"DbtrAcct", "CdtrAcct", "UltmtDbtr", "UltmtCdtr", "InitgPty", "ValDt", "Svcr", "Ownr", "TxsSummry"}
_MESSAGE = re.compile(rb"<(?:[A-Za-z0-9_.-]+:)?BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn)[\s>]")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[TZ+-].*)?", re.DOTALL)


def fits(file: File, options: Options) -> int:
    return 100 if file.kind == MARKUP and _MESSAGE.search(file.data[:65_536]) else 0


def read(file: File, options: Options) -> Reading:
    root = parse_xml(file.data, UNREAD)
    statements = [
        node for message, tag in MESSAGES.items() for parent in root.all(message) for node in parent.all(tag)
    ]
    if not statements and not any(root.all(message) for message in MESSAGES):
        raise FileRefused("UNKNOWN_FORMAT")
    reading = Reading(NAME, {"layout": NAME, "decimal": POINT}, lambda reading: iter(()))
    reading.read = lambda reading: CamtReader(reading, options, statements).rows()
    return reading


@dataclass(slots=True)
class Statement:
    """A statement with the rows of its entries. `total` is None where an entry could not be read."""

    node: Node
    name: str
    currency: str
    entries: list[FileRow] = field(default_factory=list)
    days: list[date] = field(default_factory=list)
    total: Decimal | None = Decimal(0)


class CamtReader(StatementReader):
    def __init__(self, reading: Reading, options: Options, statements: list[Node]) -> None:
        super().__init__(reading, options, POINT)
        self.nodes = statements

    def lines(self) -> Iterator[FileRow]:
        """The statements by their days: the first of an account has its opening, the last of a day its closing."""
        seen: set[tuple[str, str]] = set()
        for node in in_order_of_days(self.nodes, span_of):
            statement = Statement(node, account_name(node), account_currency(node))
            for entry in node.all("Ntry"):
                yield self.entry(statement, entry)
            account = statement.name, statement.currency
            yield from self.balances(statement, is_first=account not in seen)
            seen.add(account)

    # --- entries ---

    def entry(self, statement: Statement, node: Node) -> FileRow:
        """One booking, however many details it has."""
        status = node.value("Sts", "Cd") or node.value("Sts", "Prtry") or node.value("Sts")

        def make() -> tuple[Item, ...] | Reason:
            if status != "BOOK":
                return Reason("NOT_BOOKED", "status", status[:100])
            amount, currency = self.signed(node)
            on = camt_day(node, "BookgDt")
            account = self.account(node.line, statement.name, currency or statement.currency, ASSET_TYPE)
            if currency in ("", statement.currency):
                statement.days.append(on)
                statement.total = None if statement.total is None else plus(statement.total, amount)
            known = reference_of(node.value("AcctSvcrRef"))
            if known:  # a booking that is taken back may have the reference of the first
                known = known_by(f"{known}/{on}/{amount.normalize():f}")
            return self.booking(account, on, amount, note_of(*self.texts(node)), known)

        row = self.row(node.line, RowType.TRANSACTION, self.shown(node, status), make)
        if row.refusal:
            statement.total = None
        return row

    def texts(self, node: Node) -> Iterator[str]:
        """Who the other side is and what it is for, of all details; else what the bank says of it."""
        received = node.value("CdtDbtInd") == "CRDT"
        said = False
        for details in node.all("NtryDtls"):
            for part in details.all("TxDtls"):
                side = part.first("RltdPties", "Dbtr" if received else "Cdtr")
                name = (side.value("Nm") or side.value("Pty", "Nm")) if side else ""
                remittance = part.first("RmtInf")
                for text in (name, *([each.text for each in remittance.all("Ustrd")] if remittance else ())):
                    said = said or bool(text.strip())
                    yield text
        if not said:
            yield node.value("AddtlNtryInf")

    def shown(self, node: Node, status: str) -> dict[str, str]:
        amount = node.first("Amt")
        return {
            "amount": f"{node.value('Amt')} {amount.attributes.get('Ccy', '') if amount else ''}",
            "direction": node.value("CdtDbtInd"),
            "status": status,
            "booked": node.value("BookgDt", "Dt") or node.value("BookgDt", "DtTm"),
            "reference": node.value("AcctSvcrRef"),
            "text": note_of(*self.texts(node)),
        }

    def signed(self, node: Node) -> tuple[Decimal, str]:
        """The amount, negative where it is a debit, and its currency."""
        stated = node.first("Amt")
        amount = self.amount(node.line, node.value("Amt"))
        direction = node.value("CdtDbtInd")
        if direction not in ("CRDT", "DBIT"):
            raise Refused("UNKNOWN_TYPE" if direction else "MISSING_FIELD", "direction", direction[:100])
        currency = stated.attributes.get("Ccy", "") if stated else ""
        return amount if direction == "CRDT" else -amount, currency

    # --- balances ---

    def balances(self, statement: Statement, *, is_first: bool) -> Iterator[FileRow]:
        """Closings are values; so is the opening of the first statement of an account. Others are only checked."""
        amounts: dict[str, Decimal] = {}
        for node in statement.node.all("Bal"):
            code = node.value("Tp", "CdOrPrtry", "Cd")
            read = {"balance": code, "amount": node.value("Amt"), "direction": node.value("CdtDbtInd")}
            read["date"] = node.value("Dt", "Dt") or node.value("Dt", "DtTm")

            def make(node: Node = node, code: str = code) -> tuple[Item, ...] | Reason:
                if code not in (*OPENINGS, CLOSING):
                    return Reason("NOT_A_TRANSACTION")
                amount, currency = self.signed(node)
                if currency and statement.currency and currency != statement.currency:
                    return Reason("NOT_A_TRANSACTION")
                on = camt_day(node, "Dt")
                amounts[CLOSING if code == CLOSING else OPENINGS[0]] = amount
                if code != CLOSING and not is_first:
                    return Reason("SUMMARY_ROW")
                if code != CLOSING and statement.days:
                    on = min(on, min(statement.days) - timedelta(days=1))
                account = self.account(node.line, statement.name, currency or statement.currency, ASSET_TYPE)
                number = statement.node.value("ElctrncSeqNb") or statement.node.value("LglSeqNb")
                made_at, is_closing = statement.node.value("CreDtTm"), code == CLOSING
                rank = rank_of((number.strip(), ""), made_at, is_closing=is_closing)
                return (ValueItem(account, on, amount, rank=rank),)

            yield self.row(node.line, RowType.VALUE, read, make)
        self.check(statement, amounts)

    def check(self, statement: Statement, amounts: dict[str, Decimal]) -> None:
        if len(amounts) == 2 and statement.total is not None:
            computed = plus(amounts[OPENINGS[0]], statement.total)
            if computed != amounts[CLOSING]:
                text = f"{computed:f} / {amounts[CLOSING]:f}"
                self.reading.warn(FileWarning("BALANCE_DIFFERS", statement.node.line, "balance", text))


def span_of(node: Node) -> Span:
    days = [day_text(part, "Dt") for part in node.all("Bal")]
    days += [day_text(part, "BookgDt") for part in node.all("Ntry")]
    days = [day for day in days if day] or [""]
    balances = {"": ""}
    for part in node.all("Bal"):
        code = part.value("Tp", "CdOrPrtry", "Cd")
        kind = CLOSING if code == CLOSING else OPENINGS[0] if code in OPENINGS else ""
        balances[kind] = f"{part.value('CdtDbtInd')} {part.value('Amt')}"
    account = account_name(node), account_currency(node)
    return Span(account, min(days), max(days), balances.get(OPENINGS[0], ""), balances.get(CLOSING, ""))


def day_text(node: Node, tag: str) -> str:
    return (node.value(tag, "Dt") or node.value(tag, "DtTm"))[:10]


def account_name(node: Node) -> str:
    identity = node.first("Acct", "Id")
    return (identity.value("IBAN") or identity.value("Othr", "Id")) if identity else ""


def account_currency(node: Node) -> str:
    """That of the account, else that of its first balance or entry: files need not name it."""
    if stated := node.value("Acct", "Ccy"):
        return stated
    amounts = (part.first("Amt") for part in (*node.all("Bal"), *node.all("Ntry")))
    return next((amount.attributes["Ccy"] for amount in amounts if amount and "Ccy" in amount.attributes), "")


def camt_day(node: Node, tag: str) -> date:
    """The day as the bank writes it, before any conversion to UTC."""
    text = node.value(tag, "Dt") or node.value(tag, "DtTm")
    match = _DAY.fullmatch(text)
    if match is None:
        raise Refused("BAD_DATE" if text else "MISSING_FIELD", "date", text[:100])
    return day_of(match[1], match[2], match[3], text)
