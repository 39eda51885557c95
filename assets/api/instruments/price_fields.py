"""What a price and a load of prices are in requests: one price, or many."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from assets.models.querysets import TIME_ZONES_OF_USER
from assets.rules.instruments.prices import read_day, read_price
from assets.services.instruments.price_rows import latest_today
from assets.services.instruments.prices import LoadTerms
from strata.api.fields import BooleanSerializerField, DaySerializerField, NameSerializerField
from strata.api.serializers import StrictSerializer
from strata.exceptions import Invalid

PRICE = {
    "type": "string",
    "format": "decimal",
    "pattern": r"^[0-9]{1,20}(\.[0-9]{1,18})?$",
    "example": "12.34",
}


@extend_schema_field(PRICE)
class PriceField(serializers.Field[Any, Any, Any, Any]):
    """A positive number of at most 18 places; the codes say what is wrong with another one."""

    def run_validation(self, data: Any = empty) -> Any:
        return accepted(read_price(None if data is empty else data))

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "string", "format": "date"})
class PriceDayField(serializers.Field[Any, Any, Any, Any]):
    """A day that has come."""

    def run_validation(self, data: Any = empty) -> Any:
        return accepted(read_day(data, self.context["latest"]))

    def to_representation(self, value: date) -> str:
        return value.isoformat()


def accepted[Value](read: Value | Invalid) -> Value:
    if isinstance(read, Invalid):
        raise serializers.ValidationError(read.message, code=read.field_code)
    return read


class LoadSerializer(StrictSerializer):
    """What holds for all prices of a load."""

    ignored = frozenset()
    source = NameSerializerField(required=False, default="api", max_length=100)  # type: ignore[assignment]  # of a field
    split_adjusted = BooleanSerializerField(required=False, default=False)
    adjusted_to = DaySerializerField(required=False, allow_null=True, default=None)
    accept_jumps = BooleanSerializerField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["adjusted_to"] is not None and not attrs["split_adjusted"]:
            message = "Prices are adjusted to a day only with split_adjusted."
            raise serializers.ValidationError({"adjusted_to": message})
        return attrs


def load_terms(values: dict[str, Any], latest: date) -> LoadTerms:
    """Takes what LoadSerializer has read out of the values."""
    is_adjusted, adjusted_to = values.pop("split_adjusted"), values.pop("adjusted_to")
    return LoadTerms(
        source=values.pop("source"),
        adjusted_to=adjusted_to or latest if is_adjusted else None,
        accept_jumps=values.pop("accept_jumps"),
    )


def latest_day(user: Any) -> date:
    """Today, in the time zone of the user's portfolios where it is latest."""
    return latest_today(timezone.now(), TIME_ZONES_OF_USER(user.pk))
