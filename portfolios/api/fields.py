"""The field that says in which household a new row is made."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from portfolios.models import Household
from strata.api.fields import UUIDSerializerField
from strata.api.serializers import RelatedId


class HouseholdId(RelatedId):
    """Where a new row goes; a row stays in its household, so later it is ignored."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Household.objects, "household", **{"required": False, **kwargs})

    def get_default(self):
        raise serializers.SkipField

    def run_validation(self, data=serializers.empty):
        if self.root.instance is None:
            return super().run_validation(data)
        if data is not serializers.empty and not (data is None and self.allow_null):
            UUIDSerializerField.to_internal_value(self, data)
        raise serializers.SkipField
