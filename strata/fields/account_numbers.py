"""The last characters of an account's number: a whole number is never kept."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models

from strata.db.typed import Get, Set
from strata.fields.base import ValidatedField

LONGEST_END = 8
END_PATTERN = rf"^[0-9A-Za-z]{{0,{LONGEST_END}}}$"


class AccountNumberEndField(ValidatedField[Set, Get], models.CharField):  # type: ignore[type-arg]  # takes none when it runs
    """Letters and digits, at most 8. The service says so in words before this refuses more."""

    default_validators = [RegexValidator(END_PATTERN)]

    def __init__(self, *args: Any, max_length: int = LONGEST_END, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_length": max_length})
