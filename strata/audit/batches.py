"""Writes of many rows of one portfolio: prepared before it is locked, and the entry for all of them in its history.

What takes long is done before a transaction. Whoever prepares makes sure that nothing that it depends on has changed
when the rows are written, raises the revision of the portfolio, and updates what is derived from the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, IntegerField, Value, When

from strata.audit import actor
from strata.audit.clock import written_at
from strata.audit.locating import RowIds, ids_of, located
from strata.audit.models import Action
from strata.audit.recording import is_unseen, prepared_runs, write_journal, write_prepared_creations
from strata.audit.tracking import TrackedModel, stored_values
from strata.db.bulk import as_text, columns_to_insert, insert_rows, update_rows
from strata.tenancy.guards import cascading

NEW, CHANGED = ("created_at", "created_by", "updated_at", "updated_by"), ("updated_at", "updated_by")


def record_batch(model: type[TrackedModel], counts: Mapping[UUID, int], action: Action) -> None:
    """Record for each of the rows how many rows below it were written. In one statement.

    The entry has the image of the row as any other has it, so that the past can be read across it. Where nobody sees
    the rows yet there is none: whoever shows them records them.
    """
    if counts and not is_unseen():
        rows = model._base_manager.filter(pk__among=list(counts))
        cases = [When(pk=pk, then=Value(count)) for pk, count in counts.items()]
        below = Case(*cases, output_field=IntegerField())
        write_journal(rows, action, number=len(counts), count=below)


class PreparedInserts:
    """New rows of one household, as the database stores them, with their entries in the journal. They have ids."""

    def __init__(self, rows: Sequence[TrackedModel], household_id: UUID) -> None:
        self.model = type(rows[0])
        columns = columns_to_insert(rows)
        self.columns = {name: column for name, column in columns.items() if name not in NEW}
        self.runs = prepared_runs(sorted((row.pk, household_id) for row in rows))

    def write(self) -> None:
        signed = {name: repeat(value) for name, value in signed_columns(self.model, NEW).items()}
        columns = self.columns | signed
        insert_rows(
            self.model, [*columns], zip(*columns.values(), strict=False)
        )  # the signed ones have no end
        write_prepared_creations(self.model, self.runs)


class PreparedUpdates:
    """Rows that are there, with their new values of these fields. They stay below their parents."""

    def __init__(self, rows: Sequence[TrackedModel], fields: Sequence[str]) -> None:
        self.model, self.ids, self.fields = type(rows[0]), ids_of(rows), fields
        written = [self.model._meta.get_field(name) for name in (*self.model.located_by, *fields)]
        self.rows = [stored_values(row, written, connection.alias) for row in rows]

    def write(self) -> None:
        manager: Any = self.model._base_manager
        write_journal(located(manager.all(), self.ids, self.ids.places), Action.UPDATE, number=len(self.ids))
        signed = signed_columns(self.model, CHANGED)
        rows = [(*row, *signed.values()) for row in self.rows]
        update_rows(self.model, [*self.fields, *signed], rows, located_by=self.model.located_by)


class PreparedDeletes:
    """Rows that are there, and have none below them."""

    def __init__(self, model: type[TrackedModel], ids: RowIds) -> None:
        if cascading(model):
            raise TypeError(f"{model.__name__} may have rows below it.")
        self.model, self.ids = model, ids

    def write(self) -> None:
        manager: Any = self.model._base_manager
        rows = located(manager.order_by(), self.ids, self.ids.places)
        write_journal(rows, Action.DELETE, number=len(self.ids))
        rows._raw_delete(rows.db)


def signed_columns(model: type[TrackedModel], names: Sequence[str]) -> dict[str, Any]:
    """Who writes now, and when, as the database stores it."""
    user = actor.current().user
    fields: dict[str, Any] = {name: model._meta.get_field(name) for name in names}
    values = {name: written_at() if name.endswith("_at") else user and user.pk for name in names}
    return {
        name: as_text([fields[name].get_db_prep_save(value, connection)])[0] for name, value in values.items()
    }
