"""How many invitations wait for a user, whom the kernel knows no more of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models

_invitations: list[Callable[[Any], models.QuerySet]] = []


def register_invitations(function: Callable[[Any], models.QuerySet]) -> None:
    """What finds the invitations that wait for a user, which are rows of an app above."""
    _invitations[:] = [function]


def pending_invitations(user: Any) -> int:
    return sum(function(user).count() for function in _invitations)
