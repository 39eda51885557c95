"""Transactions: what a row must be made of, and its place in the day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Max

from assets.models import Asset, Transaction
from assets.rules.transactions import check_adjustment, product_of, refusal
from strata.fields.currencies import minor_units


def validate_transaction(row: Transaction | None, attrs: dict[str, Any]) -> dict[str, Any]:
    """The amount that the transaction comes to. Refuses what its type does not allow, naming the field."""

    def now(name: str) -> Any:
        return attrs[name] if name in attrs else getattr(row, name, None)

    transaction_type, quantity, price, amount = now("type"), now("quantity"), now("unit_price"), now("amount")
    for name in ("amount", "fee", "tax"):
        if (now(name) or 0) < 0:
            raise refusal(name, "It is never negative: the type gives the direction.")
    if transaction_type == Transaction.Type.ADJUST:
        return check_adjustment(
            quantity, {name: now(name) for name in ("unit_price", "amount", "fee", "tax")}
        )
    if quantity is not None and quantity < 0:
        raise refusal("quantity", "Only ADJUST has a signed quantity.")
    product = product_of(quantity, price, now("currency"))
    recounted = attrs.keys() & {"quantity", "unit_price"} and "amount" not in attrs
    if product is not None and (amount is None or recounted):
        return {"amount": product}
    if amount is None:
        raise refusal("amount", "Send an amount, or a quantity and a unit price.", code="required")
    if product is not None and abs(product - amount) >= Decimal(1).scaleb(-minor_units(now("currency"))):
        raise refusal("amount", f"It is not quantity x unit_price, which is {product.normalize():f}.")
    return {}


def next_position(asset: Asset, on: date) -> int:
    """The place after the day's last transaction."""
    last = asset.transactions.filter(on=on).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1
