"""The rules of a transaction. They take values, not rows."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from django.utils.translation import gettext

from assets.rules.refusal import refusal
from strata.fields.currencies import minor_units
from strata.fields.numbers import EXACT, MONEY_LIMIT, MONEY_PLACES, exact_product

ADJUST = "ADJUST"
TRANSFER = "TRANSFER"
ONE = Fraction(1)


class TransactionValues(NamedTuple):
    """`type` is the text of a Transaction.Type. The amounts are in `currency`; `unit_price` is as quoted."""

    type: str
    currency: str
    amount: Decimal | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    fee: Decimal | None = None
    tax: Decimal | None = None


def validate_transaction(values: TransactionValues, *, quote_unit: Fraction = ONE) -> Decimal | None:
    """The amount of the transaction: as given, else quantity x unit_price x quote_unit. None for ADJUST without cost.

    Raises ValidationError that names the field.
    """
    if (values.amount or 0) < 0:
        raise refusal("amount", gettext("It is never negative: the type gives the direction."))
    for name in ("fee", "tax"):
        if (getattr(values, name) or 0) < 0:
            message = gettext("It is never negative: what is refunded is an INCOME of its own.")
            raise refusal(name, message)
    if values.type == ADJUST:
        validate_correction(values)
        return values.amount
    if values.type == TRANSFER:
        if values.unit_price is not None:
            raise refusal("unit_price", gettext("A transfer has no price."))
        return values.amount
    if values.quantity is not None and values.quantity < 0:
        raise refusal("quantity", gettext("Only ADJUST has a signed quantity."))
    if values.amount is not None:
        return values.amount
    product = product_of(values.quantity, values.unit_price, quote_unit)
    if product is None:
        raise refusal("amount", gettext("Send an amount, or a quantity and a unit price."), code="required")
    if product >= MONEY_LIMIT:
        raise refusal("quantity", gettext("quantity x unit_price is more than an amount can be."))
    return product


def validate_type(stored: str | None, after: str) -> None:
    """A transfer has two legs: it is neither made nor ended by a type. `stored` is None for a new transaction."""
    if after != stored and TRANSFER in (stored, after):
        message = gettext("A transfer is made by the transfer of an asset, and stays one.")
        raise refusal("type", message, code="invalid_choice")


def validate_correction(values: TransactionValues) -> None:
    """An ADJUST has a quantity, and no money but the cost of what it adds."""
    if values.quantity is None:
        raise refusal("quantity", gettext("ADJUST needs a quantity."), code="required")
    if values.unit_price is not None:
        raise refusal("unit_price", gettext("ADJUST has no price: send the cost of what it adds as amount."))
    for name in ("fee", "tax"):
        if getattr(values, name):
            raise refusal(name, gettext("ADJUST moves no money."))
    if values.amount is not None and values.quantity <= 0:
        raise refusal("amount", gettext("Only an ADJUST with a quantity above zero has a cost."))


def is_computed_amount(values: TransactionValues, *, quote_unit: Fraction = ONE) -> bool:
    """Whether the amount is quantity x unit_price, except for what the smallest unit of the currency rounds."""
    product = product_of(values.quantity, values.unit_price, quote_unit)
    if product is None or values.amount is None:
        return False
    return abs(product - values.amount) < Decimal(1).scaleb(-minor_units(values.currency))


def product_of(quantity: Decimal | None, price: Decimal | None, quote_unit: Fraction = ONE) -> Decimal | None:
    """quantity x price x quote_unit, rounded half to even to the decimal places of money; None if one is missing."""
    if quantity is None or price is None:
        return None
    units = round(Fraction(exact_product(quantity, price)) * quote_unit * 10**MONEY_PLACES)  # half to even
    return Decimal(units).scaleb(-MONEY_PLACES, EXACT)
