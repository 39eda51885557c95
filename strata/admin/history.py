"""The history page of a row: its changes, and what was deleted from it, each with the button that takes it back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from strata.admin.journal import describe_event
from strata.admin.undo import undoable_by
from strata.audit.images import row_from
from strata.audit.journal import Event, deletion_of, history_of
from strata.audit.models import Action, HistoryEntry
from strata.audit.tracking import TrackedModel
from strata.audit.undo.rules import rules_of
from strata.fields.active_formats import day_text
from strata.tenancy.guards import cascading, parent_of
from strata.tenancy.roles import role_in

SHOWN_CHANGES = 200


def deleted_row(model: type[Any], pk: UUID | None, user: Any) -> Any:
    """The row as it was when it was deleted, for whoever may read its history; else None."""
    deletion = deletion_of(model, pk) if pk and issubclass(model, TrackedModel) else None
    if deletion is None or not deletion.before or deletion.household_id is None:
        return None
    if not user.is_superuser and role_in(user, deletion.household_id) not in model.history_readers:
        return None
    return row_from(model, deletion.before)


def history_rows(row: Any, user: Any) -> list[dict[str, Any]]:
    """The newest SHOWN_CHANGES changes, newest first, as the page shows them. No query is made for each of them."""
    events = history_of(row, SHOWN_CHANGES, user, deleted_below=models_below(type(row)))
    possible = undoable_by(user, {event.entry.request_id for event in events if not is_undone(event)})
    below = titles_below(row, [event for event in events if event.entry.object_id != row.pk])
    summaries = {event.entry.request_id: event.entry for event in events if event.entry.count is not None}
    return [
        {
            **describe_event(event, user, row),
            "action": below.get(event.entry.pk) or title_of(event.entry, summaries),
            "undo": button_of(event, possible),
        }
        for event in events
    ]


def models_below(model: type[models.Model]) -> list[type[TrackedModel]]:
    """The models with pages of their own whose rows belong to a row of this model."""
    return [
        relation.related_model
        for relation in cascading(model)
        if relation.related_model in admin.site._registry
        and parent_of(relation.related_model) == relation.field.name
    ]


def is_undone(event: Event) -> bool:
    return getattr(event.entry, "undone_by", None) is not None


def button_of(event: Event, possible: set[str]) -> str:
    """The label of the button; "" where there is none."""
    if is_undone(event) or event.entry.request_id not in possible:
        return ""
    return _("Restore") if event.entry.action == Action.DELETE else _("Undo")


# --- what happened, in a few words ---


def title_of(entry: HistoryEntry, summaries: dict[str, HistoryEntry]) -> str:
    """`summaries` are the entries of the page that summarise many rows, by request."""
    if entry.action == Action.UPDATE_VALUES:
        count = entry.count or 0
        return ngettext("Updated %(count)d value", "Updated %(count)d values", count) % {"count": count}
    if entry.action == Action.ADD_TRANSACTIONS:
        count = entry.count or 0
        return ngettext("Added %(count)d transaction", "Added %(count)d transactions", count) % {
            "count": count
        }
    if entry.action == Action.UNDO:
        return undo_title(entry, summaries)
    action: str = entry.get_action_display()
    return _("%(action)s (undo)") % {"action": action} if entry.undo_of else action


def undo_title(undo: HistoryEntry, summaries: dict[str, HistoryEntry]) -> str:
    """What was undone. The undo of an undo repeats what that had undone."""
    undone, is_repeated = summaries.get(undo.undo_of or ""), False
    while undone is not None and undone.action == Action.UNDO:
        undone, is_repeated = summaries.get(undone.undo_of or ""), not is_repeated
    what = decapitalized(title_of(undone, summaries)) if undone else changes(undo)
    return (_("Repeated: %(what)s") if is_repeated else _("Undone: %(what)s")) % {"what": what}


def changes(entry: HistoryEntry) -> str:
    count = entry.count or 0
    return ngettext("%(count)d change", "%(count)d changes", count) % {"count": count}


def decapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]


def titles_below(row: Any, events: Iterable[Event]) -> dict[int, str]:
    """For each entry the title that names the deleted row, which belonged to `row`."""
    titles: dict[int, str] = {}
    by_model: dict[type[Any], list[tuple[int, TrackedModel]]] = {}
    for event in events:
        deleted = row_from(event.model, event.entry.before or {})  # type: ignore[arg-type]  # a tracked model
        setattr(deleted, parent_of(type(deleted)) or "", row)
        by_model.setdefault(event.model, []).append((event.entry.pk, deleted))
    for model, pairs in by_model.items():
        if related := rules_of(model).related:
            prefetch_related_objects([deleted for _pk, deleted in pairs], *related)
        titles |= {pk: _("Deleted: %(what)s") % {"what": name_of(deleted)} for pk, deleted in pairs}
    return titles


def name_of(row: TrackedModel) -> str:
    rules = rules_of(type(row))
    try:
        subject, day = rules.subject(row), rules.day(row)
    except ObjectDoesNotExist:  # what the name is made of was deleted too
        return str(row._meta.verbose_name)
    return f"{subject}, {day_text(day)}" if day else subject
