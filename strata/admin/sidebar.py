"""The menu: links by section. Every registered page is in it; apps add links to their other pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import TextChoices
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _


class Section(TextChoices):
    """The sections of the menu, in this order. The labels are the headings."""

    START = "start", ""
    ASSETS = "assets", _("Assets and debts")
    CLASSIFICATION = "classification", _("Classification")
    REPORTS = "reports", _("Reports")
    HOUSEHOLD = "household", _("Household")
    DATA = "data", _("Data and settings")


@dataclass(frozen=True, kw_only=True, slots=True)
class MenuLink:
    """A link of the menu. `place` orders the links of a section.

    `badge` is shown after the title; `name` is what a screen reader says where that is more than the title.
    """

    section: Section
    title: str | Promise
    address: str
    icon: str
    place: int = 50
    badge: str = ""
    name: str = ""

    def item(self) -> dict[str, Any]:
        """The link as the theme takes it. A link to a part of a page is never the current one."""
        item = {
            "title": self.title,
            "link": self.address,
            "icon": self.icon,
            "count": self.badge,
            "name": self.name,
        }
        return item | {"active": False} if "#" in self.address else item


_sources: list[Callable[[HttpRequest], Iterable[MenuLink]]] = []


def register_links(function: Callable[[HttpRequest], Iterable[MenuLink]]) -> None:
    """Register a function that returns the links of an app for whoever asks, beside those of its registered pages."""
    if function not in _sources:
        _sources.append(function)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The sections that have links, as the theme takes them."""
    links = [*own_links(), *page_links(request)]
    links += [link for function in _sources for link in function(request)]
    links.sort(key=lambda link: link.place)
    sections = [(section, [link.item() for link in links if link.section == section]) for section in Section]
    return [
        {"title": section.label, "separator": bool(section.label), "items": items}
        for section, items in sections
        if items
    ]


def own_links() -> list[MenuLink]:
    """The dashboard, and the pages of the kernel that show no table."""
    return [
        MenuLink(
            section=Section.START,
            title=_("Dashboard"),
            address=reverse("admin:index"),
            icon="dashboard",
        ),
        MenuLink(
            section=Section.DATA,
            title=_("My settings"),
            address=reverse("my-settings"),
            icon="tune",
            place=30,
        ),
        MenuLink(
            section=Section.DATA,
            title=_("API documentation"),
            address=reverse("swagger"),
            icon="api",
            place=40,
        ),
    ]


def page_links(request: HttpRequest) -> list[MenuLink]:
    """The registered pages that the caller may see, each where its `section` and `place` say."""
    pages: Iterable[tuple[type[Any], Any]] = admin.site._registry.items()
    return [
        MenuLink(
            section=getattr(page, "section", Section.DATA),
            title=getattr(page, "menu_title", "") or capfirst(model._meta.verbose_name_plural),
            address=admin_url(model, "changelist"),
            icon=getattr(page, "icon", "table"),
            place=getattr(page, "place", 50),
        )
        for model, page in pages
        if page.has_module_permission(request) and getattr(page, "in_menu", is_in_menu)(request)
    ]


def is_in_menu(request: HttpRequest) -> bool:
    return True


def admin_url(model: type[Any], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)
