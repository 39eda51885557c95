"""Looks rows up by their ids together with the column that locates them (TrackedModel.located_by).

A table that is partitioned by this column has each row in one part: a look-up by ids alone asks all parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q

from strata.audit.models import BITS_BELOW_MS

SAME_WRITE_MS = 1_000  # between two ids of one write, in their order
MOST_SPANS = 20  # of ids that are looked for in one statement


class RowIds(list[UUID]):
    """Ids of rows of a model; `places` are the values of the column that the rows are located by, if it has one."""

    def __init__(self, ids: Iterable[UUID] = (), places: Iterable[UUID] = ()) -> None:
        super().__init__(ids)
        self.places = set(places)


def located_by(model: type[models.Model]) -> tuple[str, ...]:
    """The column that a look-up by id names too, where there is one."""
    return getattr(model, "located_by", ())


def ids_of(rows: Iterable[models.Model]) -> RowIds:
    rows = list(rows)
    return RowIds(
        (row.pk for row in rows), (getattr(row, name) for row in rows for name in located_by(type(row)))
    )


def place_of(row: models.Model) -> dict[str, Any]:
    """The column of a row, with its stored value: it may have been changed since, and then the row moves."""
    noted: dict[str, Any] | None = vars(row).get("_place")
    return noted or {column: getattr(row, column) for column in located_by(type(row))}


def located[Rows: models.QuerySet[Any]](
    rows: Rows, ids: Collection[UUID], places: Iterable[UUID | None]
) -> Rows:
    """Those of the rows that have these ids. `places` are the values of the column that they are located by."""
    at = list({place for place in places if place is not None})
    columns = {f"{name.removesuffix('_id')}__pk__among": at for name in located_by(rows.model)}
    return rows.filter(pk__among=list(ids), **columns)


def places_of(model: type[models.Model], ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The places of rows of which nothing but their ids is known, such as those of packed entries of the journal.

    The ids of a write follow each other, so they are read as spans of ids: one look-up in each part, and not one for
    each row. Ids that are scattered are looked up one by one. Rows that are not there are left out.
    """
    wanted, spans = set(ids), spans_of(ids)
    if not wanted or not located_by(model):
        return {}
    (column,) = located_by(model)
    between = reduce(or_, (Q(pk__range=span) for span in spans[:MOST_SPANS]))
    condition = between if len(spans) <= MOST_SPANS else Q(pk__among=list(wanted))
    rows = model._base_manager.filter(condition).order_by().values_list("pk", column)
    return {pk: place for pk, place in rows if pk in wanted}


def spans_of(ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
    """The first and the last of ids that were made shortly after each other."""
    spans: list[tuple[UUID, UUID]] = []
    for pk in sorted(ids):
        if spans and (pk.int >> BITS_BELOW_MS) - (spans[-1][1].int >> BITS_BELOW_MS) <= SAME_WRITE_MS:
            spans[-1] = spans[-1][0], pk
        else:
            spans.append((pk, pk))
    return spans
