"""The journal's page, and how an event is shown on the history page of a row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from strata.admin.pages import ReadOnlyAdmin
from strata.admin.user_formats.columns import FORMATTED, text_of_recorded, zone_of
from strata.audit.journal import Event, field_of, target_of
from strata.audit.models import JournalEntry, packed_with
from strata.fields.ids import CANONICAL_ID
from strata.tenancy.querysets import Owned

YES_NO: dict[str, Any] = {"true": _("Yes"), "false": _("No")}


def describe_event(event: Event, user: Any, row: Any) -> dict[str, Any]:
    """The event as the page shows it: with labels of fields, and names of related rows where the caller may see them.

    Amounts are in the currency of `row`, whose history it is, and instants in its zone.
    A superuser sees all rows. A row without a name was deleted, and its id is shown.
    """
    zone, currency = zone_of(row), getattr(row, "currency", "")
    labels = {field.attname: field.verbose_name for field in event.model._meta.concrete_fields}

    def text_of(field: str, value: str, name: str | None, hides: bool) -> str:
        target = target_of(event.model, field)
        is_nameless = value and not name and target is not None and issubclass(target, Owned)
        if target is not None and (hides or (is_nameless and not user.is_superuser)):
            return gettext("%(name)s (not visible to you)") % {"name": capfirst(target._meta.verbose_name)}
        return name or value_text(event.model, field, value, zone=zone, currency=currency)

    return {
        "entry": event.entry,
        "user": event.entry.actor_name or gettext("System"),
        "via": channel_text(event.entry.channel),
        "fields": [
            (
                capfirst(labels.get(changed.name, changed.name)),
                text_of(changed.name, changed.before, changed.before_name, changed.hides_before),
                text_of(changed.name, changed.after, changed.after_name, changed.hides_after),
                changed.name.removesuffix("_id"),
            )
            for changed in event.fields
            if changed.before or changed.after or changed.hides_before or changed.hides_after
        ],
    }


def value_text(model: type[Any], attname: str, value: str, *, zone: str, currency: str) -> str:
    """A choice by its label, and yes or no; numbers, days and instants in the user's format."""
    field = field_of(model, attname)
    if isinstance(field, models.BooleanField):
        return str(YES_NO.get(value.lower(), value))
    if value and isinstance(field, FORMATTED):
        return text_of_recorded(value, field, zone, currency)
    choices: dict[str, Any] = dict(getattr(field, "flatchoices", ()) or ())
    return str(choices.get(value, value))


def channel_text(channel: str) -> str:
    """How the write came: "command:demo" as a person would say it."""
    kind, _, name = channel.partition(":")
    if kind == "command":
        return gettext('Command "%(name)s"') % {"name": name}
    if kind == "import":
        return gettext("Import")
    return {"admin": gettext("Admin"), "api": gettext("API")}.get(channel, channel)


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """The journal, as it is stored: many rows that were created together are one line, with their number."""

    icon, place = "history", 80
    empty_text = _("Every change is recorded here.")
    list_display = ("at", "written_by", "written_via", "action", "count", "model", "object_id", "in_request")
    list_filter = ("action", "model")
    list_select_related = ("write",)
    search_fields = ("object_id", "request_id", "actor_name", "write__request_id", "write__actor_name")
    fields = (*list_display, "household_id", "undo_of", "before")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        queryset: models.QuerySet[Any] = super().get_queryset(request).defer("packed")
        return queryset

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """What is packed is found by the id of each of its rows."""
        rows, may_repeat = super().get_search_results(request, queryset, search_term)
        if CANONICAL_ID.fullmatch(term := search_term.strip()):
            rows |= queryset.filter(pk__in=packed_with([UUID(term)]))
        return rows, may_repeat

    @admin.display(description=_("user"))
    def written_by(self, entry: JournalEntry) -> str:
        return (entry.write or entry).actor_name

    @admin.display(description=_("via"))
    def written_via(self, entry: JournalEntry) -> str:
        return (entry.write or entry).channel

    @admin.display(description=_("request"))
    def in_request(self, entry: JournalEntry) -> str:
        return (entry.write or entry).request_id
