"""Deletions of many rows: hidden at once, with one entry in the journal, and then removed in bounded steps.

A row with more than MOST_AT_ONCE rows below it, or one that only such rows still refer to, is moved where nobody sees
it: to a household without members, or, if it is a household, by ending its memberships. That takes one short
transaction, and from then on the row is deleted for everybody. What is below it is removed later, STEP rows in a
transaction, so that no step holds a lock for long. A process that dies leaves the rest for the next one:
`take_snapshots`, `rebuild` and others call `finish_all`.

The entries of all rows have the request, the actor and the instant of the deletion, and the household that they were
in: it is one act in the history, and the past before it shows every row (docs/decisions/0042).
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, connections, models, transaction
from django.utils import timezone

from strata.audit.clock import written_at
from strata.audit.guarding import guard_rows
from strata.audit.locating import RowIds, located
from strata.audit.models import SIGNED, Action, Deletion
from strata.audit.recording import remove_unseen, signature, typed_column, write_journal
from strata.audit.tracking import TrackedModel, TrackedQuerySet, updating_derived_data
from strata.db.command_locks import one_at_a_time
from strata.db.locks import lock_rows
from strata.db.retry import run_in_transaction
from strata.processes import start_command
from strata.tenancy.guards import (
    cascading,
    forget_held_guards,
    household_model,
    owner_columns,
    parent_of,
    portfolio_model,
)

MOST_AT_ONCE = 10_000  # rows below a row that is deleted in one transaction
STEP = 5_000  # rows removed in one transaction
PARENTS_AT_A_TIME = 50
PAUSE_SECONDS = 0.12  # after some steps: who waits for the lock of SQLite asks for it every 0.1 seconds
MOST_HELD_SECONDS = 0.25  # of the steps between two pauses
TURN_SECONDS = 0.005  # after each step: who else works in steps is next
REMOVAL, STEPS = "removal", "steps"  # the names of its locks
HIDDEN = "Deleted"  # the name of what hides rows; nobody sees it
log = logging.getLogger("strata.deletions")


def delete(row: TrackedModel) -> None:
    """Delete a row whose guards are locked, with all that is below it; in steps where these are many rows, or where
    rows that are removed in steps still refer to it.
    """
    model, most = type(row), MOST_AT_ONCE
    if count_below(model, model._base_manager.filter(pk=row.pk), most + 1) > most or only_hidden_rows_use(
        row
    ):
        hide(row)
    else:
        row.delete()


def count_below(model: type[models.Model], rows: models.QuerySet[Any], most: int = sys.maxsize) -> int:
    """How many rows are deleted with these, counted up to about `most`."""
    count = 0
    for relation in cascading(model):
        if count < most:
            children = children_of(relation, rows)
            count += children[: most - count].count() if most < sys.maxsize else children.count()
        if count < most:
            count += count_below(
                relation.related_model, children, most - count if most < sys.maxsize else most
            )
    return count


def children_of(relation: Any, parents: Iterable[UUID] | models.QuerySet[Any]) -> models.QuerySet[Any]:
    parents = parents.order_by().values("pk") if isinstance(parents, models.QuerySet) else parents
    children: models.QuerySet[Any] = relation.related_model._base_manager.order_by()
    return children.filter(**{f"{relation.field.name}__in": parents})


def users_of(model: type[models.Model], pk: UUID) -> list[models.QuerySet[Any]]:
    """The rows of other models that prevent the deletion of this row."""
    relations: Iterable[Any] = model._meta.related_objects
    return [
        relation.related_model._base_manager.order_by().filter(**{relation.field.name: pk})
        for relation in relations
        if relation.on_delete in (models.PROTECT, models.RESTRICT) and relation.related_model is not model
    ]


def only_hidden_rows_use(row: TrackedModel) -> bool:
    """Whether rows prevent the deletion of this one, all of which are deleted for everybody."""
    users = [rows for rows in users_of(type(row), row.pk) if rows.exists()]
    deleted = unfinished().filter(written_until=None).order_by().values("holder_id")
    return bool(users) and not any(rows_outside(rows, deleted).exists() for rows in users)


def without_hidden(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    return rows_outside(rows, hiding_households())


def rows_outside(rows: models.QuerySet[Any], households: models.QuerySet[Any, Any]) -> models.QuerySet[Any]:
    model: type[TrackedModel] = rows.model
    return rows.exclude(**{f"{owner_columns(model)[0]}__in": households})


# --- hidden at once ---


def hide(row: TrackedModel) -> Deletion:
    """Delete the row for everybody, in one short transaction."""
    model, household_id = type(row), row.owning_household_id()
    with transaction.atomic(savepoint=False):
        manager: Any = model._base_manager
        rows, ids = guard_rows(manager.filter(pk=row.pk), for_delete=True)
        count = count_below(model, rows)
        end_what_shows(rows)
        write_journal(rows, Action.DELETE, number=1, count=typed_column("count", 1 + count))
        holder_id = row.pk
        if parent := parent_of(model):
            holder_id, place = hiding_place(row)
            with updating_derived_data(model, ids, fields=[parent]):
                manager.filter(pk=row.pk).update_unrecorded(**{parent: place})
            forget_held_guards()
        finish_in_background()
        return Deletion.objects.create(
            model=model._meta.label,
            object_id=row.pk,
            household_id=household_id,
            holder_id=holder_id,
            at=written_at(),
            **signature(),
        )


def hide_rows(rows: models.QuerySet[Any], household_id: UUID) -> Deletion:
    """Delete rows of a household, which are below portfolios of it, for everybody: as one deletion."""
    model, parent = rows.model, parent_of(rows.model)
    rows, ids = guard_rows(rows, for_delete=True)
    holder = unrecorded(household_model()(name=HIDDEN))
    place = unrecorded(portfolio_model()(name=HIDDEN, household=holder)).pk
    end_what_shows(rows)
    write_journal(rows, Action.DELETE, number=len(ids))
    with updating_derived_data(model, ids, fields=[str(parent)]):
        model._base_manager.filter(pk__among=ids).update_unrecorded(**{f"{parent}_id": place})
    forget_held_guards()
    return deletion_of_all(holder.pk, household_id, {model, portfolio_model()})


def hide_along(deletion: Deletion, rows: models.QuerySet[Any]) -> None:
    """Delete rows directly below the household, to which only rows of this deletion still refer, together with these.

    In the transaction that has hidden these.
    """
    rows, ids = guard_rows(rows, for_delete=True)
    end_what_shows(rows)
    write_journal(rows, Action.DELETE, number=len(ids))
    rows.model._base_manager.filter(pk__among=ids).update_unrecorded(household=deletion.holder_id)
    forget_held_guards()
    deletion.recorded = sorted({*(deletion.recorded or ()), rows.model._meta.label})
    deletion.save(update_fields=["recorded"])


def hide_contents(household_id: UUID, contents: Iterable[type[TrackedModel]]) -> Deletion:
    """Delete all rows of these models, which are directly below the household, for everybody: as one deletion.

    The household is locked with all that is in it. Nothing that stays points to the rows.
    """
    contents = list(contents)
    holder = unrecorded(household_model()(name=HIDDEN))
    for model in contents:
        manager: Any = model._base_manager
        rows = manager.filter(household=household_id)
        write_journal(rows, Action.DELETE, number=rows.count())
        rows.update_unrecorded(household=holder)
    forget_held_guards()
    return deletion_of_all(holder.pk, household_id, contents)


def deletion_of_all(holder_id: UUID, household_id: UUID, recorded: Iterable[type[models.Model]]) -> Deletion:
    """The deletion of all that is in the household `holder_id`. Rows of the models `recorded` have their entries."""
    finish_in_background()
    return Deletion.objects.create(
        model=household_model()._meta.label,
        object_id=holder_id,
        household_id=household_id,
        holder_id=holder_id,
        recorded=sorted(model._meta.label for model in recorded),
        at=written_at(),
        **signature(),
    )


def end_what_shows(rows: models.QuerySet[Any]) -> None:
    """Delete the rows that others would still see: of a household its members, else what is in no portfolio."""
    for relation in cascading(rows.model):
        children = children_of(relation, rows)
        shows = relation.related_model.portfolio_lookup is None
        if rows.model is household_model():
            shows = relation.name in ("memberships", "invitations")
        if shows:
            children.delete()
        elif rows.model is not household_model():
            end_what_shows(children)


def hiding_place(row: TrackedModel) -> tuple[UUID, UUID]:
    """A new household without members, and the row's new parent: this household, or a portfolio in it."""
    household = unrecorded(household_model()(name=HIDDEN))
    if row.household_lookup == "household":
        return household.pk, household.pk
    return household.pk, unrecorded(portfolio_model()(name=HIDDEN, household=household)).pk


