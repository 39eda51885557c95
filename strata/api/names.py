"""Rows that a caller names by an id, a code or a name, among those that the caller may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.db.models import Q
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from strata.api.fields import UUIDSerializerField
from strata.api.parameters import TEXT, UUID_SCHEMA, Parameter, read_text
from strata.api.serializers import HouseholdSerializer, ids_of
from strata.exceptions import Conflict, NotFound
from strata.fields.ids import CANONICAL_ID
from strata.fields.names import name_key
from strata.tenancy.querysets import Owned

MOST_NAMED = 10  # ids in the message of an ambiguous name
ID_OR_NAME = {"anyOf": [UUID_SCHEMA, TEXT]}


@dataclass(frozen=True)
class NamedRows:
    """Rows of a model that have names. `resource` is their name in errors, `key` the column of the names' keys.

    `code` is the column of codes, where there are any. A code is tried before a name, and an id before both.
    """

    model: type[Owned]
    resource: str
    key: str = "name_key"
    code: str = ""

    def ids(self, texts: Sequence[str], user: Any, field: str) -> list[UUID]:
        """The id of the row that each text names, by one query. `field` is named in errors.

        Raises NotFound where the user sees no such row, and Conflict where the user sees several.
        """
        keys = {text: name_key(text) for text in texts if not CANONICAL_ID.fullmatch(text)}
        wanted = Q(pk__in=[text for text in texts if text not in keys]) | Q(
            **{f"{self.key}__in": {*keys.values()}}
        )
        columns = ["pk", self.key]
        if self.code:
            wanted, columns = wanted | Q(**{f"{self.code}__in": [*keys]}), [*columns, self.code]
        rows = list(self.model.objects.for_user(user).filter(wanted).order_by("pk").values_list(*columns))
        return [self._only(self._matches(text, keys.get(text), rows), field) for text in texts]

    def _matches(self, text: str, key: str | None, rows: list[tuple[Any, ...]]) -> list[UUID]:
        if key is None:
            return [row[0] for row in rows if row[0] == UUID(text)]
        by_code = [row[0] for row in rows if self.code and row[2] == text]
        return by_code or [row[0] for row in rows if row[1] == key]

    def _only(self, ids: list[UUID], field: str) -> UUID:
        if not ids:
            raise NotFound(self.resource, field)
        if len(ids) > 1:
            named = ", ".join(map(str, ids[:MOST_NAMED])) + (" and others" if len(ids) > MOST_NAMED else "")
            raise Conflict("AMBIGUOUS_NAME", f"Several have that name. Send one of the ids: {named}.", field)
        return ids[0]


def named_filter(
    name: str, rows_named: NamedRows, lookup: str | Callable[[Any, list[UUID], Any], Any], about: str = ""
) -> Parameter:
    """The rows that belong to the named row; 404 where the caller does not see it. `name` is the parameter's."""

    def apply(rows: Any, texts: list[str], view: Any) -> Any:
        ids = rows_named.ids(texts, view.request.user, name)
        return rows.filter(**{f"{lookup}__in": ids}) if isinstance(lookup, str) else lookup(rows, ids, view)

    by = "By id, code or name." if rows_named.code else "By id or name."
    return Parameter(read_text, apply, ID_OR_NAME, f"{by} {about}".strip())


def name_filter(key: str = "name_key") -> Parameter:
    """The rows with exactly this name, compared as names are for uniqueness."""

    def apply(rows: Any, texts: list[str], view: Any) -> Any:
        return rows.filter(**{f"{key}__in": [name_key(text) for text in texts]})

    return Parameter(read_text, apply, TEXT, "Exactly this name, in any case.")


# --- in a body ---

ID_NAME_OR_ROW = {
    "anyOf": [
        TEXT,
        {"type": "object", "required": ["id"], "properties": {"id": UUID_SCHEMA, "name": {"type": "string"}}},
    ]
}


