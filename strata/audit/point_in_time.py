"""The past as it was known at an instant: for one request, every table shows its rows of that instant.

Temporary views with the names of the tables are created on this connection. Both databases look for temporary views
first, so every query, filter, total and report works unchanged. A view shows the rows that are older than the instant
and unchanged since. For rows that were changed since, it shows the image in the first journal entry after the instant.
A row that was deleted then, and that an undo restored since, is left out.
The views are created in a transaction that is always rolled back, so the next request on the connection does not see
them. Memberships and users are those of today: who may see the present may see the past.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q, Value

from strata.audit.clock import set_back
from strata.audit.models import Deletion, JournalEntry
from strata.audit.temporal_views import TEMPORAL_VIEWS, TemporalViews
from strata.audit.tracking import TrackedModel
from strata.db.consistent_read import consistent_read
from strata.tenancy.roles import households_of

IMAGES, RESTORATIONS = "images", "restorations"
WITH_IMAGE = {"before__isnull": False}
RESTORED = {"before__isnull": True, "undo_of__isnull": False}  # by an undo: the row was deleted until then


@contextmanager
def as_known_at(to: datetime, user: Any) -> Iterator[None]:
    """Inside the block, reads see the user's households as they were known at `to`. Writes are rolled back."""
    with consistent_read(), set_back(to):  # rows that others change meanwhile would have no image
        try:
            households = households_involved(to, user)
            touched = models_touched(to, households)
            with connection.cursor() as cursor:
                views = TEMPORAL_VIEWS[connection.vendor](cursor, to)
                for model in temporal_models():
                    stage(views, model, touched, households)
                views.create_views(temporal_models())
            yield
        finally:
            transaction.set_rollback(True)


def stage(
    views: TemporalViews,
    model: type[models.Model],
    touched: dict[str, set[str]],
    households: Collection[UUID],
) -> None:
    """Stage the rows of the model as they were, and the ids of those that did not exist, although they are older."""
    label, to = model._meta.label, views.to
    if label in touched[IMAGES] | touched[RESTORATIONS]:
        views.stage_images(model, first_after(model, to, households, **WITH_IMAGE))
    if label in touched[RESTORATIONS]:
        views.stage_missing(model, first_after(model, to, households, **RESTORED))


def temporal_models() -> list[type[models.Model]]:
    """The models whose rows have the instant since when they are known."""
    return [model for model in apps.get_models() if getattr(model, "known_since", None)]


# --- which lines of the journal count ---


def households_involved(to: datetime, user: Any) -> list[UUID]:
    """The user's households, and those that their rows moved from or to since: they hold some of the entries."""
    household_ids = list(households_of(user).values_list("household_id", flat=True))
    since = JournalEntry.objects.filter(at__gt=to, before__isnull=False).order_by()
    own_lines = since.filter(household_id__in=household_ids)
    querysets: list[models.QuerySet[Any]] = []
    for model in temporal_models():
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


def images_after(to: datetime, **behind: Any) -> models.QuerySet[JournalEntry]:
    """The journal entries with an image that were written after `to`. The query fits the journal's index."""
    labels = [model._meta.label for model in temporal_models()]
    return JournalEntry.objects.filter(**behind, model__in=labels, at__gt=to, before__isnull=False).order_by()


def restorations_after(to: datetime, **behind: Any) -> models.QuerySet[JournalEntry]:
    """The entries, after `to`, of rows that an undo made again: before it they were deleted."""
    return JournalEntry.objects.filter(**behind, **RESTORED, at__gt=to).order_by()


def models_touched(to: datetime, households: Collection[UUID]) -> dict[str, set[str]]:
    """Labels of the models with such entries, in the households or among the shared rows, by which of the two."""
    labels: dict[str, set[str]] = {IMAGES: set(), RESTORATIONS: set()}
    lines = [
        entries(to, **behind).values_list("model", Value(kind)).distinct()
        for kind, entries in ((IMAGES, images_after), (RESTORATIONS, restorations_after))
        for behind in ({"household_id__in": households}, {"household_id": None})
    ]
    for label, kind in lines[0].union(*lines[1:]).order_by():
        labels[kind].add(label)
    return labels


def first_after(
    model: type[models.Model], to: datetime, households: Collection[UUID], **entries: Any
) -> models.QuerySet[Any]:
    """The id of the first entry after `to` of each row of the model, where it is one of these entries."""
    before_it = JournalEntry.objects.filter(object_id=OuterRef("object_id"), id__lt=OuterRef("id"), at__gt=to)
    behind = Q(household_id__in=households)
    if getattr(model, "shared_when_unowned", False):
        behind |= Q(household_id=None)
    lines = JournalEntry.objects.filter(behind, model=model._meta.label, at__gt=to, **entries)
    return lines.filter(~Exists(before_it)).order_by().values("id")