def add_holder(pk: UUID) -> None:
    """A household without members, in which rows are hidden."""
    unrecorded(household_model()(pk=pk, name=HIDDEN))


def unrecorded(row: Any) -> Any:
    """Insert a row without an entry in the journal: it is no data of anybody."""
    return insert_unrecorded([row])[0]


def insert_unrecorded(rows: list[Any]) -> list[Any]:
    """The same of rows of one model."""
    return super(TrackedQuerySet, type(rows[0]).objects.all()).bulk_create(rows) if rows else []


# --- removed in steps ---


def unfinished() -> models.QuerySet[Deletion]:
    return Deletion.objects.filter(finished_at=None).order_by("id")


def hiding_households() -> models.QuerySet[Any]:
    """The ids of the households whose rows wait to be removed."""
    return unfinished().order_by().values("holder_id")


def finish_all() -> int:
    """Remove what is hidden, step by step. Returns how many rows were removed.

    One process does it at a time: between the steps of several, others would rarely get the lock of SQLite.
    """
    if not unfinished().exists():
        return 0
    with one_at_a_time(REMOVAL, lambda: log.info("another process removes what was deleted: waiting for it")):
        return sum(finish(deletion_id) for deletion_id in list(unfinished().values_list("pk", flat=True)))


def finish(deletion_id: UUID) -> int:
    removed = 0
    while (rows := step_of_many(partial(remove_step, deletion_id))) is not None:
        removed += rows
    return removed


