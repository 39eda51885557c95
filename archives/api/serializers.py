"""What archives look like in the API's document, and the parts of the body that restores one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from archives.services.restoring import MODES, NEW
from portfolios.models import Role
from strata.api.fields import UUIDSerializerField
from strata.api.serializers import StrictSerializer

COUNTS = {"type": "object", "additionalProperties": {"type": "integer", "description": "How many rows."}}


@extend_schema_field(COUNTS)
class CountsField(serializers.JSONField):
    """How many rows of each table."""


class NewHouseholdOfArchiveSerializer(serializers.Serializer[Any]):
    id = UUIDSerializerField()
    name = serializers.CharField()


class PersonOfArchiveSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    state = serializers.ChoiceField(["invited", "member"])


class ArchiveWarningSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    currencies = serializers.ListField(child=serializers.CharField())
    instruments = serializers.ListField(child=serializers.CharField())


class RestoredArchiveSerializer(serializers.Serializer[Any]):
    """What was restored, or would be."""

    household = NewHouseholdOfArchiveSerializer()
    mode = serializers.ChoiceField(MODES)
    dry_run = serializers.BooleanField()
    remapped = serializers.BooleanField()
    counts = CountsField()
    members = PersonOfArchiveSerializer(many=True)
    warnings = ArchiveWarningSerializer(many=True)


class NewArchiveSerializer(StrictSerializer):
    """The parts of the body: the file, and what becomes of it."""

    ignored = frozenset()
    file = serializers.FileField(allow_empty_file=True)
    mode = serializers.ChoiceField(MODES, default=NEW)
    household_id = UUIDSerializerField(required=False)
    confirm = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)
    dry_run = serializers.ChoiceField(["true", "false"], default="false")

    def to_internal_value(self, data: Any) -> Any:
        if unknown := set(data) - set(self.fields):
            raise serializers.ValidationError(
                {str(name)[:100]: "There is no such field." for name in sorted(unknown)}, code="unknown"
            )
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        if (attrs["mode"] == NEW) == ("household_id" in attrs):
            message = "It names the household that is replaced: send it with mode=replace alone."
            raise serializers.ValidationError({"household_id": message})
        return attrs
