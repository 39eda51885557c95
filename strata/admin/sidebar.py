"""The menu at the side, and the addresses of pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.text import capfirst

SUBJECTS = ("What we have", "How it is sorted", "Who we are", "Behind it")


def sidebar(request) -> list[dict[str, Any]]:
    """The first page, then every registered page under its subject, in the order of registration."""
    groups: dict[str, list] = {subject: [] for subject in SUBJECTS}
    for model, page in admin.site._registry.items():
        if page.has_module_permission(request):
            item = {
                "title": capfirst(model._meta.verbose_name_plural),
                "icon": getattr(page, "icon", "table"),
                "link": admin_url(model, "changelist"),
            }
            groups.setdefault(getattr(page, "subject", SUBJECTS[-1]), []).append(item)
    overview = {"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}
    return [
        {"items": [overview]},
        *(
            {"title": subject, "separator": True, "items": items}
            for subject, items in groups.items()
            if items
        ),
    ]


def admin_url(model, name: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)
