"""Undo: everything that one request of a person wrote goes back to what it was, or nothing does.

The journal has each row as it was before and after the request. A row that was made is removed, one that was deleted is
restored, one that was changed is changed back. An undo is a write like any other, so it can be undone too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import models

from strata.audit import actor
from strata.audit.tracking import TrackedModel
from strata.audit.undo.conflicts import broken_rules, conflicts_with_later_writes, day_text, refuse
from strata.audit.undo.request import Caller, transaction_of
from strata.audit.undo.rows import CHANGED, REMOVED, RESTORED, UndoneRows, read_locked_rows, stored_now
from strata.audit.undo.rules import Broken, Written, rules_of
from strata.audit.undo.writes import write
from strata.tenancy.writes import atomic_write

NAMED_ROWS = 1000
type Names = dict[UUID, tuple[str, date | None]]


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A row that was undone, as the answer names it."""

    model: type[TrackedModel]
    pk: UUID
    subject: str
    day: date | None
    outcome: str

    @property
    def name(self) -> str:
        return f"{self.subject}, {day_text(self.day)}" if self.day else self.subject


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did. `rows` are the first NAMED_ROWS; `counts` are of all rows, by outcome.

    `main_model` is that of the rows which the others belong to, `main_count` how many of these rows there are.
    """

    undone: str
    rows: list[NamedRow]
    main_model: type[TrackedModel] | None
    main_count: int
    counts: dict[str, int]
    household_ids: list[UUID]

    @property
    def row_count(self) -> int:
        return sum(self.counts.values())


@atomic_write
def undo(request_id: str, user: Any, *, sees_all: bool = False) -> Undone:
    """Undo what the request wrote. `sees_all` is for superusers in the admin.

    404 REQUEST_NOT_FOUND, 403, 409 UNDO_NOT_POSSIBLE, 409 UNDO_CONFLICT: see docs/undo.md.
    """
    caller = Caller(user, sees_all)
    lines = transaction_of(request_id, caller)
    rows, owners = read_locked_rows(lines)
    caller.require_roles(owners.places)
    refuse(conflicts_with_later_writes(rows))
    names = names_of(rows, REMOVED)
    with actor.undoing(request_id):
        write(rows)
    refuse(broken_rules(rows, rules_broken_by(rows)))
    return answer(request_id, rows, names | names_of(rows, RESTORED, CHANGED), sorted(owners.households))


def rules_broken_by(rows: UndoneRows) -> Iterator[Any]:
    def written(model: type[models.Model]) -> Written:
        changed = {row.pk: row.columns for row in rows.with_outcome(CHANGED, model)}
        return Written(rows.ids(RESTORED, model), changed)

    for model in rows.models:
        if (of_model := written(model)).ids:
            broken: Broken = rules_of(model).check(of_model, written)
            yield from broken


def names_of(rows: UndoneRows, *outcomes: str) -> Names:
    """The names of the rows with these outcomes, as they are stored now; with one query for each model."""
    wanted = {row.pk for row in rows.rows[:NAMED_ROWS] if row.outcome in outcomes}
    names: Names = {}
    for model in rows.models:
        rules = rules_of(model)
        own = (row for row in rows.by_model[model] if row.pk in wanted)
        for row in stored_now(own, rules.read(model)):
            names[row.pk] = rules.subject(row), rules.day(row)
    return names


def answer(request_id: str, rows: UndoneRows, names: Names, household_ids: list[UUID]) -> Undone:
    counts = dict.fromkeys((REMOVED, RESTORED, CHANGED), 0)
    for row in rows:
        counts[row.outcome or ""] += 1
    named = [
        NamedRow(row.model, row.pk, *names.get(row.pk, ("", None)), row.outcome or "")
        for row in rows.rows[:NAMED_ROWS]
    ]
    main = next(iter(rows.models), None)
    return Undone(request_id, named, main, len(rows.by_model[main]) if main else 0, counts, household_ids)
