"""The names and the columns of the tables whose past is read, as SQL needs them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection, models

from strata.fields.names import NameKeyField
from strata.tenancy.guards import owner_columns


@cache
def temporal_models() -> tuple[type[models.Model], ...]:
    """The models whose rows have the instant since when they are known."""
    return tuple(model for model in apps.get_models() if getattr(model, "known_since", None))


@cache
def derived_models() -> tuple[type[models.Model], ...]:
    """The models whose rows are known of the present alone."""
    return tuple(model for model in apps.get_models() if getattr(model, "is_derived", False))


def fresh_values(model: type[Any]) -> dict[str, Any]:
    """The values of columns that are missing in older images: the defaults of columns that cannot be null."""
    fields = [field for field in model._meta.local_concrete_fields if field.has_default() and not field.null]
    return {
        field.column: field.get_db_prep_save(field.default, connection)
        for field in fields
        if not callable(field.default)
    }


def is_known(model: Any, read: Callable[[str], str], instant: str) -> str:
    """The condition for a row that was known at the instant. `read` gives the SQL of a column of the row."""
    known = f"{read(model.known_since)} <= {instant}"
    if not getattr(model, "shared_rows_are_always_known", False):
        return known
    return f"({known} OR {read(owner_columns(model)[0])} IS NULL)"


def searched_by(model: type[Any]) -> list[list[str]]:
    """The columns by which the model's own table is searched."""
    unique = [rule for rule in model._meta.constraints if isinstance(rule, models.UniqueConstraint)]
    indexed = (*unique, *model._meta.indexes)
    named = [index.fields for index in indexed if index.fields and not index.condition]
    return [[model._meta.get_field(name).column for name in fields] for fields in named]


def key_fields(model: type[Any]) -> list[NameKeyField[Any, Any]]:
    """The keys of names: calculated, so that no image has them."""
    return [field for field in model._meta.local_concrete_fields if isinstance(field, NameKeyField)]


def column_names(model: type[Any]) -> list[str]:
    return [quoted(str(field.column)) for field in model._meta.local_concrete_fields]


def columns(model: type[Any]) -> str:
    return ", ".join(column_names(model))


def table(model: type[models.Model]) -> str:
    return quoted(model._meta.db_table)


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)
