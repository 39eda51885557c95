"""What a transaction must be made of, by its values alone."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from django.core.exceptions import ValidationError

from strata.fields.numbers import MONEY_LIMIT, MONEY_PLACES, exact_product

_ROUNDING = Context(prec=120, rounding=ROUND_HALF_EVEN)


def check_adjustment(quantity: Any, money: dict[str, Any]) -> dict[str, Any]:
    if quantity is None:
        raise refusal("quantity", "ADJUST needs a quantity.", code="required")
    for name, given in money.items():
        if given or (given is not None and name in ("unit_price", "amount")):
            raise refusal(name, "ADJUST moves no money.")
    return {}


def product_of(quantity: Any, price: Any, currency: str) -> Decimal | None:
    if quantity is None or price is None:
        return None
    product = exact_product(quantity, price).quantize(Decimal(1).scaleb(-MONEY_PLACES), context=_ROUNDING)
    if abs(product) >= MONEY_LIMIT:
        raise refusal("quantity", "quantity x unit_price is more than an amount can be.")
    return product


def refusal(field: str, message: str, code: str = "invalid") -> ValidationError:
    return ValidationError({field: ValidationError(message, code=code)})
