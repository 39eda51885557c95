"""The link to the page of imports in the menu."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from strata.admin.sidebar import MenuLink, Section


def menu_links(request: HttpRequest) -> Iterator[MenuLink]:
    yield MenuLink(
        section=Section.ASSETS,
        title=_("Import and export"),
        address=reverse("import-file"),
        icon="upload_file",
        place=48,
    )
