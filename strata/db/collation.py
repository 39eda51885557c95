"""The order of text: by code point, whatever collation the database has.

SQLite compares bytes, which in UTF-8 gives the same order. PostgreSQL compares by the locale of the database, unless
the column has a collation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper

from strata.db.typed import Get, Set, TypedField

BY_CODE_POINT = "C"


class CodePointCollated(TypedField[Set, Get]):
    """Must be the first base class of a model field. For keys and codes, not for text that people search: the collation
    ignores case only in ASCII letters, and `icontains` would not find "äp" in "Äpfel".
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, str | None]:
        parameters = super().db_parameters(connection)
        return {**parameters, "collation": BY_CODE_POINT} if connection.vendor == "postgresql" else parameters


class CodeField(CodePointCollated[Set, Get], models.CharField):  # type: ignore[type-arg]  # takes none when it runs
    """A code for programs, such as the code of a type."""


def collate_by_code_point(*columns: tuple[str, str]) -> migrations.RunPython:
    """For a migration: set the collation of columns that are older than CodePointCollated, as (model, field).

    The rows are not written again, but the indexes are.
    """
    return migrations.RunPython(collated(columns, BY_CODE_POINT), collated(columns, "default"))


def collated(columns: tuple[tuple[str, str], ...], collation: str) -> Callable[[Any, Any], None]:
    def alter(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        for label, name in columns:
            model = apps.get_model(label)
            field = model._meta.get_field(name)
            named = (model._meta.db_table, field.column, collation)
            table, column, order = map(schema_editor.quote_name, named)
            kind = field.db_type(schema_editor.connection)
            schema_editor.execute(  # nosemgrep: no-raw-sql - names of our own, and ALTER TABLE takes no parameter
                f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind} COLLATE {order}"
            )

    return alter
