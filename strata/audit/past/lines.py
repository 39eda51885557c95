"""What the journal has of rows that were written after an instant: the only place where readers of the past ask it.

An image is the row before its first write after the instant. Where that write is an undo that made the row again, the
row was deleted at the instant, although it is older.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.fields.json import KT

from strata.audit.models import Deletion, JournalEntry
from strata.audit.tracking import TrackedModel
from strata.tenancy.roles import households_of

IMAGES, RESTORATIONS = "images", "restorations"
WRITES: dict[str, dict[str, Any]] = {
    IMAGES: {"before__isnull": False},
    RESTORATIONS: {"before__isnull": True, "undo_of__isnull": False},
}
BY_ID = "SELECT c.object_id AS id, c.before FROM strata_change c WHERE c.id {}"

type Touched = dict[str, set[str]]  # labels of models, by IMAGES and RESTORATIONS


class Chosen(NamedTuple):
    """SQL that gives the ids of entries, such as `IN (SELECT ...)`, with its parameters."""

    condition: str
    params: tuple[Any, ...] = ()

    def rows(self) -> str:
        """SQL that gives (id, before) of their rows. `before` is NULL where the entry is a restoration."""
        return BY_ID.format(self.condition)


class Line(NamedTuple):
    """An entry: its own id, the id of the row, and the names of the row, whose keys are not in the image."""

    id: int
    object_id: UUID
    names: tuple[str | None, ...]


def households_involved(models_of_past: Iterable[type[models.Model]], to: datetime, user: Any) -> list[UUID]:
    """The user's households, and those that their rows moved from or to since: they hold some of the entries."""
    household_ids = list(households_of(user).values_list("household_id", flat=True))
    since = JournalEntry.objects.filter(at__gt=to, before__isnull=False).order_by()
    own_lines = since.filter(household_id__in=household_ids)
    querysets: list[models.QuerySet[Any]] = []
    for model in models_of_past:
        if not issubclass(model, TrackedModel) or model.household_lookup.count("__") > 1:
            continue  # rows further down move with their parent
        lookup = f"{model.household_lookup}_id" if model.household_lookup else "pk"
        rows, label = model._base_manager.order_by(), model._meta.label
        elsewhere = since.filter(model=label).exclude(household_id__in=household_ids)
        left = own_lines.filter(model=label).values("object_id")
        now_own = rows.filter(**{f"{lookup}__in": household_ids}).values("pk")
        querysets.append(
            elsewhere.filter(Q(object_id__in=left) | Q(object_id__in=now_own)).values_list("household_id")
        )
        querysets.append(
            rows.filter(pk__in=left).exclude(**{f"{lookup}__in": household_ids}).values_list(lookup)
        )
    hidden = Deletion.objects.filter(household_id__in=household_ids, at__gt=to).order_by()
    querysets.append(hidden.values_list("holder_id"))  # what was written there before the rows were removed
    others = querysets[0].union(*querysets[1:]).order_by()
    return sorted({*household_ids, *(row[0] for row in others if row[0])})


def models_touched(labels: Collection[str], to: datetime, households: Collection[UUID]) -> Touched:
    """The models, of these, with such entries in the households or among the shared rows."""
    touched: Touched = {IMAGES: set(), RESTORATIONS: set()}
    lines = [
        JournalEntry.objects.filter(**behind, **write, model__in=labels, at__gt=to)
        .order_by()
        .values_list("model", Value(kind))
        .distinct()
        for kind, write in WRITES.items()
        for behind in ({"household_id__in": households}, {"household_id": None})
    ]
    for label, kind in lines[0].union(*lines[1:]).order_by():
        touched[kind].add(label)
    return touched


def first_after(model: type[models.Model], to: datetime, households: Collection[UUID], kind: str) -> Chosen:
    """The first entry after `to` of each row of the model, where it is of this kind."""
    first = _first_after(model, to, households, kind).values("id")
    text, params = first.query.get_compiler(connection=connection).as_sql()
    return Chosen(f"IN ({text})", tuple(params))


def lines_after(
    model: type[models.Model],
    to: datetime,
    households: Collection[UUID],
    kind: str,
    *,
    names: Iterable[str] = (),
    most: int,
) -> list[Line]:
    """The same as up to `most` Lines, with these names from the images."""
    columns = [KT(f"before__{name}") for name in names]
    rows = _first_after(model, to, households, kind).values_list("id", "object_id", *columns)
    return [Line(pk, object_id, tuple(values)) for pk, object_id, *values in rows[:most]]


def _first_after(
    model: type[models.Model], to: datetime, households: Collection[UUID], kind: str
) -> models.QuerySet[JournalEntry]:
    before_it = JournalEntry.objects.filter(object_id=OuterRef("object_id"), id__lt=OuterRef("id"), at__gt=to)
    behind = Q(household_id__in=households)
    if getattr(model, "shared_when_unowned", False):
        behind |= Q(household_id=None)
    lines = JournalEntry.objects.filter(behind, model=model._meta.label, at__gt=to, **WRITES[kind])
    return lines.filter(~Exists(before_it)).order_by()
