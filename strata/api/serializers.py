"""Shared by all serializers: exact fields; unknown fields and changes of read-only fields are refused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from strata.api.errors import as_fields
from strata.api.fields import SERIALIZER_FIELD_MAPPING, AnyField, is_same

# Fields that clients send back though not every resource has them. None has the last two: the prototype had them.
IGNORED = frozenset({"id", "created_at", "updated_at", "created_by", "updated_by"})
NOT_AN_OBJECT = "Send an object."


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields, by name."""

    ignored = IGNORED
    default_error_messages = {"invalid": NOT_AN_OBJECT}

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

    def refuse_changed_read_only(self, shown: Any, *, but: Collection[str] = (), by_id: bool = True) -> None:
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


class HouseholdSerializer(StrictSerializer, serializers.ModelSerializer[Any]):
    """A row of a household. PUT works like PATCH, but needs `name`: fields that are not sent stay as they are.

    Read-only fields may be sent with their present values. A PUT may send older values of `computed` fields, because
    these change without the caller.
    """

    serializer_field_mapping = SERIALIZER_FIELD_MAPPING
    required_for_put: tuple[str, ...] = ("name",)
    computed: frozenset[str] = frozenset()
    of_single_rows: frozenset[str] = frozenset()  # fields that a list does not have
    immutable: Mapping[str, str] = {}  # columns that only a POST sets, and what a change is answered

    # DRF makes validators from unique constraints. They would look for duplicates before the row is locked; the service
    # looks once it is.

    def get_validators(self) -> list[Any]:
        return []

    def get_uniqueness_extra_kwargs(
        self,
        field_names: Iterable[str],
        declared_fields: Mapping[str, AnyField],
        extra_kwargs: dict[str, Any],
    ) -> tuple[dict[str, Any], dict[str, serializers.HiddenField]]:
        return extra_kwargs, {}

    @property
    def is_put(self) -> bool:
        return bool(self.context["request"].method == "PUT")

    def to_internal_value(self, data: Any) -> Any:
        if self.partial:
            self.ignored = IGNORED if self.is_put else frozenset()
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        missing = [name for name in self.required_for_put if self.is_put and name not in self.initial_data]
        if missing:
            raise serializers.ValidationError(
                {name: "This field is required." for name in missing}, code="required"
            )
        return attrs

    @property
    def changes(self) -> dict[str, Any]:
        """What an update changes, by column."""
        return {name: value for name, value in self.validated_data.items() if name not in self.immutable}

    def refuse_changes_of_fixed_fields(self, row: Any, shown: Callable[[], Mapping[str, Any]]) -> None:
        """Refuse an update of what only a POST sets, and of read-only fields. `shown` gives what a GET shows."""
        changed = [
            name
            for name in self.immutable
            if name in self.validated_data and self.validated_data[name] != getattr(row, name)
        ]
        if changed:
            raise serializers.ValidationError({name: self.immutable[name] for name in changed}, code="fixed")
        if any(self.fields[name].read_only for name in self.initial_data.keys() & self.fields.keys()):
            but = {"updated_at", *self.computed_of(row)} if self.is_put else ()
            self.refuse_changed_read_only(shown(), but=but, by_id=self.is_put)

    def computed_of(self, row: Any) -> frozenset[str]:
        """The `computed` fields that may have changed by themselves on this row."""
        return self.computed


def is_shown(field: AnyField, sent: Any, shown: Any, *, by_id: bool) -> bool:
    """Whether a sent value equals the shown one. `by_id` compares rows by id: their names may have changed since."""
    if by_id and isinstance(field, serializers.BaseSerializer):
        return bool(ids_of(sent) == ids_of(shown))
    return is_same(field, sent, shown)


def ids_of(rows: Any) -> Any:
    """The id of a row, or the sorted ids of a list of rows. Anything else is returned as it is."""
    if isinstance(rows, dict):
        return str(rows.get("id"))
    if isinstance(rows, list):
        return sorted(str(ids_of(row)) for row in rows)
    return rows
