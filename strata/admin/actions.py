"""Actions on many rows of a list ask first. The question says how many rows, and what will happen to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from strata.fields.active_formats import count_text

MOST_UNASKED = 100
SHOWN_REFUSALS = 20
RESENT_FIELDS = (ACTION_CHECKBOX_NAME, "action", "select_across", "index")


def asking_first(page: Any, action: Any) -> Any:
    """The action, with a question before it where it has more than MOST_UNASKED rows that nobody has agreed to."""

    def run(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        keys = list(queryset.order_by("pk").values_list("pk", flat=True))
        agreed = fingerprint(keys)
        if len(keys) > MOST_UNASKED and request.POST.get("agreed") != agreed:
            return confirmation(page, request, action, queryset, agreed)
        answer: HttpResponse | None = action.func(modeladmin, request, queryset)
        return answer

    return replace(action, func=run)


def fingerprint(keys: list[Any]) -> str:
    """A hash of the ids that were shown. Where other rows are selected by now, the question is asked again."""
    return sha256(" ".join(map(str, keys)).encode()).hexdigest()


def confirmation(
    page: Any, request: Any, action: Any, queryset: QuerySet[Any], agreed: str
) -> TemplateResponse:
    says: Callable[..., list[str]] = getattr(page, f"what_{action.name}_does")
    sentences, obstacles = says(request, queryset), page.obstacles_to(action.name, queryset)
    context = {
        **page.admin_site.each_context(request),
        "title": f"{action.description % {'verbose_name_plural': page.opts.verbose_name_plural}}?",
        "sentences": sentences,
        "obstacles": obstacles,
        "count": queryset.count(),
        "hidden_inputs": [(name, value) for name in RESENT_FIELDS for value in request.POST.getlist(name)],
        "agreed": agreed,
        "opts": page.opts,
    }
    return TemplateResponse(request, "strata/confirm_action.html", context)


def counted(count: int, model: type[models.Model]) -> str:
    name = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
    return f"{count_text(count)} {name}"


def shown_refusals(messages: list[str]) -> list[str]:
    """The first messages and a count of the rest: ten thousand messages are too many for a page or a session."""
    rest = len(messages) - SHOWN_REFUSALS
    return messages[:SHOWN_REFUSALS] + (
        [gettext("And %(count)s more.") % {"count": count_text(rest)}] if rest > 0 else []
    )
