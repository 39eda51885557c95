"""The command palette (Ctrl+K): finds pages of the menu, and rows of the pages with `in_palette`.

It replaces the theme's own search, which keeps what it found for five minutes, reads all rows that match, and fails
where the number of a page is no number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.dataclasses import SearchResult

from strata.admin.sidebar import admin_url, sidebar
from strata.fields.names import name_key

MOST_ROWS = 20


def palette(request: HttpRequest) -> HttpResponse:
    term = request.GET.get("s", "").replace("\x00", "").strip()
    if not term:
        return HttpResponse()
    pages = Paginator([*links_found(request, term), *rows_found(request, term)], per_page=1_000)
    context = {"page_obj": pages, "results": pages.page(1), "page_counter": 0, "execution_time": 0}
    return TemplateResponse(
        request, "unfold/helpers/command_results.html", context, headers={"HX-Trigger": "search"}
    )


def links_found(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for section in sidebar(request):
        for item in section["items"]:
            if name_key(term) in name_key(str(item["title"])):
                yield SearchResult(
                    title=str(item["title"]),
                    description=str(section["title"]),
                    link=item["link"],
                    icon=item["icon"],
                )


def rows_found(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """The first rows of each such page that match and that the caller may see."""
    pages: Iterable[tuple[type[Any], Any]] = admin.site._registry.items()
    for model, page in pages:
        if getattr(page, "in_palette", False) and page.has_view_permission(request):
            rows, _ = page.get_search_results(request, page.get_queryset(request), term)
            for row in rows[:MOST_ROWS]:
                yield SearchResult(
                    title=str(row),
                    description=page.palette_text(row),
                    link=admin_url(model, "change", row.pk),
                    icon=page.icon,
                )
