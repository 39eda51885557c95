"""Shared by all serializers: exact fields, refusal of unknown fields, related ids limited to the caller's rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from strata.api.errors import as_fields
from strata.api.fields import SERIALIZER_FIELD_MAPPING, UUIDSerializerField, is_same
from strata.exceptions import NotFound
from strata.tenancy.roles import EDITORS, require_role

# Fields that clients send back though not every resource has them; the last two come from clients of an older Strata.
IGNORED = frozenset({"id", "created_at", "updated_at", "created_by", "updated_by"})


@extend_schema_field({"type": "string", "format": "uuid"})
class RelatedId(UUIDSerializerField):
    """The id of another row that the caller may use. 404 for a row of others, and for one that does not exist.

    The validated value is the row itself. `resource_name` is its name in errors.
    """

    def __init__(self, queryset: Any, resource_name: str, **kwargs: Any) -> None:
        self.queryset, self.resource_name = queryset, resource_name
        kwargs.setdefault("source", resource_name)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        pk = super().to_internal_value(data)
        row = self.queryset.all().for_user(self.context["request"].user).filter(pk=pk).first()
        if row is None:
            raise NotFound(self.resource_name)
        return row

    def get_attribute(self, instance: Any) -> Any:
        return getattr(instance, f"{self.source}_id")

    def to_representation(self, value: Any) -> str:
        return str(getattr(value, "pk", value))


class StrictSerializer(serializers.Serializer):
    """Refuses unknown fields, by name."""

    ignored = IGNORED

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = data.keys() - self.fields.keys() - self.ignored
            if unknown:
                raise serializers.ValidationError(
                    {str(name)[:100]: "There is no such field." for name in sorted(unknown)}, code="unknown"
                )
        try:
            return super().to_internal_value(data)
        except DjangoValidationError as error:
            raise serializers.ValidationError(as_fields(error)) from None

    def refuse_contradictions(self, shown: Any, *, but: Collection[str] = (), by_id: bool = True) -> None:
        """Raise a ValidationError for read-only fields, except `but`, that were sent with another value than shown."""
        sent = self.initial_data
        fields = [(name, field) for name, field in self.fields.items() if field.read_only and name in sent]
        wrong = [
            name
            for name, field in fields
            if name not in but and not is_shown(field, sent[name], shown[name], by_id=by_id)
        ]
        if wrong:
            message = "It cannot be set here: leave it out, or send what it is."
            raise serializers.ValidationError(
                {name: self.set_elsewhere.get(name, message) for name in wrong}, code="read_only"
            )

    set_elsewhere: Mapping[str, str] = {}  # how read-only fields are changed, by their names


class HouseholdSerializer(StrictSerializer, serializers.ModelSerializer):
    """A row of a household. PUT works like PATCH, but needs `name`: fields that are not sent stay as they are.

    Read-only fields may be sent with their present values. A PUT may send older values of `computed` fields, because
    these change without the caller.
    """

    serializer_field_mapping = SERIALIZER_FIELD_MAPPING
    needed_by_put: tuple[str, ...] = ("name",)
    computed: frozenset[str] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        if self.instance is None or not isinstance(data, dict):
            return super().to_internal_value(data)
        put = self.context["request"].method == "PUT"
        self.ignored = IGNORED if put else frozenset()
        attrs = super().to_internal_value(data)
        if any(self.fields[name].read_only for name in data.keys() & self.fields.keys()):
            but = {"updated_at", *self.computed_of(self.instance)} if put else ()
            self.refuse_contradictions(self.to_representation(self.instance), but=but, by_id=put)
        return attrs

    def computed_of(self, row: Any) -> frozenset[str]:
        """The `computed` fields that may have changed by themselves on this row."""
        return self.computed

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
        """Without a change nothing is written: no journal entry, and no new revision."""
        same = all(getattr(instance, name) == value for name, value in validated_data.items())
        return instance if same else super().update(instance, validated_data)

    def require_editor(self, row: Any) -> None:
        """Raise Forbidden where the caller sees the household but may not change it."""
        require_role(self.context["request"].user, row.owning_household_id(), EDITORS)


def is_shown(field: serializers.Field, sent: Any, shown: Any, *, by_id: bool) -> bool:
    """Whether a sent value equals the shown one. `by_id` compares rows by id: their names may have changed since."""
    if by_id and isinstance(field, serializers.BaseSerializer):
        return ids_of(sent) == ids_of(shown)
    return is_same(field, sent, shown)


def ids_of(rows: Any) -> Any:
    """The id of a row, or the sorted ids of a list of rows. Anything else is returned as it is."""
    if isinstance(rows, dict):
        return str(rows.get("id"))
    if isinstance(rows, list):
        return sorted(str(ids_of(row)) for row in rows)
    return rows
