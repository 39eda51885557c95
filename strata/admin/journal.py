"""The journal's page, and how an event is shown on the history page of a row."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from strata.admin.pages import ReadOnlyAdmin
from strata.admin.user_formats.columns import FORMATTED, text_of_recorded, zone_of
from strata.audit.journal import Event, field_of, target_of
from strata.audit.models import JournalEntry
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
    """The journal."""

    icon, place = "history", 80
    empty_text = _("Every change is recorded here.")
    list_display = ("at", "actor_name", "channel", "action", "model", "object_id", "request_id")
    list_filter = ("action", "model")
    search_fields = ("object_id", "request_id", "actor_name")
