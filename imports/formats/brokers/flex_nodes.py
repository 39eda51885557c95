"""What the attributes of a row of a Flex query say: its day, its numbers, its security and its accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from imports.formats.brokers.money import Booker
from imports.formats.cells import CellReader, Refused
from imports.formats.quote_units import PER_CENT
from imports.formats.rows import NAME_LENGTH, Account, Instrument, Options, Reading
from imports.formats.trades import ZERO, cash_account, holding
from imports.reading.containers.markup import Node
from imports.reading.currencies import major_currency
from imports.reading.numbers import times

BROKER = "Interactive Brokers"
DAYS = ("tradeDate", "dateTime", "settleDate", "reportDate")
KINDS = {"STK": "share", "FUND": "fund", "BOND": "bond", "BILL": "bond", "CRYPTO": "crypto"}
KINDS |= {"OPT": "option", "WAR": "option", "IOPT": "option", "CMDTY": "commodity"}
IN_PER_CENT = ("BOND", "BILL")
PENCE = Decimal("0.01")


def statements_of(root: Node) -> list[Node]:
    """They are in a list, or directly under the root."""
    return [node for node in root.walk() if node.tag == "FlexStatement"]


@dataclass(slots=True)
class FlexFile:
    """`account` is that of the statement that is read."""

    reading: Reading
    cells: CellReader
    options: Options
    account: str = ""

    def number(self, node: Node, name: str) -> Decimal | None:
        text = node.attributes.get(name, "").strip()
        return self.cells.number(node.line, text, name)[0] if text and text != "--" else None

    def money(self, node: Node, name: str, unit: str) -> Decimal | None:
        """In the currency: what is in pence is a hundredth of it."""
        number = self.number(node, name)
        return number if number is None or unit == "1" else times(number, PENCE)

    def currency(self, node: Node, name: str = "currency") -> tuple[str, str]:
        text = node.attributes.get(name, "").strip()
        code, unit = major_currency(text)
        if not code:
            raise Refused("BAD_CURRENCY" if text else "MISSING_FIELD", name, text[:20])
        return code, unit

    def day(self, node: Node) -> date:
        """The day before the time of day, as "20200115;153201" has it."""
        texts = (node.attributes.get(name, "").partition(";")[0].strip() for name in DAYS)
        return self.cells.day(node.line, next((text for text in texts if text), ""))

    def holder(self, node: Node) -> str:
        own = self.account or node.attributes.get("accountId", "").strip()
        return (self.options.account or own)[: NAME_LENGTH - 4]

    def cash(self, node: Node, currency: str) -> str:
        return cash_account(self.reading, currency, self.holder(node))

    def booker(self, node: Node, currency: str) -> Booker:
        return Booker(
            self.reading,
            node.line,
            self.day(node),
            self.cash(node, currency),
            node.attributes.get("description", "").strip(),
            node.attributes.get("transactionID", "").strip(),
        )

    def quote_unit(self, node: Node, unit: str) -> str:
        """Bonds are quoted in per cent, options for one of the shares that they are of."""
        kind = node.attributes.get("assetCategory", "").upper()
        if unit != "1" or kind in IN_PER_CENT:
            return PER_CENT
        multiplier = self.number(node, "multiplier") or Decimal(1)
        if kind not in ("OPT", "WAR", "IOPT") or multiplier <= 0:
            return "1"
        ratio = multiplier.as_integer_ratio()
        return str(ratio[0]) if ratio[1] == 1 else f"{ratio[0]}/{ratio[1]}"

    def instrument(self, node: Node) -> Instrument:
        currency, unit = self.currency(node)
        given = node.attributes
        symbol, isin = given.get("symbol", "").strip(), given.get("isin", "").strip().upper()
        name = given.get("description", "").strip()[:NAME_LENGTH] or symbol or isin
        if not symbol and not isin:
            raise Refused("MISSING_FIELD", "symbol")
        if len(symbol) > NAME_LENGTH or len(isin) > NAME_LENGTH:
            raise Refused("BAD_NAME", "symbol", (symbol or isin)[:NAME_LENGTH])
        kind = KINDS.get(given.get("assetCategory", "").upper(), "share")
        ids = other_ids(node)
        if len(isin) == 12:
            ids["isin"] = isin
        unit = self.quote_unit(node, unit)
        return Instrument(symbol[:40] or isin[:40], name, kind, currency, quote_unit=unit, **ids)

    def holding(self, node: Node) -> str:
        return holding(self.reading, self.instrument(node), self.holder(node) or BROKER)

    def key_of(self, node: Node) -> str:
        """The key of the account that the row's security has, without making one."""
        instrument = self.instrument(node)
        return Account(instrument.name, instrument.currency, "", instrument, self.holder(node) or BROKER).key

    def has_security(self, node: Node) -> bool:
        return bool(node.attributes.get("symbol", "").strip() or node.attributes.get("isin", "").strip())


def other_ids(node: Node) -> dict[str, str]:
    """CUSIP and SEDOL, and an ISIN that is in the field of any id."""
    ids = {"cusip": node.attributes.get("cusip", "").strip()}
    kind = node.attributes.get("securityIDType", "").strip().lower()
    if kind in ("isin", "cusip", "sedol"):
        ids[kind] = node.attributes.get("securityID", "").strip().upper()
    return {name: text for name, text in ids.items() if text}


def security_of(node: Node) -> tuple[str, ...]:
    """By what two rows are of the same security."""
    names = ("isin", "conid", "cusip", "symbol", "currency")
    return tuple(node.attributes.get(name, "").strip() for name in names)


def or_zero(number: Decimal | None) -> Decimal:
    return ZERO if number is None else number
