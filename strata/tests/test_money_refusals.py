"""A value that is not an exact number, or is out of range, is refused: by fields, forms, writes and the database."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from strata.fields.money import ExactField, MoneyField
from strata.fields.numbers import (
    EXACT_LIMIT,
    MONEY_LIMIT,
    exact,
    money_text,
    plain,
)
from strata.tests.entries import MOST, Entry, entry
from strata.tests.tables import table_of


@pytest.fixture(scope="module", autouse=True)
def entries_table(django_db_setup, django_db_blocker):
    with table_of(Entry, django_db_blocker):
        yield


def short(value) -> str:
    """The id of a test for a value whose repr() may fail."""
    return "huge" if isinstance(value, int) and value > 10**100 else repr(value)[:24]


REFUSED = [
    1.5,
    True,
    b"1",
    [1],
    " ",
    "abc",
    "NaN",
    "Infinity",
    "1_000",
    "1,000",
    "٣",
    "３",
    "0x10",
    "1e",
    "1e400",
    "1e999999",
    "1" * 5000,
    "0." + "1" * 5000,
    10**5000,
    D("NaN"),
    D("sNaN"),
    D("Infinity"),
    D("1E+400"),
    D("1E+999999"),
    D("1E-999999"),
    D("1E-99999999999999"),
    D("1E+99999999999999"),
]
BEYOND_MONEY = [MONEY_LIMIT, -MONEY_LIMIT, D("0.00001"), MOST + D("0.00001"), "100000000000000", 10**14]
BEYOND_EXACT = [EXACT_LIMIT, -EXACT_LIMIT, D("1E-19"), 10**20, "0.0000000000000000001"]


@pytest.mark.parametrize("value", REFUSED + BEYOND_MONEY, ids=short)
def test_money_refuses(value):
    field = Entry._meta.get_field("value")
    with pytest.raises(ValidationError):
        field.clean(value, None)
    with pytest.raises(ValidationError):
        field.get_db_prep_save(value, connection)
    if value != "":
        with pytest.raises(ValidationError):
            field.get_prep_value(value)


@pytest.mark.parametrize("value", REFUSED + BEYOND_EXACT, ids=short)
def test_exact_numbers_refuse(value):
    field = ExactField()
    with pytest.raises(ValidationError):
        field.clean(value, None)
    with pytest.raises(ValidationError):
        field.get_db_prep_save(value, connection)


@pytest.mark.parametrize("zero", [D("0E+999999"), D("-0"), "0", "-0.00", 0, D("0E-999999")])
def test_every_zero_is_plain_zero(zero):
    assert plain(exact(zero)) == "0"
    assert money_text(MoneyField().to_python(zero)) == "0.00"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("price", "-0.01"), ("rate", "0"), ("rate", "-1"), ("value", "1e14"), ("currency", "XXX")],
)
def test_save_and_update_refuse_what_clean_refuses(field, value):
    row = entry()
    with pytest.raises(ValidationError):
        Entry(**{"value": 1, field: value}).full_clean()
    with pytest.raises(ValidationError):
        Entry.objects.create(**{"value": 1, field: value})
    with pytest.raises(ValidationError):
        Entry.objects.bulk_create([Entry(**{"value": 1, field: value})])
    with pytest.raises(ValidationError):
        Entry.objects.update(**{field: value})
    setattr(row, field, value)
    with pytest.raises(ValidationError):
        Entry.objects.bulk_update([row], [field])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "assignment",
    [
        "value = 1000000000000000000",
        "value = -1000000000000000000",
        "quantity = '1e30'",
        "price = '-1'",
        "rate = '0'",
    ],
)
def test_the_database_itself_refuses_numbers_out_of_range(assignment):
    row = entry()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE strata_tests_entry SET {assignment} WHERE id = {row.pk}")


@pytest.mark.django_db
def test_the_edges_of_money_pass_the_database_check():
    assert entry(MOST).value == MOST
    assert entry(-MOST).value == -MOST
