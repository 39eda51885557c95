"""What every resource's serializer shares: exact fields, unknown ones refused, related ids scoped to the caller."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from strata.api.errors import as_fields
from strata.api.fields import SERIALIZER_FIELD_MAPPING, UUIDSerializerField
from strata.exceptions import NotFound
from strata.ownership import EDITORS

IGNORED = frozenset({"id", "created_at", "updated_at", "created_by", "updated_by"})


@extend_schema_field({"type": "string", "format": "uuid"})
class RelatedId(UUIDSerializerField):
    """The id of another row that the caller may use; 404 for one that is not theirs, as for one that is not there.

    `thing` names it in the error; the value comes out as the row itself. The field is called `thing_id`.
    """

    def __init__(self, queryset: Any, thing: str, **kwargs: Any) -> None:
        self.queryset, self.thing = queryset, thing
        kwargs.setdefault("source", thing)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        pk = super().to_internal_value(data)
        row = self.queryset.all().for_user(self.context["request"].user).filter(pk=pk).first()
        if row is None:
            raise NotFound(self.thing)
        return row

    def get_attribute(self, instance: Any) -> Any:
        return getattr(instance, f"{self.source}_id")

    def to_representation(self, value: Any) -> str:
        return str(getattr(value, "pk", value))


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not have, by name; read-only ones are ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = data.keys() - self.fields.keys() - IGNORED
            if unknown:
                raise serializers.ValidationError(
                    {str(name)[:100]: "There is no such field." for name in sorted(unknown)}, code="unknown"
                )
        try:
            return super().to_internal_value(data)
        except DjangoValidationError as error:
            raise serializers.ValidationError(as_fields(error)) from None


class HouseholdSerializer(StrictSerializer, serializers.ModelSerializer):
    """A row behind the door. PUT is PATCH that needs `name`: what it is not given, it leaves as it is."""

    serializer_field_mapping = SERIALIZER_FIELD_MAPPING
    needed_by_put = ("name",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        request = self.context["request"]
        missing = [
            name for name in self.needed_by_put if request.method == "PUT" and name not in self.initial_data
        ]
        if missing:
            raise serializers.ValidationError(
                {name: "This field is required." for name in missing}, code="required"
            )
        return attrs

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        """What changes nothing is not written: it leaves no line in the journal and raises no revision."""
        same = all(getattr(instance, name) == value for name, value in validated_data.items())
        return instance if same else super().update(instance, validated_data)

    def require_editor(self, row: Any) -> None:
        """403 where the caller sees a household but may not change it."""
        from strata.api.viewsets import require_role

        require_role(self.context["request"].user, row.owning_household_id(), EDITORS)
