"""What COPY in its binary form stores is what its text form stores."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from django.db import connection, models

from strata.db.backends.postgresql.binary_copy import blocks, forms_of
from strata.db.bulk import copy_rows

pytestmark = [pytest.mark.django_db, pytest.mark.on_postgresql]
COLUMNS: dict[str, models.Field] = {
    "id": models.UUIDField(),
    "day": models.DateField(),
    "number": models.IntegerField(),
    "amount": models.BigIntegerField(),
    "packed": models.BinaryField(),
}
ROWS = [
    ("0" * 32, "0001-01-01", -(2**31), -(2**63), b""),
    ("f" * 32, "9999-12-31", 2**31 - 1, 2**63 - 1, bytes(range(256)) * 40),
    ("01" * 16, "1999-12-31", 0, 0, memoryview(b"\x00\\\n\t")),
    ("01" * 16, "2000-01-01", -1, -1, bytearray(b"\xff")),
    (None, None, None, None, None),
]


@pytest.fixture
def table():
    columns = ", ".join(f"{name} {field.db_type(connection)}" for name, field in COLUMNS.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE copied ({columns}) ON COMMIT DROP")
        yield cursor
        cursor.execute("DROP TABLE copied")


def stored(cursor):
    cursor.execute("SELECT * FROM copied")
    return cursor.fetchall()


def given(row):
    pk, day, number, amount, packed = row
    if pk is None:
        return row
    return UUID(pk), date.fromisoformat(day), number, amount, bytes(packed)


def test_each_value_is_stored_as_it_was_given(table):
    copy_rows(table, "COPY copied FROM STDIN", [*COLUMNS.values()], ROWS)
    assert stored(table) == [*map(given, ROWS)]


def test_thousands_of_rows_and_none(table):
    rows = [ROWS[number % len(ROWS)] for number in range(2_345)]
    copy_rows(table, "COPY copied FROM STDIN", [*COLUMNS.values()], rows)
    assert stored(table) == [*map(given, rows)]
    copy_rows(table, "COPY copied FROM STDIN", [*COLUMNS.values()], [])
    assert len(stored(table)) == len(rows)


def test_a_row_with_too_few_values_is_refused_before_it_is_sent():
    forms = forms_of([*COLUMNS.values()], connection)
    assert forms is not None
    with pytest.raises(ValueError, match="shorter"):
        list(blocks([ROWS[0][:-1]], forms))


@pytest.mark.parametrize(
    "other", [models.TextField(), models.DateTimeField(), models.DecimalField(max_digits=9)]
)
def test_other_types_are_copied_as_text(other):
    assert forms_of([*COLUMNS.values(), other], connection) is None


def test_without_bytes_the_text_form_is_as_good():
    assert forms_of([models.UUIDField(), models.IntegerField()], connection) is None
