"""The file of Portfolio Performance (XML, plain or zipped): every booking once, with its money, prices and splits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from imports.formats.balances import add_balances
from imports.formats.cells import Refused
from imports.formats.row_results import filled
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    ActionItem,
    Example,
    FileRow,
    FileWarning,
    Instrument,
    Item,
    Options,
    PriceItem,
    Question,
    Reading,
    RowType,
    TransactionItem,
)
from imports.formats.trackers.performance_tree import ObjectTree
from imports.formats.trades import (
    ZERO,
    Trade,
    booking,
    earned_or_spent,
    flow,
    holding,
    money,
    paid_or_received,
    units,
)
from imports.reading.containers.markup import Node, parse_xml
from imports.reading.containers.workbooks import member
from imports.reading.currencies import is_currency
from imports.reading.days import read_day
from imports.reading.files import ARCHIVE, MARKUP, File
from imports.reading.numbers import plus
from imports.reading.refusals import FileRefused, Reason

NAME = "portfolio-performance-xml"
ENCRYPTED, BINARY = b"PORTFOLIO", b"PPPBV1"  # what the files begin with
_CLIENT = re.compile(rb"<client[\s>]")
_NUMBER = re.compile(r"-?[0-9]{1,30}")
_SPLIT = re.compile(r"\s*([0-9]{1,9})\s*[:/]\s*([0-9]{1,9})\s*")
NO_BOOKING = Reason("NOT_A_TRANSACTION")
MONEY_PLACES = 2
MOST_MEMBERS = 10
# Flows and what is earned or spent, by the types of bookings of an account: +1 is money that comes in.
FLOWS = {"DEPOSIT": 1, "REMOVAL": -1}
EARNED = {"INTEREST": 1, "FEES_REFUND": 1, "TAX_REFUND": 1, "INTEREST_CHARGE": -1, "FEES": -1, "TAXES": -1}
TRADES = {"BUY": "ACQUIRE", "SELL": "DISPOSE", "DELIVERY_INBOUND": "ACQUIRE", "DELIVERY_OUTBOUND": "DISPOSE"}


def fits(file: File, options: Options) -> int:
    if file.data.startswith((ENCRYPTED, BINARY)):
        return 100
    if file.kind == MARKUP:
        return 100 if _CLIENT.search(file.data[:4096]) and b"<version>" in file.data[:65536] else 0
    return 100 if file.kind == ARCHIVE and (xml_member(file) or is_binary(file)) else 0


def is_binary(file: File) -> bool:
    """Whether it is saved as protobuf, in an archive or not: its first bytes say so."""
    if file.data.startswith(BINARY):
        return True
    names = file.archive.namelist() if file.kind == ARCHIVE else []
    return any(file.archive.open(name).read(len(BINARY)) == BINARY for name in names[:MOST_MEMBERS])


def xml_member(file: File) -> str | None:
    return next((name for name in file.archive.namelist() if name.endswith("data.xml")), None)


def read(file: File, options: Options) -> Reading:
    if file.data.startswith(ENCRYPTED):
        raise FileRefused("ENCRYPTED_FILE")
    if is_binary(file):
        raise FileRefused("UNKNOWN_FORMAT", advice="BINARY_PORTFOLIO")
    name = xml_member(file) if file.kind == ARCHIVE else None
    tree = ObjectTree(parse_xml(member(file.archive, name) if name else file.data))
    if tree.root.tag != "client":
        raise FileRefused("UNKNOWN_FORMAT")
    reading = Reading(NAME, {"layout": NAME}, lambda reading: iter(()))
    reading.read = partial(rows_of, tree=tree, options=options)
    return reading


def rows_of(reading: Reading, *, tree: ObjectTree, options: Options) -> Iterator[FileRow]:
    reader = PerformanceReader(reading, tree, options)
    rows = sorted(reader.bookings(), key=lambda dated: dated[0])
    bookings = [row for _, row in rows]
    add_balances(reading, bookings)
    yield from bookings
    yield from reader.prices_and_splits()
    if reader.without_currency:
        reading.questions.append(
            Question("CURRENCY", "currency", examples=tuple(reader.without_currency[:5]))
        )
    if not rows and not reading.instruments:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class PerformanceReader:
    def __init__(self, reading: Reading, tree: ObjectTree, options: Options) -> None:
        self.reading, self.tree, self.options = reading, tree, options
        root = tree.root
        version = tree.text(root, "version")
        self.version = int(version) if version.isdigit() and len(version) < 6 else 0
        self.share_places = 5 if self.version <= 25 else 6 if self.version <= 48 else 8
        self.price_places = 2 if self.version <= 29 else 4 if self.version <= 48 else 8
        self.base = tree.text(root, "baseCurrency") or options.currency or ""
        self.accounts = tree.children(root.first("accounts"), "account")
        self.depots = tree.children(root.first("portfolios"), "portfolio")
        self.securities = tree.children(root.first("securities"), "security")
        self.without_currency: list[Example] = []
        self.names = self._unique_names()
        self.depots_of = self._depots_of_securities()
        self.first_days: dict[int, date] = {}

    def _unique_names(self) -> dict[int, str]:
        """Two accounts of one name are two: the second gets a number."""
        seen: dict[tuple[str, str], int] = {}
        names = {}
        for node in (*self.accounts, *self.depots):
            name = self.tree.text(node, "name")[:NAME_LENGTH] or node.tag
            key = node.tag, name
            seen[key] = seen.get(key, 0) + 1
            names[id(node)] = name if seen[key] == 1 else f"{name} ({seen[key]})"
        return names

    def _depots_of_securities(self) -> dict[int, list[Node]]:
        depots: dict[int, list[Node]] = {}
        for depot in self.depots:
            for transaction in self.tree.children(depot.first("transactions"), "portfolio-transaction"):
                security = self.tree.child(transaction, "security")
                if security is not None and depot not in depots.setdefault(id(security), []):
                    depots[id(security)].append(depot)
        return depots

    # --- rows ---

    def bookings(self) -> Iterator[tuple[date, FileRow]]:
        for account in self.accounts:
            for transaction in self.tree.children(account.first("transactions"), "account-transaction"):
                yield from self.row(transaction, partial(self.of_account, account))
        for depot in self.depots:
            for transaction in self.tree.children(depot.first("transactions"), "portfolio-transaction"):
                yield from self.row(transaction, partial(self.of_depot, depot))

    def row(
        self, node: Node, items: Callable[[Node, date, str], tuple[Item, ...] | None]
    ) -> Iterator[tuple[date, FileRow]]:
        """None for the side of a booking that is read at its other side."""
        kind = self.tree.text(node, "type")
        row = FileRow(node.line, self.read(node, kind), RowType.TRANSACTION)
        on = date.max
        try:
            on = self.day(node)
            read_items = items(node, on, kind)
            if read_items is None:
                return
            row.items = read_items
            row.skip = None if read_items else Reason("ZERO_ROW")
        except Refused as refused:
            row.refusal = refused.reason
        yield on, row

    def read(self, node: Node, kind: str) -> dict[str, str]:
        read = {"type": kind, "security": self.tree.text(node, "security", "name")}
        for name in ("date", "amount", "currencyCode", "shares", "note"):
            read[name] = self.tree.text(node, name)[:1_000]
        return {name: text for name, text in read.items() if text}

    def of_account(self, account: Node, node: Node, on: date, kind: str) -> tuple[Item, ...] | None:
        entry = self.tree.child(node, "crossEntry")
        if kind in ("BUY", "SELL"):
            return self.lonely_trade(account, node, on, kind) if entry is None else None
        if kind in ("TRANSFER_IN", "TRANSFER_OUT"):
            return self.transfer_of_money(account, node, on, kind, entry)
        amount, key = self.amount(node), self.account(account)
        note, known = self.tree.text(node, "note"), self.tree.text(node, "uuid")
        fee, tax = self.charges(node)
        if kind in FLOWS:
            return (flow(key, on, FLOWS[kind] * amount, note, known),) if amount else ()
        if kind == "DIVIDENDS":
            return self.dividend(account, node, on, amount)
        if kind not in EARNED:
            raise Refused("UNKNOWN_TYPE", "type", kind[:100])
        if kind == "INTEREST" and (fee or tax):
            currency = self.reading.accounts[key].currency
            gross = plus(amount, fee, tax)
            trade = Trade(key, "INCOME", on, currency, None, None, gross, fee, tax, note, known)
            return (booking(self.reading, node.line, trade),)
        return (earned_or_spent(key, on, EARNED[kind] * amount, note, known),) if amount else ()

    def lonely_trade(self, account: Node, node: Node, on: date, kind: str) -> tuple[Item, ...]:
        """The money of a purchase whose shares the file does not have."""
        amount = self.amount(node) * (-1 if kind == "BUY" else 1)
        return (
            flow(
                self.account(account), on, amount, self.tree.text(node, "note"), self.tree.text(node, "uuid")
            ),
        )

    def transfer_of_money(
        self, account: Node, node: Node, on: date, kind: str, entry: Node | None
    ) -> tuple[Item, ...] | None:
        """Both legs, at the account that pays. Their currencies and amounts may differ."""
        note = self.tree.text(node, "note")
        other = self.tree.child(entry, "accountTo")
        arrived = self.tree.child(entry, "transactionTo")
        paid = self.tree.child(entry, "transactionFrom")
        if kind == "TRANSFER_IN":
            if paid is not None and arrived is node:
                return None
            return (flow(self.account(account), on, self.amount(node), note, self.tree.text(node, "uuid")),)
        leaving = flow(self.account(account), on, -self.amount(node), note, self.tree.text(node, "uuid"))
        if other is None or arrived is None:
            return (leaving,)
        known = self.tree.text(arrived, "uuid")
        arriving = flow(self.account(other), on, self.amount(arrived), note, known, "in")
        return (leaving, arriving)

    def dividend(self, account: Node, node: Node, on: date, amount: Decimal) -> tuple[Item, ...]:
        security = self.tree.child(node, "security")
        key = self.account(account)
        fee, tax = self.charges(node)
        note, known = self.tree.text(node, "note"), self.tree.text(node, "uuid")
        currency = self.reading.accounts[key].currency
        if security is None:
            return (earned_or_spent(key, on, amount, note, known),) if amount else ()
        depot = self.depot_of(security, account)
        holder = self.names[id(depot)] if depot is not None else ""
        asset = holding(self.reading, self.instrument(security, currency), holder)
        gross = plus(amount, fee, tax)
        trade = Trade(asset, "INCOME", on, currency, None, None, gross, fee, tax, note, known)
        item = booking(self.reading, node.line, trade)
        return (item, paid_or_received(item, key, amount)) if amount else (item,)

    def depot_of(self, security: Node, account: Node) -> Node | None:
        """The securities account that has the security: that of the account, if it is among several."""
        depots = self.depots_of.get(id(security), [])
        own = [depot for depot in depots if self.tree.child(depot, "referenceAccount") is account]
        return next(iter(own or depots), None)

    def of_depot(self, depot: Node, node: Node, on: date, kind: str) -> tuple[Item, ...] | None:
        security = self.tree.child(node, "security")
        if security is None:
            raise Refused("MISSING_FIELD", "security")
        self.first_days[id(security)] = min(on, self.first_days.get(id(security), on))
        entry = self.tree.child(node, "crossEntry")
        if kind in ("TRANSFER_IN", "TRANSFER_OUT"):
            return self.transfer_of_shares(depot, node, on, kind, entry)
        if kind not in TRADES:
            raise Refused("UNKNOWN_TYPE", "type", kind[:100])
        currency = self.currency(self.tree.text(node, "currencyCode") or self.base, node)
        fee, tax = self.charges(node)
        total = self.amount(node)
        costs = plus(fee, tax)
        gross = plus(total, -costs) if TRADES[kind] == "ACQUIRE" else plus(total, costs)
        if gross < 0:
            raise Refused("OUT_OF_RANGE", "amount", format(gross, "f"))
        trade = Trade(
            holding(self.reading, self.instrument(security, currency), self.names[id(depot)]),
            TRADES[kind],
            on,
            currency,
            self.scaled(self.tree.text(node, "shares"), self.share_places, "shares"),
            None,
            gross,
            fee,
            tax,
            self.tree.text(node, "note"),
            self.tree.text(node, "uuid"),
        )
        item = booking(self.reading, node.line, trade)
        account = self.tree.child(entry, "account")
        if kind.startswith("DELIVERY") or account is None or not total:
            return (item,)
        paid = self.tree.child(entry, "accountTransaction")
        amount = self.amount(paid) if paid is not None else total
        sign = -1 if kind == "BUY" else 1
        return (item, paid_or_received(item, self.account(account), sign * amount))

    def transfer_of_shares(
        self, depot: Node, node: Node, on: date, kind: str, entry: Node | None
    ) -> tuple[Item, ...] | None:
        security = self.tree.child(node, "security")
        other = self.tree.child(entry, "portfolioTo")
        arrived = self.tree.child(entry, "transactionTo")
        if kind == "TRANSFER_IN" and arrived is node and self.tree.child(entry, "portfolioFrom") is not None:
            return None
        if security is None or other is None or arrived is None or kind == "TRANSFER_IN" or other is depot:
            raise Refused("UNSUPPORTED", "type", kind)
        currency = self.currency(self.tree.text(node, "currencyCode") or self.base, node)
        instrument = self.instrument(security, currency)
        quantity = self.scaled(self.tree.text(node, "shares"), self.share_places, "shares")
        note, known = self.tree.text(node, "note"), self.tree.text(node, "uuid")
        leaves, arrives = (
            holding(self.reading, instrument, self.names[id(place)]) for place in (depot, other)
        )
        leg: dict[str, Any] = {"note": note, "external_id": known}
        return (
            TransactionItem(leaves, "TRANSFER", on, None, None, -quantity, **leg),
            TransactionItem(arrives, "TRANSFER", on, None, None, quantity, **{**leg, "leg": "in"}),
        )

    def prices_and_splits(self) -> Iterator[FileRow]:
        for security in self.securities:
            name = self.tree.text(security, "name")
            for price in self.tree.children(security.first("prices"), "price"):
                read = {
                    "security": name,
                    "date": price.attributes.get("t", ""),
                    "price": price.attributes.get("v", ""),
                }
                yield filled(FileRow(price.line, read, RowType.PRICE), partial(self.price, security, price))
            for event in self.tree.children(security.first("events"), "event"):
                yield self.event(security, event)

    def price(self, security: Node, price: Node) -> tuple[Item, ...]:
        on = day_of(price.attributes.get("t", ""))
        number = units(self.scaled(price.attributes.get("v", ""), self.price_places, "price"), "price")
        key = self.reading.instrument(self.instrument(security, self.base))
        return (PriceItem(key, on, number),) if number else ()

    def event(self, security: Node, event: Node) -> FileRow:
        kind, details = self.tree.text(event, "type"), self.tree.text(event, "details")
        read = {"security": self.tree.text(security, "name"), "type": kind, "details": details[:1_000]}
        is_split = kind == "STOCK_SPLIT"
        split = partial(self.split, security, event, details) if is_split else lambda: NO_BOOKING
        return filled(FileRow(event.line, read, RowType.ACTION), split)

    def split(self, security: Node, event: Node, details: str) -> tuple[Item, ...] | Reason:
        on, ratio = self.day(event), _SPLIT.fullmatch(details)
        if ratio is None:
            raise Refused("BAD_NUMBER", "details", details[:100])
        if self.first_days.get(id(security), date.max) < on:
            # The program has divided the shares of earlier bookings already: an action would do it again.
            return Reason("ADJUSTED")
        key = self.reading.instrument(self.instrument(security, self.base))
        return (ActionItem(key, on, "split", int(ratio[1]), int(ratio[2])),)

    # --- what a node says ---

    def account(self, account: Node) -> str:
        currency = self.currency(self.tree.text(account, "currencyCode") or self.base, account)
        return self.reading.account(Account(self.names[id(account)], currency, "CHECKING_ACCOUNT"))

    def instrument(self, security: Node, currency: str) -> Instrument:
        """In its own currency, else in that of its first booking."""
        own = self.tree.text(security, "currencyCode") or currency
        name = self.tree.text(security, "name")[:NAME_LENGTH]
        symbol = self.tree.text(security, "tickerSymbol") or self.tree.text(security, "wkn")
        isin = self.tree.text(security, "isin").upper()
        if not (name or symbol or isin):
            raise Refused("MISSING_FIELD", "security")
        return Instrument(symbol[:40], name or symbol or isin, "share", self.currency(own, security), isin)

    def currency(self, code: str, node: Node) -> str:
        if code and not is_currency(code.upper()):
            raise Refused("BAD_CURRENCY", "currency", code[:20])
        if not code and len(self.without_currency) < 5:
            self.without_currency.append(Example(node.line, self.tree.text(node, "name")[:100]))
        return code.upper()

    def amount(self, node: Node | None) -> Decimal:
        text = self.tree.text(node, "amount")
        number = self.scaled(text, MONEY_PLACES, "amount")
        return money(self.reading, node.line if node else 0, number, "amount")

    def charges(self, node: Node) -> tuple[Decimal, Decimal]:
        """Fee and tax: of units, and in older versions of elements of their own."""
        charges = {"FEE": [ZERO], "TAX": [ZERO]}
        for unit in self.tree.children(self.tree.child(node, "units"), "unit"):
            amount = self.tree.child(unit, "amount")
            kind = unit.attributes.get("type", "")
            if kind in charges and amount is not None:
                charges[kind].append(self.scaled(amount.attributes.get("amount", ""), MONEY_PLACES, "fee"))
        for kind, tag in (("FEE", "fees"), ("TAX", "taxes")):
            if text := self.tree.text(node, tag):
                charges[kind].append(self.scaled(text, MONEY_PLACES, tag))
        return plus(*charges["FEE"]), plus(*charges["TAX"])

    def scaled(self, text: str, places: int, field: str) -> Decimal:
        """A whole number of the smallest units."""
        if not _NUMBER.fullmatch(text):
            raise Refused("BAD_NUMBER" if text else "MISSING_FIELD", field, text[:100])
        return Decimal(text).scaleb(-places)

    def day(self, node: Node) -> date:
        return day_of(self.tree.text(node, "date"))


def day_of(text: str) -> date:
    day = read_day(text[:10], None)
    if day is None:
        raise Refused("BAD_DATE" if text else "MISSING_FIELD", "date", text[:100])
    return day.on
