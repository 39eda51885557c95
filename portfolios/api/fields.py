"""The field for the household of a new row."""

from __future__ import annotations

from typing import Any, NoReturn

from rest_framework import serializers

from portfolios.models import Household
from strata.api.fields import UUIDSerializerField
from strata.api.serializers import RelatedId


class HouseholdId(RelatedId):
    """The household of a new row. A row stays in its household: a change is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Household.objects, "household", **{"required": False, **kwargs})

    def get_default(self) -> NoReturn:
        raise serializers.SkipField

    def run_validation(self, data: Any = serializers.empty) -> Any:
        row = self.root.instance
        if row is None:
            return super().run_validation(data)
        if data is not serializers.empty and self.given(data) != row.household_id:
            raise serializers.ValidationError("It stays in its household.", code="fixed")
        raise serializers.SkipField

    def given(self, data: Any) -> Any:
        return None if data is None and self.allow_null else UUIDSerializerField.to_internal_value(self, data)
