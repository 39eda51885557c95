"""The rows that an undo is about: as they were before the request, as the request left them, and as they are now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models

from strata.audit.guarding import owners_of
from strata.audit.images import Image, changed_columns, row_from
from strata.audit.journal import with_what_came_after
from strata.audit.locating import located, located_by, places_of
from strata.audit.models import Action, HistoryEntry
from strata.audit.recording import row_image
from strata.audit.tracking import TrackedModel
from strata.audit.undo.request import SUMMARIES
from strata.db.locks import lock_rows
from strata.db.retry import Restart
from strata.tenancy.guards import household_model, parent_of, portfolio_model, rows_are_locked

REMOVED, RESTORED, CHANGED = "removed", "restored", "changed"


@dataclass(slots=True)
class UndoneRow:
    """A row that a request wrote. An image is None where the row did not exist.

    `entry_id` is the last entry of the request for it. `place` is the column that it is located by: the same in all
    images.
    """

    model: type[TrackedModel]
    pk: UUID
    before: Image | None
    after: Image | None
    now: Image | None = None
    entry_id: int = 0
    place: UUID | None = None
    columns: list[str] = field(default_factory=list)  # that go back to what they were

    @property
    def outcome(self) -> str | None:
        """What the undo does with the row; None where the request left it as it was."""
        if self.before is None:
            return None if self.after is None else REMOVED
        if self.after is None:
            return RESTORED
        return CHANGED if self.columns else None

    @property
    def before_row(self) -> TrackedModel:
        """The row as it was, not stored."""
        if self.before is None:
            raise ValueError("It did not exist.")
        return row_from(self.model, self.before)


class UndoneRows:
    """The rows that are removed, restored or changed by an undo, in the order in which the request wrote them."""

    def __init__(self, rows: Iterable[UndoneRow]) -> None:
        self.rows = list(rows)
        self.by_model: dict[type[models.Model], list[UndoneRow]] = {}
        for row in self.rows:
            self.by_model.setdefault(row.model, []).append(row)

    def __iter__(self) -> Iterator[UndoneRow]:
        return iter(self.rows)

    def with_outcome(self, outcome: str, model: type[models.Model]) -> list[UndoneRow]:
        return [row for row in self.by_model.get(model, ()) if row.outcome == outcome]

    def ids(self, outcome: str, model: type[models.Model]) -> set[UUID]:
        return {row.pk for row in self.with_outcome(outcome, model)}

    @cached_property
    def models(self) -> list[type[TrackedModel]]:
        """Their models: each one after those that its foreign keys refer to."""
        return in_order_of_references(dict.fromkeys(row.model for row in self.rows))


def in_order_of_references(wanted: Iterable[type[TrackedModel]]) -> list[type[TrackedModel]]:
    wanted, ordered = list(wanted), list[type[TrackedModel]]()

    def add(model: type[TrackedModel]) -> None:
        if model in ordered:
            return
        fields: Iterable[Any] = model._meta.concrete_fields
        for target in {each.related_model for each in fields if each.is_relation} - {model}:
            if target in wanted:
                add(target)
        ordered.append(model)

    for model in wanted:
        add(model)
    return ordered


# --- read ---


def read_rows(lines: models.QuerySet[HistoryEntry]) -> UndoneRows:
    """The rows of these entries: what several entries did to one row is one step."""
    rows: dict[UUID, UndoneRow] = {}
    columns = ("pk", "model", "object_id", "action", "before", "image_after")
    entries = with_what_came_after(lines.exclude(action__in=SUMMARIES)).order_by("id", "object_id")
    for entry_id, label, pk, action, before, after in entries.values_list(*columns):
        row = rows.setdefault(pk, UndoneRow(tracked(label), pk, before, None))
        row.entry_id, row.after = entry_id, after
        if action == Action.DELETE:
            row.after = {}
    for model in {row.model for row in rows.values()}:
        complete(model, [row for row in rows.values() if row.model is model])
    return UndoneRows(row for row in rows.values() if row.outcome)


def tracked(label: str) -> type[TrackedModel]:
    model: Any = apps.get_model(label)
    return model  # type: ignore[no-any-return]


def stored_now(rows: Iterable[UndoneRow], manager: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Those of the rows of the queryset that these are. Their places are known."""
    rows = list(rows)
    return located(manager, [row.pk for row in rows], (row.place for row in rows))


def complete(model: type[TrackedModel], rows: list[UndoneRow]) -> None:
    """Add the present images. A row without a later entry is now as the request left it; {} means deleted."""
    note_places(model, rows)
    stored = stored_now(rows, model._base_manager.order_by())
    images = {pk: read_image(image) for pk, image in stored.values_list("pk", row_image(model))}
    for row in rows:
        row.now = images.get(row.pk)
        row.after = row.now if row.after is None else row.after or None
        if row.before is not None and row.after is not None:
            row.columns = changed_columns(model, row.before, row.after)


def note_places(model: type[TrackedModel], rows: list[UndoneRow]) -> None:
    """From an image; of rows that were made, and not written since, the journal has none: from the rows themselves."""
    for column in located_by(model):
        for row in rows:
            if image := row.before or row.after:
                row.place = UUID(image[column])
        if unknown := [row for row in rows if row.place is None]:
            places = places_of(model, [row.pk for row in unknown])
            for row in unknown:
                row.place = places.get(row.pk)


def read_image(image: Any) -> Image:
    loaded: Image = json.loads(image) if isinstance(image, str) else image
    return loaded


# --- lock ---


@dataclass(slots=True)
class Owners:
    """The households and portfolios that rows are in, and those that they come from or go back to."""

    places: set[tuple[type[TrackedModel], UUID | None]] = field(default_factory=set)
    portfolios: set[UUID] = field(default_factory=set)

    def add(self, model: type[TrackedModel], rows: models.QuerySet[Any]) -> None:
        for _, household_id, portfolio_id in owners_of(rows):
            self.places.add((model, household_id))
            if portfolio_id is not None:
                self.portfolios.add(portfolio_id)

    @property
    def households(self) -> set[UUID]:
        return {household_id for _, household_id in self.places if household_id is not None}

    def include(self, others: Owners) -> bool:
        return others.households <= self.households and others.portfolios <= self.portfolios


def owners_now(rows: UndoneRows) -> Owners:
    """Where the rows are now, and where those go that are restored or changed."""
    owners = Owners()
    for model in rows.models:
        own = rows.by_model[model]
        manager: Any = model._base_manager
        owners.add(model, stored_now((row for row in own if row.now), manager.all()))
        if parent := parent_of(model):
            key: Any = model._meta.get_field(parent)
            ids = {UUID(row.before[key.attname]) for row in own if row.before and row.before[key.attname]}
            owners.add(model, key.related_model._base_manager.filter(pk__among=list(ids)))
    return owners


def lock_owners(owners: Owners) -> None:
    """Lock the households and then the portfolios, as every write does."""
    for model, ids in ((household_model(), owners.households), (portfolio_model(), owners.portfolios)):
        if ids:
            lock_rows(model._base_manager.filter(pk__in=ids))


def read_locked_rows(lines: models.QuerySet[HistoryEntry]) -> tuple[UndoneRows, Owners]:
    """The rows of these entries, read with their households and portfolios locked. Raises Restart where one moved."""
    locked = Owners()
    if rows_are_locked():
        locked = owners_now(read_rows(lines))
        lock_owners(locked)
    rows = read_rows(lines)
    owners = owners_now(rows)
    if rows_are_locked() and not locked.include(owners):
        raise Restart("a row has moved")
    return rows, owners
