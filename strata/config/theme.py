"""The settings of the admin's theme, django-unfold."""

from __future__ import annotations

from typing import Any


def unfold(prefix: str, static: str) -> dict[str, Any]:
    """`prefix` is the path under which a proxy serves Strata, `static` that of static files."""
    return {
        "SITE_TITLE": "Strata",
        "SITE_HEADER": "Strata",
        "SITE_SYMBOL": "layers",
        "SITE_URL": f"{prefix}/",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": f"{static}strata/icon.svg"}],
        "STYLES": [f"{static}strata/{name}.css" for name in ("admin", "pages", "print")],
        "SCRIPTS": [f"{static}strata/amounts.js", f"{static}strata/select_names.js"],
        "SHOW_HISTORY": True,
        "SHOW_VIEW_ON_SITE": False,
        "SIDEBAR": {"navigation": "strata.admin.sidebar.sidebar"},
        "DASHBOARD_CALLBACK": "reports.dashboard.page.show",  # by name, because the kernel imports no app
    }
