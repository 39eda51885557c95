"""The journal's page, and how an event is shown on the history page of a row."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from strata.admin.pages import ForSuperusersToRead
from strata.audit.journal import Event, target_of
from strata.audit.models import Change
from strata.fields.names import with_article
from strata.tenancy.querysets import Owned


def told(event: Event, user) -> dict[str, Any]:
    """The event as it is shown: fields by their names, and related rows by theirs where the caller may see them.

    To a superuser, who sees all of them, what has no name is gone, and its id is shown.
    """
    labels = {field.attname: field.verbose_name for field in event.model._meta.concrete_fields}

    def text_of(field: str, value: str, name: str | None, hides: bool) -> str:
        target = target_of(event.model, field)
        is_nameless = value and not name and target is not None and issubclass(target, Owned)
        if hides or (is_nameless and not user.is_superuser):
            return f"{with_article(target._meta.verbose_name)} that you do not see"
        return name or value

    return {
        "change": event.change,
        "fields": [
            (
                labels.get(one.name, one.name),
                text_of(one.name, one.before, one.before_name, one.hides_before),
                text_of(one.name, one.after, one.after_name, one.hides_after),
            )
            for one in event.fields
            if one.before or one.after or one.hides_before or one.hides_after
        ],
    }


@admin.register(Change)
class ChangeAdmin(ForSuperusersToRead):
    """The journal."""

    icon = "history"
    list_display = ("at", "actor_name", "channel", "action", "model", "object_id", "request_id")
    list_filter = ("action", "model")
    search_fields = ("object_id", "request_id", "actor_name")
