"""What the theme's site would make again on every page, although no page of Strata shows it or it never changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from strata.admin.sidebar import sidebar


def when_read(get_app_list: Callable[..., list[Any]]) -> Callable[..., Any]:
    """The site's list of apps, made when something reads it: each page gets it, and the menu is made without it."""

    def app_list(request: HttpRequest, app_label: str | None = None) -> Any:
        return SimpleLazyObject(lambda: get_app_list(request, app_label))

    return app_list


# What the theme's settings name (strata/settings.py): they are read before the apps can be imported.
NAMED: dict[str, Callable[..., Any]] = {"strata.admin.sidebar.sidebar": sidebar}


def value_of(setting: Any, *args: Any) -> Any:
    """A setting of the theme: a value, a function, or the name of one.

    The theme tries to import every text each time, also names and addresses of files.
    """
    function = NAMED.get(setting) if isinstance(setting, str) else setting
    return function(*args) if callable(function) else setting
