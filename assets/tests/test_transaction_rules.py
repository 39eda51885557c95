"""The rules of a transaction: which amount it has, and what each type allows."""

from decimal import Decimal as D
from fractions import Fraction

import pytest
from django.core.exceptions import ValidationError

from assets.rules.entries.transactions import TransactionValues, validate_transaction

pytestmark = pytest.mark.on_sqlite  # no database can change it


def amount_of(kind, *, quote_unit=Fraction(1), **values):
    return validate_transaction(TransactionValues(kind, "EUR", **values), quote_unit=quote_unit)


def field_refused(kind, **values):
    with pytest.raises(ValidationError) as refused:
        amount_of(kind, **values)
    return next(iter(refused.value.error_dict))


def test_amount_counts_where_it_is_not_quantity_times_price():
    assert amount_of("ACQUIRE", amount=D(7), quantity=D(2), unit_price=D(3)) == 7


def test_amount_is_quantity_times_price_in_the_quoted_unit():
    assert amount_of("ACQUIRE", quantity=D(300), unit_price=D("12.5"), quote_unit=Fraction(1, 100)) == D(
        "37.5"
    )
    assert amount_of("DISPOSE", quantity=D(2), unit_price=D("1.05"), quote_unit=Fraction(100)) == 210


def test_amount_is_rounded_half_to_even():
    assert amount_of("INCOME", quantity=D(1), unit_price=D("0.00025")) == D("0.0002")
    assert amount_of("INCOME", quantity=D(1), unit_price=D("0.00035")) == D("0.0004")


def test_correction_may_have_the_cost_of_what_it_adds():
    assert amount_of("ADJUST", quantity=D(3), amount=D(12)) == 12
    assert amount_of("ADJUST", quantity=D(-3)) is None
    assert field_refused("ADJUST", quantity=D(-3), amount=D(12)) == "amount"
    assert field_refused("ADJUST", amount=D(12)) == "quantity"
    assert field_refused("ADJUST", quantity=D(3), unit_price=D(1)) == "unit_price"
    assert field_refused("ADJUST", quantity=D(3), fee=D(1)) == "fee"


@pytest.mark.parametrize("name", ["fee", "tax"])
def test_refund_is_an_income_and_no_negative_cost(name):
    with pytest.raises(ValidationError, match="INCOME of its own") as refused:
        amount_of("ACQUIRE", amount=D(7), **{name: D(-1)})
    assert [*refused.value.error_dict] == [name]
