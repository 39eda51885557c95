"""What becomes of one item: what is stored in its place is compared with it, and what will be written is described."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from assets.models import AssetSnapshot, Transaction
from imports.formats.rows import (
    ActionItem,
    CancelItem,
    Item,
    PriceItem,
    QuantityItem,
    RowType,
    TransactionItem,
    ValueItem,
)
from imports.reading.refusals import Reason
from imports.services.planning.stored import Booked, Planned, Quoted
from strata.fields.names import validate_name, validate_note
from strata.fields.numbers import MONEY_DIGITS, MONEY_PLACES, exact, money_text, plain

ADJUST, TRANSFER = "ADJUST", "TRANSFER"
SIGNED = (ADJUST, TRANSFER)
ZERO = Decimal(0)
LARGEST_RATIO = 2**31
MONEY_COLUMNS, EXACT_COLUMNS = ("amount", "fee", "tax"), ("quantity", "unit_price")
NUMBER_COLUMNS = (*MONEY_COLUMNS, *EXACT_COLUMNS)


class Numbers(NamedTuple):
    """What a booking says, as its columns have it."""

    type: str
    on: date
    amount: Decimal | None
    quantity: Decimal | None
    unit_price: Decimal | None
    fee: Decimal
    tax: Decimal
    currency: str
    note: str


# --- before the database is asked ---


def problem_of(item: Item) -> Reason | None:
    """Why no row could have the numbers or the texts of the item."""
    try:
        if isinstance(item, TransactionItem):
            return problem_of_booking(item)
        if isinstance(item, PriceItem):
            exact(item.price)
            return Reason("ZERO_ROW") if item.price <= 0 else None
        if isinstance(item, ActionItem):
            if not all(0 < part < LARGEST_RATIO for part in (item.numerator, item.denominator)):
                return Reason("OUT_OF_RANGE", "quantity", f"{item.numerator}:{item.denominator}")
            return None
        if isinstance(item, QuantityItem):
            exact(item.quantity)
        if note := getattr(item, "note", None):
            validate_note(note)
    except ValidationError as error:
        number = getattr(item, "quantity", None) or getattr(item, "price", None)
        is_number = error.code in ("invalid", "max_digits", "max_places") and number is not None
        return (
            Reason("OUT_OF_RANGE", "quantity", str(number)[:100]) if is_number else Reason("BAD_NAME", "note")
        )
    return None


def problem_of_booking(item: TransactionItem) -> Reason | None:
    money, others = (item.amount, item.fee, item.tax), (item.quantity, item.unit_price)
    for name, number in zip(NUMBER_COLUMNS, (*money, *others), strict=True):
        if number is None or (not number and number.adjusted() > -MONEY_PLACES):  # most costs are just zero
            continue
        try:
            if name in MONEY_COLUMNS:
                exact(number, digits=MONEY_DIGITS, places=MONEY_PLACES)
            else:
                exact(number)
        except ValidationError:
            return Reason("OUT_OF_RANGE", name, str(number)[:100])
        if number < 0 and not (name == "quantity" and item.type in SIGNED):
            return Reason("OUT_OF_RANGE", name, plain(number))
    if item.amount is None and item.type not in SIGNED:
        return Reason("MISSING_FIELD", "amount")
    try:
        validate_note(item.note)
        if item.external_id:
            validate_name(item.external_id)
    except ValidationError:
        return Reason("BAD_NAME", "note")
    return None


# --- with what is stored ---


def compared(planned: Planned, *, keeps_values: bool) -> tuple[dict[str, Any] | None, Reason | None]:
    """What is stored instead of the item, where that differs; or why nothing is written."""
    if isinstance(planned, Quoted):
        return compared_quote(planned)
    if (snapshot := planned.value) is not None:
        return compared_value(planned, snapshot, keeps_values=keeps_values)
    item, stored = planned.item, planned.transaction
    if isinstance(item, CancelItem):
        return compared_cancellation(planned)
    if isinstance(item, QuantityItem):
        if item.quantity == (stored.quantity if stored else ZERO):
            return None, Reason("ALREADY_THERE")
        return (None, None) if stored is None else (transaction_before(stored), None)
    if stored is None or not isinstance(item, TransactionItem):
        return None, None
    is_same = not item.external_id or item.type == TRANSFER or numbers_of(stored) == numbers_in(planned, item)
    return (None, Reason("ALREADY_THERE")) if is_same else (transaction_before(stored), None)


def compared_cancellation(planned: Booked) -> tuple[dict[str, Any] | None, Reason | None]:
    """What is not there, or has been taken back, stays away; of a row without an id it must be there."""
    stored = planned.transaction
    if stored is not None:
        is_zero = not (stored.quantity or stored.amount)
        return (None, Reason("CANCELLED")) if is_zero else (transaction_before(stored), None)
    if planned.reference:
        return None, Reason("CANCELLED")
    return None, Reason("UNSUPPORTED", "buySell", planned.item.on.isoformat())


def compared_quote(planned: Quoted) -> tuple[dict[str, Any] | None, Reason | None]:
    if isinstance(planned.item, ActionItem):
        return None, Reason("ALREADY_THERE") if planned.has_action else None
    if planned.plan.is_shared:
        return None, Reason("SHARED_PRICES")
    if planned.price is None:
        return None, None
    if planned.price == planned.item.price:
        return None, Reason("ALREADY_THERE")
    return {"price": plain(planned.price)}, None


def compared_value(
    planned: Booked, snapshot: AssetSnapshot, *, keeps_values: bool
) -> tuple[dict[str, Any] | None, Reason | None]:
    item = planned.item
    if not isinstance(item, ValueItem):
        return None, None
    if snapshot.value == item.value * planned.plan.sign and item.note in (None, "", snapshot.note):
        return None, Reason("ALREADY_THERE")
    if keeps_values:
        return None, Reason("KEPT")
    return {"value": money_text(snapshot.value), "note": snapshot.note}, None


def numbers_of(row: Transaction) -> Numbers:
    return Numbers._make(getattr(row, name) for name in Numbers._fields)


def numbers_in(planned: Booked, item: TransactionItem) -> Numbers:
    currency = item.currency or planned.plan.currency
    return Numbers(
        item.type,
        item.on,
        item.amount,
        item.quantity,
        item.unit_price,
        item.fee,
        item.tax,
        currency,
        item.note,
    )


def transaction_before(row: Transaction) -> dict[str, Any]:
    return transaction_record(numbers_of(row))


# --- what it becomes ---


def becomes(planned: Planned, source: str = "") -> dict[str, Any]:
    """What will be written of the item. `source` is that of a booking."""
    if isinstance(planned, Quoted):
        return quote_record(planned)
    item, plan, stored = planned.item, planned.plan, planned.stored
    if isinstance(item, ValueItem):
        value: dict[str, Any] = {
            "row_type": RowType.VALUE.value,
            "value": money_text(item.value if plan.sign > 0 else -item.value),
            "id": str(stored.pk) if stored else None,
            "account": item.account,
            "on": item.on.isoformat(),
            "currency": plan.currency,
        }
        if item.note:
            value["note"] = item.note
        return value
    if isinstance(item, TransactionItem):
        numbers = numbers_in(planned, item)
    elif isinstance(item, CancelItem):
        numbers = taken_back(planned)
    else:
        numbers = correction(planned, item)
    return {
        "id": str(stored.pk) if stored else None,
        "account": item.account,
        "row_type": RowType.TRANSACTION.value,
        **transaction_record(numbers),
        "source": source,
        "external_id": planned.reference,
    }


def taken_back(planned: Booked) -> Numbers:
    """The stored booking with no money and no units: what refers to it stays, and an undo gives it back."""
    row = planned.transaction
    if row is None:
        raise ValueError("there is nothing to take back")
    quantity = None if row.quantity is None else ZERO
    return numbers_of(row)._replace(amount=ZERO, quantity=quantity, unit_price=None, fee=ZERO, tax=ZERO)


def correction(planned: Booked, item: QuantityItem) -> Numbers:
    """The quantity of the item is what has to be added, in place of what an earlier import has added."""
    currency = planned.plan.currency
    return Numbers(ADJUST, item.on, None, item.quantity, None, ZERO, ZERO, currency, item.note or "")


def transaction_record(numbers: Numbers) -> dict[str, Any]:
    """The columns as texts; those that are empty or zero are left out."""
    record: dict[str, Any] = {
        "type": numbers.type,
        "on": numbers.on.isoformat(),
        "amount": None if numbers.amount is None else money_text(numbers.amount),
    }
    if numbers.quantity is not None:
        record["quantity"] = plain(numbers.quantity)
    if numbers.unit_price is not None:
        record["unit_price"] = plain(numbers.unit_price)
    if numbers.fee:
        record["fee"] = money_text(numbers.fee)
    if numbers.tax:
        record["tax"] = money_text(numbers.tax)
    record["currency"], record["note"] = numbers.currency, numbers.note
    return record


def quote_record(planned: Quoted) -> dict[str, Any]:
    item = planned.item
    common: dict[str, Any] = {"id": None, "instrument": item.instrument, "on": item.on.isoformat()}
    if isinstance(item, PriceItem):
        price = {"row_type": str(RowType.PRICE), "price": plain(item.price)}
        return common | price | {"currency": planned.plan.currency}
    ratio = {"numerator": item.numerator, "denominator": item.denominator}
    return common | {"row_type": str(RowType.ACTION), "type": item.type, **ratio}


def columns_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a transaction that a record, of what it becomes or of what was before it, says."""
    numbers = {name: Decimal(text) if (text := record.get(name)) else None for name in NUMBER_COLUMNS}
    # One object for equal values: a batch prepares it once for all of its rows.
    return {
        **numbers,
        "type": intern(record["type"]),
        "on": day_of(record["on"]),
        "fee": numbers["fee"] or ZERO,
        "tax": numbers["tax"] or ZERO,
        "currency": intern(record["currency"]),
        "note": record["note"],
    }


@lru_cache(maxsize=4_096)
def day_of(text: str) -> date:
    return date.fromisoformat(text)
