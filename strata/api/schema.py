"""The OpenAPI document, generated from the code: every operation with its errors and an example."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from strata.api.names import ID_OR_NAME
from strata.api.parameters import described
from strata.fields.names import with_article

ERROR = {
    "type": "object",
    "required": ["code", "message", "status", "errors", "request_id"],
    "properties": {
        "code": {"type": "string", "example": "VALIDATION_ERROR"},
        "message": {"type": "string"},
        "status": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string"},
        "existing": {
            "type": "object",
            "description": "Of a value or transaction that exists already: the row to change.",
            "required": ["id", "link"],
            "properties": {"id": {"type": "string", "format": "uuid"}, "link": {"type": "string"}},
        },
        "refused_count": {"type": "integer", "description": "Of ALL_ROWS_REFUSED: how many rows were sent."},
        "refused": {
            "type": "array",
            "description": "Of ALL_ROWS_REFUSED: the rows, by their numbers from 0, at most 1,000.",
            "items": {
                "type": "object",
                "required": ["row", "field", "code", "message"],
                "properties": {
                    "row": {"type": "integer"},
                    "field": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
EXAMPLES = {
    400: ("VALIDATION_ERROR", "There is no such field."),
    401: ("NOT_AUTHENTICATED", "Authentication credentials were not provided."),
    403: ("FORBIDDEN", "Your role in this household does not allow that."),
    404: ("ASSET_NOT_FOUND", "Asset not found."),
    409: ("DUPLICATE_NAME", "The name is taken."),
    412: ("PRECONDITION_FAILED", "It has changed since you read it: read it again."),
    413: ("TOO_LARGE", "The body is too large."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Send application/json."),
    422: ("IDEMPOTENCY_MISUSE", "The key was used for another request."),
    428: ("PRECONDITION_REQUIRED", "Send If-Match with the ETag of what you read."),
    429: ("THROTTLED", "Request was throttled."),
}
OF_EVERY = (400, 401, 404, 406, 429, 503)
OF_WRITES = (403, 409, 412, 413, 415, 422, 428, 507)
NO_IDS = ("key", "on")  # path parameters that are not ids
METHODS = ("get", "post", "put", "patch", "delete")


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

# What an update does with read-only fields. The schemas of request bodies do not have them.
CHANGES = {
    "update": "Takes what a GET gave. What is absent stays as it is; read-only fields that change by themselves "
    "(computed values, `updated_at`) are ignored, and other read-only fields must be as they are: else 400.",
    "partial_update": "What is absent stays as it is. A read-only field may be sent as it is: else 400.",
}


LIST_AS_CSV = (
    "As CSV: all rows that match, without pages. The first line has the names of the fields; a nested row has a column "
    "for each of its fields (`portfolio_id`, `portfolio_name`), a list is one cell, joined by `; `."
)

# The description of an action whose method has no docstring.
SENTENCES = {
    "list": "Lists {things}.",
    "retrieve": "Reads {thing}.",
    "create": "Creates {thing}.",
    "update": "Changes {thing}.",
    "partial_update": "Changes {thing}.",
    "destroy": "Deletes {thing}.",
    "history": "The changes of {thing}, newest first.",
    "changes": "The changes of {thing}, newest first.",
}


class StrataSchema(AutoSchema):
    """Adds the headers and parameters that the base class of the views reads."""

    view: Any

    def _get_serializer_field_meta(self, field: Any, direction: Any) -> dict[str, Any]:
        """Without titles: labels of the admin mean its own units, such as "Target %" for a share."""
        base: Any = super()
        meta: dict[str, Any] = base._get_serializer_field_meta(field, direction)
        meta.pop("title", None)
        return meta

    def get_description(self) -> str:  # type: ignore[override]  # as in drf-spectacular
        """The docstring of the method; or a sentence and the docstring of the view, but not of its base classes."""
        action = getattr(self.view, "action", None)
        method = getattr(self.view, action or self.method.lower(), None)
        own = [method.__doc__] if method.__doc__ else [self.sentence_of(action), type(self.view).__doc__]
        return "\n\n".join(cleandoc(text) for text in (*own, CHANGES.get(action or "")) if text)

    def sentence_of(self, action: str | None) -> str:
        segments = self.path.strip("/").split("/")
        things = next(part for part in reversed(segments) if not part.startswith("{")).replace("-", " ")
        parent = re.search(r"\{(\w+)_id\}", self.path)
        below = f" of {with_article(parent[1])}" if parent else ""
        thing = with_article(getattr(self.view, "resource_name", "row").replace("_", " "))
        sentence = SENTENCES.get(action or "", "").format(things=things + below, thing=thing + below)
        where = getattr(self.view, "where_created", "") if action == "create" else ""
        return f"{sentence} {where}".strip()

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


def add_errors_and_examples(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Gives every operation the schema of errors, and an example where the serializer has none."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"] = ERROR
    _put_tokens_first(result["components"])
    _refuse_unknown_fields(schemas)
    _hoist_defaults(schemas)
    for path in result["paths"].values():
        for method in METHODS:
            if method in path:
                _name_ids(path[method])
                _describe_csv(path[method])
                _add_errors(path[method], method)
                _add_examples(path[method], schemas)
    return result


def _put_tokens_first(components: dict[str, Any]) -> None:
    """Swagger's login dialog shows the schemes in this order."""
    schemes = components.get("securitySchemes", {})
    tokens_first = sorted(schemes, key=lambda name: schemes[name]["type"] != "http")
    components["securitySchemes"] = {name: schemes[name] for name in tokens_first}


