"""The writer of the journal: every entry, of whatever row, is written here.

The database itself makes the images of rows, in one statement for one row or for a million.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import batched
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Value
from django.db.models.functions import Cast, JSONObject
from django.db.models.sql.compiler import SQLCompiler

from strata.audit import actor
from strata.audit.clock import written_at
from strata.audit.models import Action, JournalEntry
from strata.fields.money import ExactField
from strata.fields.names import NameKeyField
from strata.tenancy.guards import owner_columns
from strata.tenancy.querysets import Owned

ENTRIES_AT_A_TIME = 1000
type Recorded = tuple[Any, UUID | None, dict[str, Any] | None]


def signature() -> dict[str, Any]:
    who = actor.current()
    user = who.user
    return {
        "actor_id": user.pk if user else None,
        "actor_name": user.get_username() if user else "",
        "request_id": who.request_id,
        "channel": who.channel,
        "undo_of": who.undo_of,
    }


# --- entries that Python makes ---


def write_creation(row: Owned, at: datetime) -> None:
    """Write the entry of a new row. It needs no image, because the row itself exists."""
    write_entries(type(row), Action.CREATE, [(row.pk, row.owning_household_id(), None)], at=at)


def write_entries(
    model: type[models.Model], action: Action, recorded: Iterable[Recorded], *, at: datetime | None = None
) -> None:
    """Write an entry for each row: its id, the id of its household, and its image before the write."""
    common = {**signature(), "at": at or written_at(), "model": model._meta.label, "action": action}
    entries = (
        JournalEntry(**common, object_id=pk, household_id=household_id, before=image)
        for pk, household_id, image in recorded
    )
    for batch in batched(entries, ENTRIES_AT_A_TIME):
        if len(batch) == 1:
            batch[0].save(force_insert=True)
        else:
            JournalEntry.objects.bulk_create(batch)


# --- entries that the database makes ---


def write_journal(rows: models.QuerySet[Any], action: str, **more: Any) -> int:
    """Write the rows' images into the journal, before they are updated or deleted. Returns how many there are.

    `more` are expressions for further columns of the entries.
    """
    return _write_selected(rows.order_by(), action, {"before": row_image(rows.model), **more})


def write_creations(rows: models.QuerySet[Any], *, at: datetime | None = None) -> None:
    """Write the entries of new rows into the journal, in the order of their ids. They need no images."""
    _write_selected(rows.order_by("pk"), Action.CREATE, {"at": typed_column("at", at)} if at else {})


def _write_selected(rows: models.QuerySet[Any], action: str, columns: dict[str, Any]) -> int:
    model: type[Owned] = rows.model
    columns = {
        "household_id": F(owner_columns(model)[0]),
        **entry_columns(model, action),
        **columns,
    }
    selected = rows.annotate(**{f"journal_{name}": value for name, value in columns.items()})
    query = selected.values_list("pk", *(f"journal_{name}" for name in columns)).query
    try:
        sql, params = query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:
        return 0
    fields: list[Any] = [JournalEntry._meta.get_field(name) for name in ("object_id", *columns)]
    named = ", ".join(f'"{field.column}"' for field in fields)
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f'INSERT INTO "{JournalEntry._meta.db_table}" ({named}) {sql}', params)
        written: int = cursor.rowcount
    return written


def entry_columns(model: type[models.Model], action: str) -> dict[str, Any]:
    values = {**signature(), "at": written_at(), "model": model._meta.label, "action": action}
    return {name: typed_column(name, value) for name, value in values.items()}


def typed_column(name: str, value: Any) -> Any:
    field: Any = JournalEntry._meta.get_field(name)
    field = field.target_field if field.is_relation else field
    kind = models.UUIDField() if isinstance(field, models.UUIDField) else type(field)()
    return CastAsStored(Value(value, output_field=kind), kind)


class CastAsStored(Cast):
    """A cast on PostgreSQL, which needs the type of a parameter. On SQLite a cast would cut off microseconds."""

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, Any]:
        return compiler.compile(self.source_expressions[0])


def row_image(model: type[models.Model]) -> JSONObject:
    """The row as a JSON object, each column as stored. Exact decimals are text, so that no digit is lost."""
    return JSONObject(
        **{
            field.attname: _column(field)
            for field in model._meta.local_concrete_fields
            if not isinstance(field, NameKeyField)
        }
    )


def _column(field: models.Field[Any, Any]) -> Any:
    return Cast(F(field.attname), models.TextField()) if isinstance(field, ExactField) else F(field.attname)
