"""How a rule refuses the value of one field."""

from __future__ import annotations

from django.core.exceptions import ValidationError


def refusal(field: str, message: str, code: str = "invalid") -> ValidationError:
    return ValidationError({field: ValidationError(message, code=code)})
