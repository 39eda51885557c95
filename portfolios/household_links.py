"""Links that a household's page in the admin shows above its form. Layers above add theirs, such as its archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils.functional import Promise

from portfolios.models import Household


class HouseholdLink(NamedTuple):
    title: str | Promise
    address: str


type MakeLinks = Callable[[Household, HttpRequest], list[HouseholdLink]]
_registered: list[MakeLinks] = []


def register_household_links(function: MakeLinks) -> None:
    """Register a function that returns the links of a household for whoever asks."""
    if function not in _registered:
        _registered.append(function)


def links_of(household: Any, request: HttpRequest) -> list[HouseholdLink]:
    return [link for make in _registered for link in make(household, request)]
