"""What imports look like in the API's document, and what its bodies are made of."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from imports.api.shown import import_as_json
from imports.models import Import
from imports.services.planning.outcomes import OUTCOMES, ROW_TYPES
from strata.api.fields import BooleanSerializerField, InstantSerializerField, UUIDSerializerField
from strata.api.serializers import StrictSerializer

OBJECT = {"type": "object", "additionalProperties": True}
NUMBERS = {
    "type": "object",
    "required": list(ROW_TYPES),
    "properties": {row_type: {"type": "integer", "description": "How many."} for row_type in ROW_TYPES},
}
UPDATED = {
    "type": "object",
    "required": ["value", "transaction"],
    "properties": {
        row_type: {"type": "integer", "description": "How many."} for row_type in ("value", "transaction")
    },
}
COUNTS = {
    "type": "object",
    "properties": {
        row_type: {
            "type": "object",
            "description": "How many rows of this type have each outcome.",
            "properties": {outcome: {"type": "integer", "description": "How many."} for outcome in OUTCOMES},
        }
        for row_type in ROW_TYPES
    },
}


@extend_schema_field(OBJECT)
class ObjectField(serializers.JSONField):
    """An object whose members depend on the format."""


@extend_schema_field({"type": "object", "additionalProperties": True})
class ObjectOrNullField(serializers.JSONField):
    """The same, or null."""


@extend_schema_field(NUMBERS)
class NumbersField(serializers.JSONField):
    """How many rows of each type."""


@extend_schema_field(UPDATED)
class UpdatedField(serializers.JSONField):
    """How many rows of the types that can be updated."""


@extend_schema_field(COUNTS)
class CountsField(serializers.JSONField):
    """How many rows of each type have each outcome."""


class ImportedFileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class ImportAccountSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField(allow_blank=True)
    asset_id = UUIDSerializerField(allow_null=True)
    asset_type = serializers.CharField()
    instrument_id = UUIDSerializerField(allow_null=True)
    rows = serializers.IntegerField()
    first_on = serializers.DateField(allow_null=True)
    last_on = serializers.DateField(allow_null=True)
    net = serializers.CharField(allow_null=True)


class ImportExampleSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    text = serializers.CharField()


class ImportQuestionSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    option = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]  # of a field
    message = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField(), allow_null=True)
    examples = ImportExampleSerializer(many=True)
    answer = serializers.CharField(allow_null=True)
    account = serializers.CharField(allow_null=True)


class ImportWarningSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    column = serializers.CharField(allow_null=True)
    message = serializers.CharField()


class ImportSerializer(serializers.Serializer[Any]):
    """An import: a file, what it would become, and what became of it."""

    id = UUIDSerializerField()
    status = serializers.ChoiceField(Import.Status.values)
    portfolio_id = UUIDSerializerField()
    format = serializers.CharField()
    container = serializers.CharField()
    file = ImportedFileSerializer()
    options = ObjectField()
    detected = ObjectField()
    accounts = ImportAccountSerializer(many=True)
    counts = CountsField()
    questions = ImportQuestionSerializer(many=True)
    warnings = ImportWarningSerializer(many=True)
    refused = serializers.IntegerField()
    skipped = serializers.IntegerField()
    created_by = serializers.CharField(allow_null=True)
    created_at = InstantSerializerField()
    committed_at = InstantSerializerField(allow_null=True)
    undone_at = InstantSerializerField(allow_null=True)
    expires_at = InstantSerializerField(allow_null=True)

    # The list does not have them: they are long.
    of_single_rows = frozenset({"options", "detected", "accounts", "counts", "questions", "warnings"})

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = import_as_json(instance)
        view = self.context.get("view")
        if view is not None and view.is_list():
            return {name: shown[name] for name in shown if name not in self.of_single_rows}
        return shown


class NewImportSerializer(StrictSerializer):
    """The parts of the body: the file, and where it goes."""

    ignored = frozenset()
    file = serializers.FileField(allow_empty_file=True)
    portfolio_id = UUIDSerializerField()
    format = serializers.CharField(required=False, max_length=40)
    options = serializers.CharField(required=False, max_length=1_000_000)

    def to_internal_value(self, data: Any) -> Any:
        if unknown := set(data) - set(self.fields):
            raise serializers.ValidationError(
                {str(name)[:100]: "There is no such field." for name in sorted(unknown)}, code="unknown"
            )
        return super().to_internal_value(data)


class ImportOptionsSerializer(StrictSerializer):
    ignored = frozenset()
    options = ObjectField(required=False, default=dict)


class UndoImportSerializer(StrictSerializer):
    ignored = frozenset()
    force = BooleanSerializerField(required=False, default=False)


class ImportReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(allow_null=True)


class ImportRowSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    line = serializers.IntegerField()
    column = serializers.CharField(allow_null=True)
    sheet = serializers.CharField(allow_null=True)
    outcome = serializers.ChoiceField(OUTCOMES)
    reason = ImportReasonSerializer(allow_null=True)
    read = ObjectOrNullField(allow_null=True)
    becomes = serializers.ListField(child=ObjectField())
    before = ObjectOrNullField(allow_null=True)


class ImportRowsSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ImportRowSerializer(many=True)


class CommittedImportSerializer(serializers.Serializer[Any]):
    id = UUIDSerializerField()
    status = serializers.ChoiceField(Import.Status.values)
    made = NumbersField()  # nosemgrep: plain-names - a field of the API
    updated = UpdatedField()
    skipped = serializers.IntegerField()
    refused = serializers.IntegerField()
    committed_at = InstantSerializerField()


class UndoneImportSerializer(serializers.Serializer[Any]):
    id = UUIDSerializerField()
    status = serializers.ChoiceField(Import.Status.values)
    removed = NumbersField()
    restored = UpdatedField()
    kept = serializers.ListField(child=ObjectField())
