"""The journal's page, and how an event is shown on the history page of a row."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from strata.admin.pages import ReadOnlyAdmin
from strata.audit.journal import Event, target_of
from strata.audit.models import JournalEntry
from strata.fields.names import with_article
from strata.tenancy.querysets import Owned


def describe_event(event: Event, user: Any) -> dict[str, Any]:
    """The event as the page shows it: with labels of fields, and names of related rows where the caller may see them.

    A superuser sees all rows. A row without a name was deleted, and its id is shown.
    """
    labels = {field.attname: field.verbose_name for field in event.model._meta.concrete_fields}

    def text_of(field: str, value: str, name: str | None, hides: bool) -> str:
        target = target_of(event.model, field)
        is_nameless = value and not name and target is not None and issubclass(target, Owned)
        if target is not None and (hides or (is_nameless and not user.is_superuser)):
            return f"{with_article(str(target._meta.verbose_name))} that you do not see"
        return name or value

    return {
        "entry": event.entry,
        "fields": [
            (
                labels.get(changed.name, changed.name),
                text_of(changed.name, changed.before, changed.before_name, changed.hides_before),
                text_of(changed.name, changed.after, changed.after_name, changed.hides_after),
            )
            for changed in event.fields
            if changed.before or changed.after or changed.hides_before or changed.hides_after
        ],
    }


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """The journal."""

    icon, place = "history", 80
    empty_text = _("Every change is recorded here.")
    list_display = ("at", "actor_name", "channel", "action", "model", "object_id", "request_id")
    list_filter = ("action", "model")
    search_fields = ("object_id", "request_id", "actor_name")