class NameableRows(serializers.ListSerializer[Any]):
    """Rows by ids, codes, names, or as a GET shows them. All names are looked up by one query."""

    max_length: int | None

    def run_validation(self, data: Any = serializers.empty) -> Any:
        is_empty, data = self.validate_empty_values(data)
        if is_empty:
            return data
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        child = cast("Nameable", self.child)
        return child.ids_of([child.text_of(row) for row in data], str(self.field_name))


class Nameable(serializers.Serializer[Any]):
    """A row that an answer shows, and that a request names: by its id, code or name, or as a GET shows it.

    The validated value is its id. Whether the caller may see the row of an id is left to whoever uses the id.
    """

    default_error_messages = {"not_named": "Send an id or a name."}

    def __init__(self, *args: Any, rows: NamedRows, **kwargs: Any) -> None:
        self.rows = rows
        super().__init__(*args, **kwargs)

    class Meta:
        list_serializer_class = NameableRows

    def run_validation(self, data: Any = serializers.empty) -> Any:
        is_empty, data = self.validate_empty_values(data)
        return data if is_empty else self.ids_of([self.text_of(data)], str(self.field_name))[0]

    def text_of(self, data: Any) -> str:
        """The id or the name that was sent, checked in form."""
        if isinstance(data, dict):
            if unknown := data.keys() - self.fields.keys():
                raise serializers.ValidationError(dict.fromkeys(sorted(unknown), "There is no such field."))
            return str(UUIDSerializerField().run_validation(data.get("id", serializers.empty)))
        if not isinstance(data, str):
            self.fail("not_named")
        return read_text(data)

    def ids_of(self, texts: list[str], field: str) -> list[UUID]:
        names = [text for text in texts if not CANONICAL_ID.fullmatch(text)]
        user = self.context["request"].user
        ids = dict(zip(names, self.rows.ids(names, user, field), strict=True)) if names else {}
        return [ids.get(text) or UUID(text) for text in texts]


class NameableSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # drf-spectacular has no types
    target_class = Nameable
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> Any:
        if direction == "request":
            return ID_NAME_OR_ROW
        return auto_schema._map_serializer(self.target, direction, bypass_extensions=True)


class TakesNames(HouseholdSerializer):
    """Takes names for ids: `named` has the field of ids for each field of names. Both may be sent if they agree.

    A PUT or PATCH may send a row as its GET shows it. That says what is, and does not change it, where it is a single
    row or the field of ids is sent too.
    """

    named: Mapping[str, str] = {}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        self.repeated = [name for name in self.named if name in attrs and self.is_repeated(name, attrs)]
        for name in self.named.keys() & attrs.keys():
            value, id_name = attrs.pop(name), self.named[name]
            if name in self.repeated:
                continue
            if not is_same_ids(attrs.setdefault(id_name, value), value):
                raise serializers.ValidationError(
                    {name: f"It is not what {id_name} names: send one of them."}
                )
        return attrs

    def is_repeated(self, name: str, attrs: Mapping[str, Any]) -> bool:
        sent = self.initial_data[name]
        if not self.partial or self.fields[name].write_only:
            return False
        if isinstance(sent, list):
            return self.named[name] in attrs and all(isinstance(row, dict) for row in sent)
        return isinstance(sent, dict)

    def refuse_changes_of_fixed_fields(self, row: Any, shown: Callable[[], Mapping[str, Any]]) -> None:
        super().refuse_changes_of_fixed_fields(row, shown)
        present = shown() if self.repeated else {}
        changed = [name for name in self.repeated if ids_of(self.initial_data[name]) != ids_of(present[name])]
        if changed:
            raise serializers.ValidationError(
                {name: self.set_elsewhere[name] for name in changed}, code="read_only"
            )


def is_same_ids(ids: Any, others: Any) -> bool:
    return (
        set(ids) == set(others) if isinstance(ids, list) and isinstance(others, list) else bool(ids == others)
    )
