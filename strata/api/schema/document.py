"""Completes the document that drf-spectacular has generated: errors, texts, examples and links."""

from __future__ import annotations

from typing import Any

from strata.api.http.xlsx_renderer import XlsxRenderer
from strata.api.schema.errors import ERROR, add_errors
from strata.api.schema.examples import add_examples, known_of
from strata.api.schema.links import add_links
from strata.api.schema.texts import all_texts
from strata.api.schema.words import Node, add_texts, operations_of

NO_IDS = ("key", "on", "request_id")  # path parameters that are not ids
LIST_AS_TABLE = (
    "As CSV or XLSX: all rows that match, without pages. The first line has the names of the fields; a nested row has "
    "a column for each of its fields (`portfolio_id`, `portfolio_name`), a list is one cell, joined by `; `. In an "
    "XLSX days are days and numbers of up to 15 digits are numbers; no cell is a formula."
)


def complete(result: Node, generator: Any, request: Any, public: bool) -> Node:
    """The last of drf-spectacular's POSTPROCESSING_HOOKS."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    _put_tokens_first(result["components"])
    _refuse_unknown_fields(schemas)
    _hoist_defaults(schemas)
    texts = all_texts()
    for _, method, operation in operations_of(result):
        _name_ids(operation)
        _describe_tables(operation)
        add_errors(operation, method)
    add_texts(result, texts)
    schemas["Error"] = ERROR
    for path, _, operation in operations_of(result):
        add_examples(operation, schemas, known_of(path, operation, texts))
    _drop_examples_of_fields(schemas)
    add_links(result, texts)
    return result


def _drop_examples_of_fields(schemas: Node) -> None:
    """A body has one example: those of its fields would make another one, which names no row of the demo."""
    for name, schema in schemas.items():
        if name.endswith("Request"):
            for part in schema.get("properties", {}).values():
                part.pop("example", None)


def _put_tokens_first(components: Node) -> None:
    """Swagger's login dialog shows the schemes in this order."""
    schemes = components.get("securitySchemes", {})
    tokens_first = sorted(schemes, key=lambda name: schemes[name]["type"] != "http")
    components["securitySchemes"] = {name: schemes[name] for name in tokens_first}


def _refuse_unknown_fields(schemas: Node) -> None:
    """As StrictSerializer does. With COMPONENT_SPLIT_REQUEST request bodies have separate schemas."""
    for name, schema in schemas.items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False


def _hoist_defaults(schemas: Node) -> None:
    """A text that may be empty is a `oneOf` of two schemas. The default belongs to the property, not to one of them."""
    for schema in schemas.values():
        for part in schema.get("properties", {}).values():
            for choice in part.get("oneOf", ()):
                if "default" in choice:
                    part["default"] = choice.pop("default")


def _name_ids(operation: Node) -> None:
    """Path parameters are UUIDs, whatever type the path converter has."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] not in NO_IDS:
            parameter["schema"] = {"type": "string", "format": "uuid"}


def _describe_tables(operation: Node) -> None:
    """The tables of a list are text and a file, not its page."""
    response = operation["responses"].get("200", {})
    if response.get("content", {}).get("text/csv", {}).get("schema", {}).get("$ref"):
        response["content"]["text/csv"] = {"schema": {"type": "string"}, "example": "id,name\r\n"}
        response["content"][XlsxRenderer.media_type] = {"schema": {"type": "string", "format": "binary"}}
        response["description"] = LIST_AS_TABLE
