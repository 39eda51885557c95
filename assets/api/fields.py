"""A serializer field of assets alone."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from strata.fields.account_numbers import END_PATTERN, LONGEST_END


@extend_schema_field({"type": "string", "maxLength": LONGEST_END, "pattern": END_PATTERN})
class AccountNumberEnd(serializers.Field[str, Any, str, Any]):
    """The service refuses what is longer, with a code of its own."""

    default_error_messages = {"invalid": "Not a valid string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data.strip()

    def to_representation(self, value: str) -> str:
        return value