def _refuse_unknown_fields(schemas: dict[str, Any]) -> None:
    """As StrictSerializer does. With COMPONENT_SPLIT_REQUEST request bodies have separate schemas."""
    for name, schema in schemas.items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False


def _hoist_defaults(schemas: dict[str, Any]) -> None:
    """A text that may be empty is a `oneOf` of two schemas. The default belongs to the property, not to one of them."""
    for schema in schemas.values():
        for part in schema.get("properties", {}).values():
            for choice in part.get("oneOf", ()):
                if "default" in choice:
                    part["default"] = choice.pop("default")


def _name_ids(operation: dict[str, Any]) -> None:
    """Path parameters are UUIDs, whatever type the path converter has."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] not in NO_IDS:
            parameter["schema"] = {"type": "string", "format": "uuid"}


def _describe_csv(operation: dict[str, Any]) -> None:
    """The CSV of a list is text, not its page."""
    response = operation["responses"].get("200", {})
    if response.get("content", {}).get("text/csv", {}).get("schema", {}).get("$ref"):
        response["content"]["text/csv"] = {"schema": {"type": "string"}, "example": "id,name\r\n"}
        response["description"] = LIST_AS_CSV


def _add_errors(operation: dict[str, Any], method: str) -> None:
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if method == "get" and "If-None-Match" in names:
        operation["responses"].setdefault("304", {"description": "It is still what the tag says."})
    also = tuple(int(status) for status in operation["responses"] if status >= "400")
    if method == "get" and _takes_names(operation):
        also = (*also, 409)
    for status in dict.fromkeys(OF_EVERY + (OF_WRITES if method != "get" else ()) + also):
        code, message = EXAMPLES.get(status, ("ERROR", "Refused."))
        if status == 409 and method == "get":
            code, message = "AMBIGUOUS_NAME", "Several rows have that name: send one of the ids."
        example = {"code": code, "message": message, "status": status, "errors": [], "request_id": "5f1c0d2e"}
        content = {"schema": {"$ref": "#/components/schemas/Error"}, "example": example}
        response = operation["responses"].setdefault(str(status), {"description": message})
        response.setdefault("content", {"application/json": content})


def _takes_names(operation: dict[str, Any]) -> bool:
    """Whether a parameter names a row by its name too, which several rows may have."""
    schemas = [parameter["schema"] for parameter in operation.get("parameters", ())]
    return any(schema.get("items", schema) == ID_OR_NAME for schema in schemas)


def _add_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for content in body.get("content", {}).values():
            if "example" not in content and "examples" not in content and "schema" in content:
                content["example"] = example_of(content["schema"], schemas)


def example_of(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:
    """A value that is valid for the schema: its own example where it has one."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, depth + 1)
    for word in ("example", "default"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            return example_of(schema[word][0], schemas, depth + 1)
    return _plain_example(schema, schemas, depth)


def _plain_example(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):  # it may be null as well
        kind = next(name for name in kind if name != "null")
    if kind == "object":
        properties = schema.get("properties", {})
        return (
            {name: example_of(part, schemas, depth + 1) for name, part in properties.items()}
            if depth < 6
            else {}
        )
    if kind == "array":
        return [example_of(schema["items"], schemas, depth + 1)] if depth < 6 else []
    formats: dict[str | None, str] = {
        "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
        "date": "2026-01-31",
        "date-time": "2026-01-31T18:30:00Z",
        "uri": "http://127.0.0.1:8000/api/v1/assets?page=2",
        "email": "alice@example.org",
    }
    words: dict[str | None, Any] = {
        "string": formats.get(schema.get("format"), "text"),
        "integer": 1,
        "boolean": True,
        "number": 1,
    }
    return words.get(kind)
