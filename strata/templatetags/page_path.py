"""The heading of a page of the admin, and the links above it."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.contrib import admin
from django.urls import reverse
from django.utils.text import capfirst

register = template.Library()


class PagePath(NamedTuple):
    """`links` are (name, URL), from the list down to the row that the page belongs to."""

    links: list[tuple[str, str]]
    heading: str


@register.simple_tag(takes_context=True)
def page_path(context: Any) -> PagePath:
    """A list is headed by what it lists, a row's own page by the row, any other page by its title."""
    row = shown_row(context)
    opts = context.get("opts") or (row and row._meta)
    title = str(context.get("title") or context.get("site_header") or "")
    if opts is None:
        return PagePath([], title)
    if context.get("cl"):
        return PagePath([], title)
    links = [(list_title(opts), page_of(opts, "changelist"))]
    if row is None:
        return PagePath(links, title)
    if context.get("adminform"):
        return PagePath(links, str(row))
    return PagePath([*links, (str(row), page_of(opts, "change", row.pk))], title)


def list_title(opts: Any) -> str:
    """As in the menu."""
    page: Any = admin.site._registry.get(opts.model)
    return str(getattr(page, "menu_title", "") or capfirst(opts.verbose_name_plural))


def shown_row(context: Any) -> Any:
    row = context.get("original") or context.get("object")
    return row if hasattr(row, "_meta") else None


def page_of(opts: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=args)
