"""The securities of an OFX file: their list, trades and income, and what was held before the first row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from imports.formats.banks.ofx_tree import Aggregate
from imports.formats.banks.statements import known_by, note_of
from imports.formats.cells import Refused
from imports.formats.quote_units import OPTION_SHARES, PER_CENT, QuoteUnits
from imports.formats.rows import (
    ActionItem,
    FileWarning,
    Instrument,
    Item,
    PriceItem,
    QuantityItem,
    Reading,
    TransactionItem,
)
from imports.formats.trades import (
    PLACES,
    Trade,
    amount_of,
    booking,
    holding,
    money,
    paid_or_received,
    units,
)
from imports.reading.currencies import is_currency, minor_units
from imports.reading.numbers import plus, rounded_fraction

KINDS = {"STOCKINFO": "share", "MFINFO": "fund", "DEBTINFO": "bond", "OPTINFO": "option"}
ASSET_TYPES = {"share": "STOCKS", "fund": "FUND", "bond": "BONDS", "option": "STOCKS"}
BUYS = frozenset({"BUYSTOCK", "BUYMF", "BUYDEBT", "BUYOPT", "BUYOTHER"})
SELLS = frozenset({"SELLSTOCK", "SELLMF", "SELLDEBT", "SELLOPT", "SELLOTHER"})
INCOME, REINVEST = "INCOME", "REINVEST"
DELIVERY, SPLIT = "TRANSFER", "SPLIT"
TRADES = BUYS | SELLS | {INCOME, REINVEST, DELIVERY}
MOST_SHARES = 10_000  # that a split gives for one, or takes for one
CHARGES = frozenset({"INVEXPENSE", "MARGININTEREST"})  # of money alone
FEES, TAXES = ("COMMISSION", "FEES", "LOAD"), ("TAXES", "WITHHOLDING", "STATEWITHHOLDING")
ZERO = Decimal(0)
SYMBOL_LENGTH = 40
ONE = Fraction(1)
ACCRUED = "accrued"  # the leg of a bond's interest
type Moved = tuple[date, Fraction, Decimal]  # on which day, by which ratio, and then by how many units
type ReadNumber = Callable[[int, str, str], Decimal]
type ReadDay = Callable[[str], date]


def body_of(node: Aggregate) -> Aggregate:
    """The aggregate that has the numbers of a trade."""
    return node.first("INVBUY") or node.first("INVSELL") or node


class Securities:
    """The list of securities, by the ids that trades and positions name them by."""

    def __init__(self, root: Aggregate, number: ReadNumber) -> None:
        self.known: dict[str, Aggregate] = {}
        self.kinds: dict[str, str] = {}
        for listed in (node for node in root.walk() if node.tag == "SECLIST"):
            for node in listed.children:
                info = node.first("SECINFO")
                if info and (unique := info.value("SECID", "UNIQUEID")):
                    self.known.setdefault(unique, info)
                    self.kinds.setdefault(unique, KINDS.get(node.tag, "other"))
        self.tickers = Counter(info.value("TICKER") for info in self.known.values())
        self.usual_units: dict[str, str] = {}  # of those that are not quoted for one unit
        self.quote_units = QuoteUnits()
        self.read_quote_units(root, number)

    def read_quote_units(self, root: Aggregate, number: ReadNumber) -> None:
        for listed in (node for node in root.walk() if node.tag in ("DEBTINFO", "OPTINFO")):
            shares = listed.value("SHPERCTRT").strip()
            unit = shares if shares.isdigit() and 0 < int(shares) < MOST_SHARES else OPTION_SHARES
            unique = listed.value("SECINFO", "SECID", "UNIQUEID")
            self.usual_units[unique] = PER_CENT if listed.tag == "DEBTINFO" else unit
        for node in root.walk() if self.usual_units else ():
            unique = node.value("SECID", "UNIQUEID")
            if unique in self.usual_units and node.tag in ("INVBUY", "INVSELL", "INVPOS"):
                total = "MKTVAL" if node.tag == "INVPOS" else "TOTAL"
                try:
                    numbers = [
                        number(node.line, node.value(name), name) for name in ("UNITS", "UNITPRICE", total)
                    ]
                except Refused:
                    continue
                self.quote_units.see(unique, self.usual_units[unique], *numbers)

    def quote_unit(self, part: Aggregate) -> str:
        unique = part.value("SECID", "UNIQUEID")
        return self.quote_units.of(unique, self.usual_units.get(unique, "1"))

    def account(self, reading: Reading, part: Aggregate, holder: str, currency: str) -> str:
        """The account of the security that the part names."""
        unique = part.value("SECID", "UNIQUEID")
        if not unique:
            raise Refused("MISSING_FIELD", "security")
        info = self.known.get(unique)
        if info:
            currency = info.value("CURRENCY", "CURSYM").upper() or currency
        if not is_currency(currency):
            raise Refused("BAD_CURRENCY" if currency else "MISSING_FIELD", "currency", currency[:20])
        ticker = info.value("TICKER") if info else ""
        symbol = ticker if ticker and self.tickers[ticker] == 1 else unique
        if not symbol.isprintable() or len(symbol) > SYMBOL_LENGTH:
            raise Refused("BAD_NAME", "security", symbol[:SYMBOL_LENGTH])
        name = note_of(info.value("SECNAME"))[:200] if info else unique
        kind = self.kinds.get(unique, "other")
        kind_of_id = part.value("SECID", "UNIQUEIDTYPE").strip().lower()
        ids = {kind_of_id: unique} if kind_of_id in ("isin", "cusip", "sedol") else {}
        unit = self.quote_unit(part)
        instrument = Instrument(symbol, name or symbol, kind, currency, quote_unit=unit, **ids)
        return holding(reading, instrument, holder, ASSET_TYPES.get(kind, "OTHER"))


class Investments:
    """Trades of one investment account, of which a file may have several statements.

    `moved` has the units that its rows have moved, and its splits, by the account of each security.
    """

    def __init__(
        self,
        reading: Reading,
        securities: Securities,
        statement: Aggregate,
        number: ReadNumber,
        day: ReadDay,
        currency: str,
    ) -> None:
        self.reading, self.securities = reading, securities
        self.number, self.day = number, day
        self.holder = statement.value("INVACCTFROM", "ACCTID")
        self.currency = statement.value("CURDEF").upper() or currency
        self.moved: dict[str, list[Moved]] = {}
        self.first_on: date | None = None
        self.known: set[str] = set()
        self.reinvested: set[int] = set()

    def open(self, statement: Aggregate) -> None:
        listed = statement.first("INVTRANLIST")
        self.reinvested |= pairs_of(listed.children if listed else [])

    def items(self, node: Aggregate, cash: Callable[[str], str]) -> tuple[Item, ...]:
        """A trade with its money, or income. A dividend that buys the same security is one booking: that of the
        purchase; the row of the dividend has none.
        """
        part = body_of(node)
        currency = part.value("CURRENCY", "CURSYM").upper() or self.currency
        on = self.day(part.value("INVTRAN", "DTTRADE"))
        total = self.optional(part, "TOTAL")
        is_reinvested = node.tag == REINVEST or id(node) in self.reinvested
        account = self.securities.account(self.reading, part, self.holder, currency)
        note, known = note_of(part.value("INVTRAN", "MEMO")), known_by(part.value("INVTRAN", "FITID"))
        unit = self.securities.quote_unit(part)
        trade = Trade(account, "INCOME", on, currency, note=note, external_id=known, quote_unit=unit)
        accrued = ZERO
        if node.tag == INCOME:
            if is_reinvested:
                return ()
            self.fill_income(trade, part, total)
        elif node.tag == DELIVERY:
            self.fill_delivery(trade, node)
        elif is_reinvested:
            self.fill_units(trade, node, part)
            trade.amount = None if total is None else abs(total)
        else:
            accrued = money(self.reading, node.line, self.optional(node, "ACCRDINT") or ZERO, "accrued")
            self.fill_trade(trade, node, part, total, accrued)
        booked = booking(self.reading, node.line, trade)
        items: tuple[Item, ...] = (booked, *self.interest(booked, accrued))
        if not is_reinvested and node.tag != DELIVERY and (received := self.received(node, booked, total)):
            received = plus(received, accrued if node.tag in SELLS else -accrued)
            items = *items, paid_or_received(booked, cash(currency), received)
        if booked.quantity and known not in self.known:  # statements may overlap
            self.known |= {known} - {""}
            self.move(account, on, -booked.quantity if trade.type == "DISPOSE" else booked.quantity)
        self.first_on = on if self.first_on is None else min(self.first_on, on)
        return items

    def fill_delivery(self, trade: Trade, node: Aggregate) -> None:
        """Shares from or to another broker, without money. What they cost may not be in the file: then it is 0."""
        self.fill_units(trade, node, node)
        action = node.value("TFERACTION").upper()
        if action not in ("IN", "OUT"):
            raise Refused("UNKNOWN_TYPE" if action else "MISSING_FIELD", "type", action[:100])
        trade.type = "ACQUIRE" if action == "IN" else "DISPOSE"
        trade.amount = None if trade.price else ZERO

    def split(self, node: Aggregate) -> tuple[Item, ...]:
        """New shares for old ones, as the ratio says, else the quantities."""
        on, known = self.day(node.value("INVTRAN", "DTTRADE")), known_by(node.value("INVTRAN", "FITID"))
        currency = node.value("CURRENCY", "CURSYM").upper() or self.currency
        account = self.securities.account(self.reading, node, self.holder, currency)
        parts = [self.optional(node, name) for name in ("NUMERATOR", "DENOMINATOR")]
        if not all(parts):
            parts = [self.optional(node, name) for name in ("NEWUNITS", "OLDUNITS")]
        new, old = parts
        if not new or not old or new < 0 or old < 0:
            raise Refused("MISSING_FIELD", "quantity")
        ratio = Fraction(new) / Fraction(old)
        if max(ratio.as_integer_ratio()) > MOST_SHARES or self.optional(node, "FRACCASH"):
            raise Refused("UNSUPPORTED_ACTION", "quantity", f"{new:f}:{old:f}")
        if known not in self.known:
            self.known |= {known} - {""}
            self.moved.setdefault(account, []).append((on, ratio, ZERO))
        self.first_on = on if self.first_on is None else min(self.first_on, on)
        security = self.reading.accounts[account].instrument
        if security is None:
            return ()
        return (ActionItem(security.key, on, "split", ratio.numerator, ratio.denominator),)

    def fill_income(self, trade: Trade, part: Aggregate, total: Decimal | None) -> None:
        """The total is what was received: tax that was withheld comes on top. What is taken back is spent."""
        if total is None:
            raise Refused("MISSING_FIELD", "amount")
        tax = self.sum(part, TAXES)
        if total > 0:
            trade.amount, trade.tax = plus(total, tax), tax
        else:
            trade.type, trade.amount = "EXPENSE", -total

    def fill_units(self, trade: Trade, node: Aggregate, part: Aggregate) -> None:
        trade.quantity = abs(self.number(node.line, part.value("UNITS"), "quantity"))
        trade.price = self.optional(part, "UNITPRICE")

    def interest(self, booked: TransactionItem, accrued: Decimal) -> tuple[TransactionItem, ...]:
        """The interest since the last coupon, which the buyer of a bond pays and the seller receives."""
        if not accrued:
            return ()
        kind = "EXPENSE" if booked.type == "ACQUIRE" else "INCOME"
        known = f"{booked.external_id}/{ACCRUED}" if booked.external_id else ""
        interest = booked._replace(
            type=kind, amount=accrued, quantity=None, unit_price=None, fee=ZERO, tax=ZERO
        )
        return (interest._replace(external_id=known, leg=ACCRUED),)

    def fill_trade(
        self, trade: Trade, node: Aggregate, part: Aggregate, total: Decimal | None, accrued: Decimal
    ) -> None:
        """The total has the fees and taxes in it, and the interest that has accrued."""
        self.fill_units(trade, node, part)
        trade.type = "DISPOSE" if node.tag in SELLS else "ACQUIRE"
        trade.fee, trade.tax = self.sum(part, FEES), self.sum(part, TAXES)
        if total is not None:
            costs = plus(trade.fee, trade.tax)
            trade.amount = plus(abs(total), costs if node.tag in SELLS else -costs, -accrued)

    def received(self, node: Aggregate, booked: TransactionItem, total: Decimal | None) -> Decimal:
        """What the money of the trade is: the total of the file, with the sign that its type has."""
        if node.tag == INCOME:
            return total or ZERO
        costs = plus(booked.fee, booked.tax)
        amount = booked.amount or ZERO
        return plus(amount, -costs) if node.tag in SELLS else -plus(amount, costs)

    def position(self, node: Aggregate, *, is_last: bool) -> tuple[Item, ...]:
        """The price; of the last statement also what was held before the first row: what is held less what the rows
        have moved.
        """
        currency = node.value("CURRENCY", "CURSYM").upper() or self.currency
        account = self.securities.account(self.reading, node, self.holder, currency)
        on = self.day(node.value("DTPRICEASOF"))
        held = self.number(node.line, node.value("UNITS"), "quantity")
        if node.value("POSTYPE").upper() == "SHORT" and held > 0:
            held = -held
        items: list[Item] = []
        if is_last:
            items += self.before_first(account, held_before(held, self.moved.pop(account, [])), on)
        price, worth = self.optional(node, "UNITPRICE"), self.optional(node, "MKTVAL")
        product = amount_of(held, price, self.securities.quote_unit(node))
        security = self.reading.accounts[account].instrument
        if price is None or product is None or security is None:
            return tuple(items)
        if worth is not None and abs(plus(product, -abs(worth))) > Decimal(1).scaleb(-minor_units(currency)):
            self.reading.warn(FileWarning("PRICE_DISAGREES", node.line, "price", f"{product:f} / {worth:f}"))
        elif currency == security.currency and (quoted := units(price, "price")):
            items.append(PriceItem(security.key, on, quoted))
        return tuple(items)

    def before_first(self, account: str, quantity: Decimal, on: date) -> list[Item]:
        first = self.first_on - timedelta(days=1) if self.first_on else on
        return [QuantityItem(account, first, quantity)]

    def sold_out(self) -> list[Item]:
        """What was held before of securities that are held no more. Only where the file says what is held."""
        left = [
            item
            for account, moved in self.moved.items()
            for item in self.before_first(account, held_before(ZERO, moved), date.max)
        ]
        self.moved.clear()
        return left

    def move(self, account: str, on: date, quantity: Decimal) -> None:
        self.moved.setdefault(account, []).append((on, ONE, quantity))

    def optional(self, node: Aggregate, name: str) -> Decimal | None:
        text = node.value(name)
        return self.number(node.line, text, name.lower()) if text else None

    def sum(self, node: Aggregate, names: tuple[str, ...]) -> Decimal:
        return plus(*(self.optional(node, name) or ZERO for name in names))


def held_before(held: Decimal, moved: list[Moved]) -> Decimal:
    """What was held before all of this, if that much is held after it: splits come before the trades of their day."""
    quantity = Fraction(held)
    for _, ratio, number in sorted(moved, key=lambda move: (move[0], move[1] == 1), reverse=True):
        quantity = (quantity - Fraction(number)) / ratio
    return rounded_fraction(quantity, PLACES)


def pairs_of(rows: list[Aggregate]) -> set[int]:
    """The rows, by their identity, that are a dividend and the purchase of the same security, day and amount."""
    dividends: dict[tuple[str, str, str], list[Aggregate]] = {}
    for node in rows:
        if node.tag == INCOME:
            dividends.setdefault(pair_key(node), []).append(node)
    pairs: set[int] = set()
    for node in rows:
        if node.tag in BUYS and (paid := dividends.get(pair_key(node))):
            pairs |= {id(node), id(paid.pop())}
    return pairs


def pair_key(node: Aggregate) -> tuple[str, str, str]:
    part = body_of(node)
    total = part.value("TOTAL").lstrip("+-0").rstrip()
    return part.value("SECID", "UNIQUEID"), part.value("INVTRAN", "DTTRADE")[:8], total
