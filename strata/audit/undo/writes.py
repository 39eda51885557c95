"""Writes the rows of an undo in sets: each statement is for all rows of a model. Their guards are locked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import batched
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import prefetch_related_objects

from strata.audit import actor
from strata.audit.batches import record_batch
from strata.audit.clock import written_at
from strata.audit.guarding import owners_of, raise_revisions
from strata.audit.locating import RowIds
from strata.audit.models import Action
from strata.audit.recording import write_entries, write_journal
from strata.audit.tracking import (
    TrackedModel,
    derived_from,
    stored_values,
    updating_derived_data,
)
from strata.audit.undo.rows import CHANGED, REMOVED, RESTORED, UndoneRow, UndoneRows, stored_now
from strata.db.bulk import insert_instances, update_rows
from strata.fields.names import key_fields
from strata.tenancy.guards import cascading, forget_held_guards, portfolio_model


def write(rows: UndoneRows) -> None:
    """Remove the rows, children first; change back and restore them, parents first."""
    counts = Counter(portfolios_of(rows))
    for model in reversed(rows.models):
        remove(model, topmost(rows, model))
    for model in rows.models:  # a restored row may have the key that a changed one has until then
        change(model, rows.with_outcome(CHANGED, model))
        restore(model, rows.with_outcome(RESTORED, model))
    counts.update(portfolios_of(rows, after=True))
    own = {row.pk for row in rows.by_model.get(portfolio_model(), [])}
    shown = {pk: count for pk, count in counts.items() if pk not in own}
    record_batch(portfolio_model(), shown, Action.UNDO)  # type: ignore[arg-type]


def portfolios_of(rows: UndoneRows, *, after: bool = False) -> list[UUID]:
    """The portfolio of each row that is in one: of those that are there before the undo, or that come after it.

    A row that moves is in two.
    """
    ids = []
    for model, own in rows.by_model.items():
        wanted = [row for row in own if (is_new_in_a_portfolio(row) if after else row.now)]
        manager: Any = model._base_manager
        owners = owners_of(stored_now(wanted, manager.all())) if wanted else []
        ids += [portfolio_id for *_, portfolio_id in owners if portfolio_id is not None]
    return ids


def is_new_in_a_portfolio(row: UndoneRow) -> bool:
    parent = (row.model.portfolio_lookup or "").partition("__")[0]
    return row.outcome == RESTORED or (bool(parent) and f"{parent}_id" in row.columns)


# --- remove ---


def topmost(rows: UndoneRows, model: type[TrackedModel]) -> list[UndoneRow]:
    """The rows to delete of a model: the others are deleted with their parents."""
    removed = rows.with_outcome(REMOVED, model)
    keys = [(parent, key) for parent in rows.models for key in keys_to(parent, model)]
    with_parents = {
        row.pk
        for parent, key in keys
        if (ids := {pk.hex for pk in rows.ids(REMOVED, parent)})
        for row in removed
        if row.now and (named := row.now.get(key)) and UUID(named).hex in ids
    }
    return [row for row in removed if row.pk not in with_parents]


def keys_to(parent: type[TrackedModel], model: type[TrackedModel]) -> list[str]:
    """The columns of `model` by which its rows are deleted with those of `parent`."""
    return [relation.field.attname for relation in cascading(parent) if relation.related_model is model]


def remove(model: type[TrackedModel], undone: list[UndoneRow]) -> None:
    if undone:
        manager: Any = model._base_manager
        stored_now(undone, manager.all()).delete()


# --- restore ---


def restore(model: type[TrackedModel], undone: list[UndoneRow]) -> None:
    """Make the rows again as they were. The journal shows them as created: by the undo."""
    if not undone:
        return
    rows = [row.before_row for row in undone]
    forget_missing_authors(rows)
    if above := model.household_lookup.rpartition("__")[0]:
        prefetch_related_objects(rows, above)
    for row in rows:
        row.sign(adding=False)
        if model is portfolio_model():
            row.revision += 1  # type: ignore[attr-defined]  # the same revision means unchanged data
    raise_revisions(model, {row.owning_portfolio_id() for row in rows})
    insert_instances(rows)
    write_entries(model, Action.CREATE, ((row.pk, row.owning_household_id(), None) for row in rows))
    derived_from(model).update_new(rows)


def forget_missing_authors(rows: Iterable[TrackedModel]) -> None:
    """A user who was deleted since is no author, as on the rows that were there when it happened."""
    rows = list(rows)
    ids = {row.created_by_id for row in rows if row.created_by_id}
    stored = get_user_model()._base_manager.filter(pk__in=ids).values_list("pk", flat=True)
    missing = ids - set(stored)
    for row in rows:
        if row.created_by_id in missing:
            row.created_by = None


# --- change back ---


def change(model: type[TrackedModel], undone: list[UndoneRow]) -> None:
    """Give the rows their earlier values: one entry of the journal for each, whatever moves or changes."""
    if not undone:
        return
    ids, columns = RowIds(row.pk for row in undone), {name for row in undone for name in row.columns}
    ids.places.update(row.place for row in undone if row.place is not None)
    manager: Any = model._base_manager
    stored = stored_now(undone, manager.all())
    portfolio_ids = {portfolio_id for *_, portfolio_id in owners_of(stored)}
    write_journal(stored, Action.UPDATE, number=len(ids))
    with updating_derived_data(model, ids, fields=columns):
        write_columns(model, undone, columns)
    raise_revisions(model, portfolio_ids | {portfolio_id for *_, portfolio_id in owners_of(stored)})
    forget_held_guards()


def write_columns(model: type[TrackedModel], undone: list[UndoneRow], columns: set[str]) -> None:
    """One statement for all rows; one for each where a key changes: in a set, two rows could have the same one."""
    rows = [row_with_earlier_values(row) for row in undone]
    names = {model._meta.get_field(name).name for name in columns}
    is_key = not names.isdisjoint(unique_fields(model))
    written = sorted({*names, *key_fields(model, names), "updated_at", "updated_by"})
    fields = [model._meta.get_field(name) for name in (*model.located_by, *written)]
    values = [stored_values(row, fields, DEFAULT_DB_ALIAS) for row in rows]
    for batch in batched(reversed(values), 1) if is_key else [values]:
        update_rows(model, written, list(batch), located_by=model.located_by)


def row_with_earlier_values(undone: UndoneRow) -> TrackedModel:
    """All columns as they were; only those that are named are written."""
    row = undone.before_row
    row.updated_at, row.updated_by = written_at(), actor.current().user
    return row


def unique_fields(model: type[models.Model]) -> set[str]:
    return {
        name
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
        for name in constraint.fields
    }
