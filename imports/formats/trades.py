"""Bookings of securities and of money, with the rules that hold for every format.

An amount is before fee and tax. The price is as it is quoted, and is left out where it does not agree with the amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from imports.formats.cells import Refused
from imports.formats.rows import CASH, MOST_MONEY, Account, FileWarning, Instrument, Reading, TransactionItem
from imports.reading.currencies import minor_units
from imports.reading.numbers import plus, rounded_money, rounded_to, times

MOST_DIGITS, PLACES = 20, 18
ZERO = Decimal(0)


@dataclass(slots=True)
class Trade:
    """What a row says of one booking. Without an amount it is quantity x price x `quote_unit`."""

    account: str
    type: str
    on: date
    currency: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = ZERO
    tax: Decimal = ZERO
    note: str = ""
    external_id: str = ""
    quote_unit: str = "1"
    leg: str = ""


def booking(reading: Reading, line: int, trade: Trade) -> TransactionItem:
    """Raises Refused for numbers that are too large. Says what is rounded or left out."""
    product = amount_of(trade.quantity, trade.price, trade.quote_unit)
    stated = product if trade.amount is None else trade.amount
    if stated is None:
        raise Refused("MISSING_FIELD", "amount")
    amount = money(reading, line, stated, "amount")
    price = trade.price
    if product is not None and trade.amount is not None:
        places = minor_units(trade.currency)
        if abs(plus(product, -abs(trade.amount))) >= Decimal(1).scaleb(-places):
            price = None
            reading.warn(FileWarning("PRICE_DISAGREES", line, "price", f"{product:f} / {trade.amount:f}"))
    quantity, price = units(trade.quantity, "quantity"), units(price, "price")
    return TransactionItem(
        trade.account,
        trade.type,
        trade.on,
        None,
        abs(amount),
        quantity=quantity,
        unit_price=None if quantity is None else price,
        fee=abs(money(reading, line, trade.fee, "fee")),
        tax=abs(money(reading, line, trade.tax, "tax")),
        note=trade.note[:10_000],
        external_id=trade.external_id[:150],
        currency=trade.currency,
        leg=trade.leg,
    )


def amount_of(quantity: Decimal | None, price: Decimal | None, quote_unit: str = "1") -> Decimal | None:
    """quantity x price in the currency; None where one of them is missing."""
    if quantity is None or price is None:
        return None
    unit = Fraction(quote_unit)
    product = times(times(abs(quantity), abs(price)), Decimal(unit.numerator))
    return times(product, Decimal(1) / Decimal(unit.denominator))


def units(number: Decimal | None, field: str) -> Decimal | None:
    """A quantity or a price without its sign, with the places that these have. Raises Refused where it is too large."""
    if number is None:
        return None
    if number.adjusted() >= MOST_DIGITS:
        raise Refused("OUT_OF_RANGE", field, format(number, "f")[:100])
    return rounded_to(abs(number), PLACES)


def money(reading: Reading, line: int, number: Decimal, field: str) -> Decimal:
    """The number with the places that an amount has."""
    value, was_rounded = rounded_money(number)
    if was_rounded:
        reading.warn(FileWarning("ROUNDED", line, field, format(number, "f")[:100]))
    if abs(value) >= MOST_MONEY:
        raise Refused("OUT_OF_RANGE", field, format(number, "f")[:100])
    return value


def paid_or_received(trade: TransactionItem, account: str, amount: Decimal) -> TransactionItem:
    """The leg of a trade on the account that receives the amount, or pays it where it is negative."""
    kind = "ACQUIRE" if amount > 0 else "DISPOSE"
    return TransactionItem(
        account,
        kind,
        trade.on,
        None,
        abs(amount),
        note=trade.note,
        external_id=f"{trade.external_id}/{CASH}" if trade.external_id else "",
        leg=CASH,
    )


def received(item: TransactionItem) -> Decimal:
    """What a booking of an account without a security brings in, or costs where it is negative."""
    costs, amount = plus(item.fee, item.tax), item.amount or ZERO
    return plus(amount, -costs) if item.type in ("ACQUIRE", "INCOME") else plus(-amount, -costs)


def net_of(item: TransactionItem) -> Decimal:
    """What the booking brings in, or costs where it is negative, with its fee and its tax."""
    costs = plus(item.fee, item.tax)
    amount = item.amount or ZERO
    is_paid = item.type in ("ACQUIRE", "EXPENSE")
    return plus(-amount, -costs) if is_paid else plus(amount, -costs)


def flow(
    account: str, on: date, amount: Decimal, note: str = "", external_id: str = "", leg: str = ""
) -> TransactionItem:
    """Money that came in, or left where it is negative, and is neither earned nor spent."""
    kind = "ACQUIRE" if amount > 0 else "DISPOSE"
    return TransactionItem(
        account, kind, on, None, abs(amount), note=note[:10_000], external_id=external_id[:150], leg=leg
    )


def earned_or_spent(
    account: str, on: date, amount: Decimal, note: str = "", external_id: str = "", leg: str = ""
) -> TransactionItem:
    kind = "INCOME" if amount > 0 else "EXPENSE"
    return TransactionItem(
        account, kind, on, None, abs(amount), note=note[:10_000], external_id=external_id[:150], leg=leg
    )


def cash_account(reading: Reading, currency: str, holder: str = "") -> str:
    """The account of the money: that of the broker, or one by itself."""
    name = f"{holder} {currency}" if holder else f"Cash {currency}"
    return reading.account(Account(name, currency, "CHECKING_ACCOUNT"))


ASSET_TYPES = {
    "share": "STOCKS",
    "etf": "FUND",
    "fund": "FUND",
    "bond": "BONDS",
    "crypto": "CRYPTO",
    "commodity": "COMMODITIES",
    "option": "STOCKS",
}


def holding(
    reading: Reading, instrument: Instrument, holder: str = "", asset_type: str = "", **details: object
) -> str:
    """The account of a security in a securities account."""
    name = instrument.name or instrument.symbol or instrument.isin
    kind = asset_type or ASSET_TYPES.get(instrument.instrument_type, "OTHER")
    return reading.account(Account(name, instrument.currency, kind, instrument, holder, **details))  # type: ignore[arg-type]
