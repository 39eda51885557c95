"""An example for every body and answer that has none of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from strata.api.schema.texts import Texts
from strata.api.schema.words import Node, place_of


@dataclass(frozen=True)
class Known:
    """What an example is about: the id of its row, those of rows inside of it, and other fields by name."""

    id: str
    ids: Mapping[str, str]
    fields: Mapping[str, Any]

    def inside(self, name: str) -> Known:
        return replace(self, id=self.ids.get(name, self.id))

    def value_of(self, name: str) -> Any:
        return self.id if name == "id" else self.fields.get(name)


NOTHING = Known("", {}, {})


def add_examples(operation: Node, schemas: Node, known: Known | None = NOTHING) -> None:
    """Of the body and of each answer. Where `known` is None only errors have one."""
    answers = [answer for status, answer in operation["responses"].items() if known or status >= "300"]
    for body in (operation.get("requestBody", {}), *answers):
        for content in body.get("content", {}).values():
            if "example" not in content and "examples" not in content and "schema" in content:
                content["example"] = example_of(content["schema"], schemas, known or NOTHING)


def known_of(path: str, operation: Node, texts: Texts) -> Known | None:
    """The rows of the demo that the answer shows: those that the parameters of the path name. None for no example."""
    answers = texts["answers"]
    if operation["operationId"] in answers["none"]:
        return None
    own = answers.get(operation["operationId"], {})
    places = texts["paths"]
    place = place_of(path, "")
    while place and place not in places:
        place = place.rpartition("/")[0]
    row_id = own.get("id", places.get(place, ("", ""))[1])
    return Known(row_id, answers["rows"], answers["any"] | own)


def example_of(schema: Node, schemas: Node, known: Known = NOTHING, depth: int = 0) -> Any:
    """A value that is valid for the schema: its own example where it has one."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, known, depth + 1)
    for word in ("example", "default"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            return example_of(schema[word][0], schemas, known, depth + 1)
    return plain_example(schema, schemas, known, depth)


def object_example(properties: Node, schemas: Node, known: Known, depth: int) -> Node:
    examples = {}
    for name, part in properties.items():
        value = known.value_of(name)
        examples[name] = value or example_of(part, schemas, known.inside(name), depth + 1)
    return examples


def plain_example(schema: Node, schemas: Node, known: Known, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):  # it may be null as well
        kind = next(name for name in kind if name != "null")
    if kind == "object":
        return object_example(schema.get("properties", {}), schemas, known, depth) if depth < 6 else {}
    if kind == "array":
        return [example_of(schema["items"], schemas, known, depth + 1)] if depth < 6 else []
    formats: dict[str | None, str] = {
        "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
        "date": "2026-11-01",
        "date-time": "2026-11-01T11:00:00Z",
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