def step_of_many[T](work: Callable[[], T]) -> T:
    """Do the work in a transaction of its own, and let others write from time to time.

    Between two transactions that follow each other at once, nobody else gets the lock of SQLite. Who works in steps
    waits for the pauses of others who do. On PostgreSQL nobody waits for what is hidden.
    """
    if connection.vendor != "sqlite":
        return run_in_transaction(work)
    with one_at_a_time(STEPS, lambda: None):
        begun = time.monotonic()
        result = run_in_transaction(work)
        database: Any = connections[connection.alias]
        database.strata_held = getattr(database, "strata_held", 0) + time.monotonic() - begun
        if database.strata_held >= MOST_HELD_SECONDS:
            database.strata_held = 0
            time.sleep(PAUSE_SECONDS)
    time.sleep(TURN_SECONDS)
    return result


def finish_in_background() -> None:
    """Start `finish_deletions` once the deletion is stored. Should it not start, the next such command does it."""
    if settings.FINISH_DELETIONS_IN_BACKGROUND:
        transaction.on_commit(partial(start_command, "finish_deletions"))


def remove_step(deletion_id: UUID) -> int | None:
    """Remove about STEP rows of the deletion. Returns how many; None where it is finished.

    Two processes work one after the other.
    """
    lock_rows(Deletion.objects.filter(pk=deletion_id))
    deletion = Deletion.objects.filter(pk=deletion_id, finished_at=None).first()
    if deletion is None or is_being_written(deletion):
        return None
    model = apps.get_model(deletion.model)
    removed = remove_below(model, [deletion.object_id], STEP, deletion)
    if removed < STEP and deletion.journal_after is not None:
        removed += remove_unseen(deletion, STEP - removed)
    if removed < STEP:
        if any(rows.exists() for rows in users_of(model, deletion.object_id)):
            return (
                removed or None
            )  # another deletion removes them first: then the next command finishes this one
        untracked = [(model, deletion.object_id), (household_model(), deletion.holder_id)]
        for hidden, pk in untracked:
            delete_unrecorded(hidden._base_manager.filter(pk=pk))
        if deletion.written_until is not None:  # nothing was deleted that anybody has seen
            deletion.delete()
            return removed
        deletion.finished_at = timezone.now()
        deletion.save(update_fields=["finished_at"])
    return removed


def is_being_written(deletion: Deletion) -> bool:
    return deletion.written_until is not None and deletion.written_until > timezone.now()


def remove_below(model: type[models.Model], parents: list[UUID], most: int, deletion: Deletion) -> int:
    """Remove up to about `most` rows below these. Fewer are removed only where no more are left."""
    removed = 0
    for relation in removed_with(model):
        child = relation.related_model
        at_a_time = PARENTS_AT_A_TIME if removed_with(child) else STEP
        while removed < most:
            chosen = leaves(children_of(relation, parents)).values_list("pk", flat=True)
            ids = RowIds(chosen[: min(at_a_time, most - removed)], parents)
            if not ids:
                break
            removed += remove_below(child, ids, most - removed, deletion)
            if removed >= most:
                break
            remove_rows(child, ids, deletion)
            removed += len(ids)
    return removed


def leaves(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Of a tree, such as that of categories, the rows that no others are below: they go first."""
    for relation in rows.model._meta.related_objects:
        if relation.related_model is rows.model and relation.on_delete in (models.RESTRICT, models.PROTECT):
            rows = rows.filter(**{relation.name: None})
    return rows


@cache
def removed_with(model: type[models.Model]) -> list[Any]:
    """The relations through which rows are deleted with a row, those of derived data included."""
    relations = model._meta.get_fields(include_hidden=True)
    return [
        each for each in relations if getattr(each, "on_delete", None) is models.CASCADE and each.auto_created
    ]


def remove_rows(model: type[models.Model], ids: RowIds, deletion: Deletion) -> None:
    """Remove rows that have no others below them; `ids.places` are those of their parents.

    Tracked ones have an entry as part of the deletion.
    """
    rows: models.QuerySet[Any] = model._base_manager.filter(pk__in=ids)
    is_recorded = deletion.written_until is not None or model._meta.label in (deletion.recorded or ())
    if issubclass(model, TrackedModel) and not is_recorded:
        rows = located(model._base_manager.all(), ids, ids.places)
        household_id = typed_column("household_id", deletion.household_id)
        signed = {name: getattr(deletion, name) for name in (*SIGNED, "undo_of")}
        write_journal(
            rows, Action.DELETE, number=len(ids), signed=signed, at=deletion.at, household_id=household_id
        )
    delete_unrecorded(rows)


def delete_unrecorded(rows: models.QuerySet[Any]) -> None:
    if isinstance(rows, TrackedQuerySet):
        super(TrackedQuerySet, rows).delete()
    else:
        rows.delete()
