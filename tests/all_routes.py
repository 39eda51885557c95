"""The routes of the API as the URL resolver has them, and a path of each with the ids of a world of rows."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from django.urls import get_resolver, resolve

ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
METHODS = ("get", "post", "put", "patch", "delete")
ID = re.compile(r"\(\?P<(\w+)>\[[^\]]*\]\+\)")


class Route(NamedTuple):
    name: str
    pattern: str
    methods: list[str]

    @property
    def names_a_row(self) -> bool:
        return ID.search(self.pattern) is not None


def routes() -> list[Route]:
    (api,) = (
        url_pattern
        for url_pattern in get_resolver("strata.urls").url_patterns
        if str(url_pattern.pattern) == "api/v1/"
    )
    return [
        Route(url_pattern.name, str(url_pattern.pattern), methods_of(url_pattern.callback))
        for url_pattern in api.url_patterns
    ]


def methods_of(view) -> list[str]:
    handlers = getattr(view, "actions", None) or {method for method in METHODS if hasattr(view.cls, method)}
    return sorted(set(handlers) & set(METHODS))


def thing_of(name: str, world) -> str | None:
    """What the last id of a route names: the longest name of the world that the route's name begins with."""
    return next(
        (row_name for row_name in sorted(world, key=len, reverse=True) if name.startswith(row_name)), None
    )


def row_of(route: Route, parameter: str, world):
    """The row of the world that a parameter of the path may name, or None where the world has none."""
    thing = thing_of(route.name, world) if parameter in ("pk", "id") else parameter.removesuffix("_id")
    return world.get(thing)


def parameters_of_path(route: Route) -> list[str]:
    return [match[1] for match in ID.finditer(route.pattern)]


def address(route: Route, world, *, absent: bool = False, **given: str) -> str:
    """The route's path with the ids of the world's rows, or with ids that name nothing; `given` replaces some."""

    def fill(match):
        if match[1] in given:
            return given[match[1]]
        row = row_of(route, match[1], world)
        return ABSENT if absent or row is None else str(row.pk)

    path = route.pattern.lstrip("^").removesuffix("/?$").replace("\\.", ".")
    return f"/api/v1/{ID.sub(fill, path)}"


class Field(NamedTuple):
    """A field of the body that a route takes, as the schema has it."""

    route: Route
    method: str
    name: str
    schema: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.route.name}-{self.method}-{self.name}"


@cache
def fields_of_bodies() -> list[Field]:
    """Every field of every body: openapi.yaml is drawn from the serializers, and `make lint` compares it with them."""
    document = yaml.load((Path(__file__).parent.parent / "openapi.yaml").read_text(), yaml.CSafeLoader)
    parts, by_name, found = document["components"]["schemas"], {route.name: route for route in routes()}, []
    for path, methods in document["paths"].items():
        route = by_name[resolve(re.sub(r"{\w+}", ABSENT, path)).url_name]
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            body = parts.get(content.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1], {})
            for name, schema in body.get("properties", {}).items():
                found.append(Field(route, method, name, plain(schema, parts)))
    return found


def plain(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to laid into it."""
    for word in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(word, ()):
            schema = plain(part, parts) | schema
    reference = schema.get("$ref", "").rsplit("/", 1)[-1]
    return plain(parts[reference], parts) | schema if reference else schema
