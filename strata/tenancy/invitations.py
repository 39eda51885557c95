"""How many invitations a user has not answered. The kernel knows nothing else about invitations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models

_invitations: list[Callable[[Any], models.QuerySet[Any]]] = []


def register_invitations(function: Callable[[Any], models.QuerySet[Any]]) -> None:
    """Register the function that returns a user's open invitations, which are rows of an app above."""
    _invitations[:] = [function]


def pending_invitations(user: Any) -> int:
    return sum(function(user).count() for function in _invitations)
