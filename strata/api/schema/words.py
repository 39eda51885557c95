"""Puts the texts and the examples into the document: of tags, operations, parameters, fields and bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from strata.api.schema.texts import Texts, paragraphs

type Node = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
PREFIX = "/api/v1/"
JSON = "application/json"


def operations_of(document: Node) -> Iterator[tuple[str, str, Node]]:
    """The path, the method and the operation of each operation."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def add_texts(document: Node, texts: Texts) -> None:
    document["tags"] = [{"name": name, "description": text} for name, text in texts["tags"].items()]
    for path, method, operation in operations_of(document):
        describe_operation(operation, method, texts)
        for parameter in operation.get("parameters", ()):
            describe_parameter(parameter, path, operation["operationId"], texts)
        add_body_example(operation, texts)
    for name, schema in document["components"]["schemas"].items():
        describe_schema(name, schema, texts["fields"])


# --- operations ---


def describe_operation(operation: Node, method: str, texts: Texts) -> None:
    """An operation without a text has no description: no docstring is shown."""
    operation.pop("description", None)
    name = operation["operationId"]
    summary, description, *tags = texts["operations"].get(name, ("", ""))
    parts = [paragraphs(description), note_of(name, method, texts["notes"])]
    shown = {"summary": summary, "description": "\n\n".join(part for part in parts if part)}
    operation.update({word: text for word, text in shown.items() if text})
    operation["tags"] = tags or operation.get("tags", [])


def note_of(name: str, method: str, notes: dict[str, str]) -> str:
    """What is true of every change of a row."""
    return notes[method] if method in notes and re.search(r"_update$", name) else ""


# --- parameters ---


def describe_parameter(parameter: Node, path: str, operation: str, texts: Texts) -> None:
    name = parameter["name"]
    example = None
    if parameter["in"] == "path":
        text, example = texts["paths"].get(place_of(path, name), ("", None))
        parameter["description"] = text or parameter.get("description", "")
    elif parameter["in"] == "query":
        example = texts["query"].get(name)
    example = texts["examples"].get(operation, {}).get(name, example)
    if example is not None:
        parameter["example"] = [example] if parameter["schema"].get("type") == "array" else example


def place_of(path: str, parameter: str) -> str:
    """The path up to the parameter, without other parameters: assets/values for a day of an asset."""
    before = path.removeprefix(PREFIX).partition(f"{{{parameter}}}" if parameter else "\0")[0]
    return "/".join(part for part in before.split("/") if part and not part.startswith("{"))


# --- bodies ---


def add_body_example(operation: Node, texts: Texts) -> None:
    example = texts["bodies"].get(operation["operationId"])
    if example is not None:
        content = operation["requestBody"]["content"][JSON]
        content.pop("examples", None)
        content["example"] = example


# --- fields ---


def describe_schema(name: str, schema: Node, fields: dict[str, dict[str, str]]) -> None:
    own = fields.get(re.sub(r"^Patched|Request$", "", name), {})
    if "properties" not in schema:
        return
    schema.pop("description", None)
    if own.get(""):
        schema["description"] = own[""]
    for field, part in schema["properties"].items():
        text = own.get(field) or part.get("description") or fields["any"].get(field, "")
        schema["properties"][field] = described(part, text)


def described(part: Node, text: str) -> Node:
    """The field with its description. A bare reference becomes one of `allOf`, which tools can read beside a text."""
    if not text:
        return part
    return ({"allOf": [part]} if "$ref" in part else part) | {"description": text}
