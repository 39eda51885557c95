"""The values of a request as they are stored: each checked, and in its one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError


def normalised(values: Mapping[str, Any], checks: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The values, with what the check of each name makes of it. Raises ValidationError that names the field."""
    normal = dict(values)
    for name, check in checks.items():
        if name in normal:
            try:
                normal[name] = check(normal[name])
            except ValidationError as error:
                raise ValidationError({name: error}) from None
    return normal
