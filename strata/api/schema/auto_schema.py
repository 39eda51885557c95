"""What drf-spectacular reads of each view: the headers, parameters and limits that the base class of the views has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from strata.api.parameters import described

PRINTABLE = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
# No example: Swagger would send it, and a wrong tag matches nothing.
TAGS = {"type": "string"}
FORM = 'As the header ETag gave it, quotes included, such as "5f1c0d2e".'
HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "Idempotency-Key": (PRINTABLE, "The same key and body again get the same answer, and write once."),
    "If-Match": (TAGS, f"The ETag of what you read: 412 when it has changed since. {FORM}"),
    "If-None-Match": (TAGS, f"The ETag of what you have: 304 when it is still the same. {FORM}"),
}

HEADERS_OF_METHODS = {
    ("PUT", "If-None-Match"): (TAGS, "`*` only creates: 412 where there is something already.")
}


def of_single_rows(serializer: Any) -> Collection[str]:
    return getattr(serializer, "of_single_rows", ())


class StrataSchema(AutoSchema):
    """Adds the headers and parameters that the base class of the views reads."""

    view: Any

    def _get_serializer_field_meta(self, field: Any, direction: Any) -> dict[str, Any]:
        """Without titles: labels of the admin mean its own units, such as "Target %" for a share."""
        base: Any = super()
        meta: dict[str, Any] = base._get_serializer_field_meta(field, direction)
        meta.pop("title", None)
        return meta

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """Fields that only the answer about a single row has are not required."""
        schema: Any = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        required = [name for name in schema.get("required", ()) if name not in of_single_rows(serializer)]
        return schema | {"required": required} if required else schema

    def _map_serializer_field(self, field: Any, direction: Any, *args: Any, **kwargs: Any) -> Any:
        """With the limit of a list of rows, which drf-spectacular leaves out."""
        schema = super()._map_serializer_field(field, direction, *args, **kwargs)  # type: ignore[no-untyped-call]
        most = getattr(field, "max_length", None)
        if schema and schema.get("type") == "array" and most is not None:
            schema["maxItems"] = most
        return schema

    def get_override_parameters(self) -> list[Any]:
        return [*self.headers_read(), *self.parameters_of_a_row()]

    def headers_read(self) -> list[OpenApiParameter]:
        return [
            OpenApiParameter(name, schema, OpenApiParameter.HEADER, description=about)
            for name in self.names_of_headers()
            for schema, about in [HEADERS_OF_METHODS.get((self.method, name), HEADERS[name])]
        ]

    def names_of_headers(self) -> list[str]:
        has_etag = getattr(self.view, "has_etag", False)
        takes_key = getattr(self.view, "accepts_idempotency_key", False)
        names = ["Idempotency-Key"] if takes_key and self.method in self.view.idempotent_methods else []
        if self.method == "GET":
            return ["If-None-Match"] if has_etag and not self.view.is_list() else []
        if self.method == "PUT" and getattr(self.view, "creates_by_put", False):
            names.append("If-None-Match")
        return [*names, "If-Match"] if has_etag and self.method != "POST" else names

    def parameters_of_a_row(self) -> list[OpenApiParameter]:
        """The parameters of the GET of a report or of a single row. Those of a list come from its filters."""
        if self.method != "GET" or self._is_list_view():
            return []
        declared = getattr(self.view, "parameters", {})
        return described({name: parameter for name, parameter in declared.items() if parameter.apply is None})
