"""The columns of a list as CSV: the fields of its rows in JSON, in their order.

A nested row has a column for each of its fields (`portfolio_id`, `portfolio_name`). A list of rows is one cell: their
names, joined by `; `. Rows without a name say what their cell is by `in_cell` of the field or of its serializer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rest_framework import serializers

from strata.api.fields import (
    AnyField,
    DaySerializerField,
    InstantSerializerField,
    NumberSerializerField,
    TotalSerializerField,
    UUIDSerializerField,
)
from strata.api.http.csv_renderer import as_text, joined

type Row = Mapping[str, Any]
type Cell = Callable[[Row], str]

# What no user has written: a guard against formulas would make a negative number a text.
PLAIN = (
    DaySerializerField,
    InstantSerializerField,
    NumberSerializerField,
    TotalSerializerField,
    UUIDSerializerField,
    serializers.IntegerField,
)
TRUTH = {True: "true", False: "false"}


def csv_rows(columns: Mapping[str, Cell], rows: Iterable[Row]) -> Iterator[list[str]]:
    """The names of the columns, then the cells of each row."""
    yield [*columns]
    for row in rows:
        yield [cell(row) for cell in columns.values()]


def columns_of(serializer: Any) -> dict[str, Cell]:
    """The columns of the rows that the serializer shows."""
    columns: dict[str, Cell] = {}
    of_single_rows = getattr(serializer, "of_single_rows", ())
    for name, field in serializer.fields.items():
        if not field.write_only and name not in of_single_rows:
            columns |= columns_of_field(name, field)
    return columns


def columns_of_field(name: str, field: AnyField) -> dict[str, Cell]:
    if not isinstance(field, serializers.Serializer):
        return {name: lambda row: text_of(field, row[name])}

    def below(cell: Cell) -> Cell:
        return lambda row: "" if row[name] is None else cell(row[name])

    return {f"{name}_{column}": below(cell) for column, cell in columns_of(field).items()}


def text_of(field: AnyField, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return TRUTH[value]
    if isinstance(value, list):
        in_cell = in_cell_of(field)
        return joined("; ", [as_text(in_cell(row)) for row in value])
    return str(value) if isinstance(field, PLAIN) else as_text(value)


def in_cell_of(field: AnyField) -> Cell:
    """What a cell says of one row of a list."""
    child = getattr(field, "child", None)
    in_cell: Cell = getattr(field, "in_cell", getattr(child, "in_cell", name_of))
    return in_cell


def name_of(row: Row) -> str:
    name: str = row["name"]
    return name
