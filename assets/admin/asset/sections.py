"""The sections that an asset's page shows above its form. Layers above add theirs: holdings and lots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest

from assets.admin.asset.course import course_of_asset
from assets.admin.asset.equity import equity_of_asset
from assets.admin.asset.schedule import schedule_of_asset
from assets.admin.asset.shares import shares_of_asset
from assets.admin.asset.terms.summary import terms_of_asset
from assets.admin.asset.values import values_of_asset
from assets.models import Asset


class Section(NamedTuple):
    """A template, and what it shows. The context has a name of its own, since all sections share one page."""

    template: str
    context: dict[str, Any]


type MakeSection = Callable[[Asset, HttpRequest], Section | None]
_registered: list[MakeSection] = []


def register_section(function: MakeSection) -> None:
    """Register a function that returns a section, or None for an asset without one."""
    if function not in _registered:
        _registered.append(function)


def sections_of(asset: Asset, request: HttpRequest, *, may_change: bool) -> dict[str, Any]:
    """What the page's context has of all sections."""
    sections = [section for make in _registered if (section := make(asset, request))]
    context: dict[str, Any] = {
        "values_of_asset": values_of_asset(asset, request, may_add=may_change),
        "equity": equity_of_asset(asset),
        "terms": terms_of_asset(asset, request, may_change=may_change),
        "schedule": schedule_of_asset(asset, request),
        "course": course_of_asset(asset),
        "shares": shares_of_asset(asset, request, may_change=may_change),
        "sections": [section.template for section in sections],
    }
    for section in sections:
        context |= section.context
    return context
