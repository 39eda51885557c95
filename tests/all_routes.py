"""All routes of the API, read from the URL resolver, and paths for them that name rows of the `world` fixture."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from django.urls import get_resolver, resolve

from tests.documented import openapi

ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
METHODS = ("get", "post", "put", "patch", "delete")
ID = re.compile(r"\(\?P<(\w+)>\[[^\]]*\]\+\)")


class Route(NamedTuple):
    name: str
    pattern: str
    methods: list[str]
    view: Any = object  # its class

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
        Route(
            url_pattern.name,
            str(url_pattern.pattern),
            methods_of(url_pattern.callback),
            url_pattern.callback.cls,
        )
        for url_pattern in api.url_patterns
    ]


def methods_of(view) -> list[str]:
    handlers = getattr(view, "actions", None) or {method for method in METHODS if hasattr(view.cls, method)}
    return sorted(set(handlers) & set(METHODS))


def resource_of(name: str, world) -> str | None:
    """The kind of row that a route's last id names: the longest key of `world` that the route's name begins with."""
    return next(
        (resource for resource in sorted(world, key=len, reverse=True) if name.startswith(resource)), None
    )


def row_of(route: Route, parameter: str, world):
    """The row in `world` that a path parameter names, or None if there is no such row."""
    resource = resource_of(route.name, world) if parameter in ("pk", "id") else parameter.removesuffix("_id")
    return world.get(resource)


def parameters_of_path(route: Route) -> list[str]:
    return [match[1] for match in ID.finditer(route.pattern)]


def path_for(route: Route, world, *, absent: bool = False, **overrides: str) -> str:
    """The route's path with ids of rows in `world`, or with ids of no row. `overrides` replaces single parameters."""

    def fill(match):
        if match[1] in overrides:
            return overrides[match[1]]
        row = row_of(route, match[1], world)
        return ABSENT if absent or row is None else str(row.pk)

    path = route.pattern.lstrip("^").removesuffix("/?$").replace("\\.", ".")
    return f"/api/v1/{ID.sub(fill, path)}"


class Field(NamedTuple):
    """A field of a route's request body, with its schema from openapi.yaml."""

    route: Route
    method: str
    name: str
    schema: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.route.name}-{self.method}-{self.name}"


@cache
def fields_of_bodies() -> list[Field]:
    """Every field of every request body. openapi.yaml is generated from the serializers; `make lint` compares them."""
    document = openapi()
    schemas, by_name, fields = (
        document["components"]["schemas"],
        {route.name: route for route in routes()},
        [],
    )
    for path, methods in document["paths"].items():
        route = by_name[resolve(re.sub(r"{\w+}", ABSENT, path)).url_name]
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            body = schemas.get(content.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1], {})
            for name, schema in body.get("properties", {}).items():
                fields.append(Field(route, method, name, inline_references(schema, schemas)))
    return fields


def inline_references(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema with everything that it references merged into it."""
    for word in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(word, ()):
            schema = inline_references(part, schemas) | schema
    reference = schema.get("$ref", "").rsplit("/", 1)[-1]
    return inline_references(schemas[reference], schemas) | schema if reference else schema
