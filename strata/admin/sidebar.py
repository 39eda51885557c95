"""The sidebar menu, and the URLs of pages."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _


class Section(StrEnum):
    """The sections of the menu, in this order. The values are the headings."""

    ASSETS = "What we have"
    CLASSIFICATION = "How it is sorted"
    HOUSEHOLD = "Who we are"
    DATA = "Behind it"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The overview, then the registered pages by section, in the order of registration, then other pages."""
    groups: dict[str, list[dict[str, Any]]] = {section: [] for section in Section}
    for model, page in admin.site._registry.items():
        if page.has_module_permission(request):
            item = {
                "title": capfirst(model._meta.verbose_name_plural),
                "icon": getattr(page, "icon", "table"),
                "link": admin_url(model, "changelist"),
            }
            groups[getattr(page, "section", Section.DATA)].append(item)
    groups[Section.DATA].append({"title": _("API documentation"), "icon": "api", "link": reverse("swagger")})
    groups[Section.DATA].append({"title": _("My settings"), "icon": "tune", "link": reverse("my-settings")})
    overview = {"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}
    return [
        {"items": [overview]},
        *(
            {"title": section, "separator": True, "items": items}
            for section, items in groups.items()
            if items
        ),
    ]


def admin_url(model: type[Any], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)
