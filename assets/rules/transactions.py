"""The rules of a transaction. They take values, not rows."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from strata.fields.currencies import minor_units
from strata.fields.numbers import MONEY_LIMIT, MONEY_PLACES, exact_product

_ROUNDING = Context(prec=120, rounding=ROUND_HALF_EVEN)
ADJUST = "ADJUST"


class TransactionValues(NamedTuple):
    """`type` is the text of a Transaction.Type; `amount`, `fee` and `tax` are in `currency`, as is `unit_price`."""

    type: str
    currency: str
    amount: Decimal | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    fee: Decimal | None = None
    tax: Decimal | None = None


def validate_transaction(values: TransactionValues, *, recount: bool = False) -> Decimal | None:
    """The amount of the transaction; None for ADJUST, which moves no money.

    With `recount` the amount becomes quantity x unit_price. Raises ValidationError that names the field.
    """
    for name in ("amount", "fee", "tax"):
        if (getattr(values, name) or 0) < 0:
            raise refusal(name, gettext("It is never negative: the type gives the direction."))
    if values.type == ADJUST:
        require_no_money(values)
        return None
    if values.quantity is not None and values.quantity < 0:
        raise refusal("quantity", gettext("Only ADJUST has a signed quantity."))
    product = product_of(values.quantity, values.unit_price)
    if product is not None and (values.amount is None or recount):
        return product
    if values.amount is None:
        raise refusal("amount", gettext("Send an amount, or a quantity and a unit price."), code="required")
    smallest = Decimal(1).scaleb(-minor_units(values.currency))
    if product is not None and abs(product - values.amount) >= smallest:
        message = gettext("It is not quantity x unit_price, which is %(product)s.")
        raise refusal("amount", message % {"product": f"{product.normalize():f}"})
    return values.amount


def require_no_money(values: TransactionValues) -> None:
    if values.quantity is None:
        raise refusal("quantity", gettext("ADJUST needs a quantity."), code="required")
    for name in ("unit_price", "amount", "fee", "tax"):
        given = getattr(values, name)
        if given or (given is not None and name in ("unit_price", "amount")):
            raise refusal(name, gettext("ADJUST moves no money."))


def product_of(quantity: Decimal | None, price: Decimal | None) -> Decimal | None:
    """quantity x price, rounded half to even to the decimal places of money; None if either is missing."""
    if quantity is None or price is None:
        return None
    product = exact_product(quantity, price).quantize(Decimal(1).scaleb(-MONEY_PLACES), context=_ROUNDING)
    if abs(product) >= MONEY_LIMIT:
        raise refusal("quantity", gettext("quantity x unit_price is more than an amount can be."))
    return product


def refusal(field: str, message: str, code: str = "invalid") -> ValidationError:
    return ValidationError({field: ValidationError(message, code=code)})
