"""Makes rows for the database from the lines of one member."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from archives.files import refusals
from archives.rows.contents import Column, columns_of, referred_models
from archives.rows.ids import Ids
from archives.rows.json_texts import read_json
from archives.rows.rules import RULES
from archives.rows.values import ForeignRow, Load, UserIds, column_loader, explained, loader
from strata.exceptions import StrataError
from strata.fields.names import NameKeyField, key_of

type Row = dict[str, Any]
MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    ValidationError,
    StrataError,
)


def parsed_line(line: bytes, member: str, number: int) -> Row:
    """The object in a line. Raises Refused."""
    try:
        row = read_json(line.decode())
    except (ValueError, RecursionError):
        raise refusals.bad_row(member, number, _("It is no line of JSON.")) from None
    if type(row) is not dict:
        raise refusals.bad_row(member, number, _("It is no line of JSON."))
    return row


def parsed_lines(lines: Sequence[bytes]) -> list[Row] | None:
    """The objects in many lines, which takes half of the time. None where `parsed_line` has to say what is wrong."""
    try:
        rows = read_json(f"[{b','.join(lines).decode()}]")
    except (ValueError, RecursionError):
        return None
    is_object_a_line = len(rows) == len(lines) and all(type(row) is dict for row in rows)
    return rows if is_object_a_line else None


class Table:
    """Checks the lines of a model's member. `names` are the fields of the rows that it makes, in their order."""

    def __init__(self, model: type[models.Model], member: str, ids: Ids, users: UserIds) -> None:
        self.model, self.member = model, member
        self.columns = columns_of(model)
        self.keys = tuple(column.name for column in self.columns)
        self._expected = frozenset(self.keys)
        self._loads: list[tuple[str, Load]] = [
            (column.name, loader(column, ids, users)) for column in self.columns
        ]
        self._load_columns = [(column.name, column_loader(column, ids, users)) for column in self.columns]
        self._rule: Callable[[Row], None] | None = RULES.get(model)
        self._made = tuple(made_columns(model))
        self.names = tuple(column.field.name for column in self.columns) + tuple(
            name for name, _make in self._made
        )
        is_referred = model in referred_models()  # of others, such as values, the ids need not stay in memory
        self._pk = self.keys.index("id") if is_referred and "id" in self._expected else None
        self._turned = ids.of_row
        self._ids = ids.known.setdefault(model, {})
        self._parent = next((column for column in self.columns if column.refers_to is model), None)
        self.parents: dict[str, str | None] = {}  # of each row of a tree
        self._lines: dict[str, int] = {}  # of the same rows

    def row(self, values: Row, number: int) -> tuple[Any, ...]:
        """The row of a line as `insert_rows` takes it. Raises Refused."""
        if values.keys() != self._expected:
            values = self._completed(values, number)
        name = ""
        try:
            self._note_parent(values, number)
            loaded = []
            for name, load in self._loads:
                loaded.append(load(values[name]))
            if self._rule is not None:
                name = ""
                self._rule(values)
            added = [make(values) for _name, make in self._made]
        except ForeignRow:
            raise refusals.foreign_row(self.member, number, name) from None
        except MALFORMED as error:
            why = f"{name}: {explained(error)}" if name else explained(error)
            raise refusals.bad_row(self.member, number, why) from None
        if self._pk is not None:
            self._ids.setdefault(values["id"], loaded[self._pk])
        return (*loaded, *added)

    def rows(self, values: Sequence[Row]) -> list[tuple[Any, ...]] | None:
        """The rows of many lines, column by column, in half of the time. None where `row` has to say what is wrong."""
        if self._parent is not None or any(row.keys() != self._expected for row in values):
            return None
        try:
            columns = [load([row[name] for row in values]) for name, load in self._load_columns]
            if self._rule is not None:
                for row in values:
                    self._rule(row)
            columns += [list(map(make, values)) for _name, make in self._made]
        except MALFORMED:
            return None
        if self._pk is not None:
            for row, pk in zip(values, columns[self._pk], strict=True):
                self._ids.setdefault(row["id"], pk)
        return list(zip(*columns, strict=True))

    def _completed(self, values: Row, number: int) -> Row:
        """Columns that are newer than the archive have their defaults."""
        if unknown := sorted(values.keys() - self._expected):
            raise refusals.bad_row(self.member, number, _("%(name)s is unknown.") % {"name": unknown[0][:80]})
        return {column.name: values.get(column.name, default_of(column)) for column in self.columns}

    def _note_parent(self, values: Row, number: int) -> None:
        """A category may be older than its parent: it is looked for once all are here."""
        if self._parent is not None:
            parent = values[self._parent.name]
            self.parents[values["id"]], self._lines[values["id"]] = parent, number
            if parent is not None and parent not in self._ids:
                self._ids[parent] = self._turned(parent)

    def check_tree(self) -> None:
        """Every parent is there, and no row is above itself."""
        done: set[str] = set()
        for pk in self.parents:
            above: set[str] = set()
            last = pk
            current: str | None = pk
            while current is not None and current not in done:
                if current not in self.parents:
                    raise refusals.foreign_row(self.member, self._lines[last], "parent_id")
                if current in above:
                    raise refusals.bad_row(
                        self.member, self._lines[current], _("A category is above itself.")
                    )
                above.add(current)
                last, current = current, self.parents[current]
            done |= above


def default_of(column: Column) -> Any:
    """The default as a line has it; None where there is none, which the column then refuses or takes."""
    default = column.field.default
    if column.field.has_default() and not callable(default):
        return default if isinstance(default, bool) else str(default)
    return None


def made_columns(model: type[models.Model]) -> Iterator[tuple[str, Callable[[Row], Any]]]:
    """The columns that no archive has: keys of names, and counters, which begin again."""
    for field in model._meta.local_concrete_fields:
        if isinstance(field, NameKeyField):
            yield field.name, key_maker(model, field.source)
        elif field.name == "revision":
            start = None if field.null else 0
            yield field.name, lambda values, start=start: start  # type: ignore[misc]  # a default that binds it


def key_maker(model: type[models.Model], source: str) -> Callable[[Row], Any]:
    return lambda values: key_of(model, source, values[source])
