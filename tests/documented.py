"""Checks every API response in a test against openapi.yaml: its status, its media type and its body.

It is stricter than the document in one point: fields that the document does not name are refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from django.test.client import ClientHandler
from django.urls import Resolver404, resolve

URI = "urn:strata:openapi"
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
METHODS = ("get", "post", "put", "patch", "delete")
OPENAPI = Path(__file__).parent.parent / "openapi.yaml"
# Statuses that the document leaves out on purpose: the redirect to https, an unknown method, and a server error.
LEFT_OUT = {301: "to https", 405: "method not allowed", 500: "fault"}

checked: Counter[str] = Counter()  # responses by operation
left_out: Counter[str] = Counter()  # unchecked responses by the reason


@cache
def openapi() -> dict[str, Any]:
    """openapi.yaml, which all tests share and none may change: reading its 790 kB takes 0.4 s of CPU."""
    return yaml.load(OPENAPI.read_text(), yaml.CSafeLoader)


@cache
def document() -> dict[str, Any]:
    """openapi.yaml with objects that have no other fields than those it names."""
    schemas = {name: closed(schema) for name, schema in openapi()["components"]["schemas"].items()}
    return openapi() | {"components": openapi()["components"] | {"schemas": schemas}}


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    is_object = schema.get("type") == "object" and "properties" in schema
    return {"additionalProperties": False} | schema if is_object else schema


@cache
def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """The document's operations by route name and method."""
    return {
        (resolve(re.sub(r"{\w+}", ABSENT, path)).url_name, method): operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


@cache
def validator(route: str, method: str, status: str, media_type: str):
    schema = operations()[route, method]["responses"][status]["content"][media_type]["schema"]
    schema = json.loads(json.dumps(schema).replace('"#/', f'"{URI}#/'))
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, registry=components())


@cache
def components() -> jsonschema_rs.Registry:
    """The document's components by their URI, converted once for all validators."""
    return jsonschema_rs.Registry([(URI, {"components": document()["components"]})])


def check(request: Any, response: Any) -> None:
    """Raises AssertionError if the document does not describe the response."""
    if not request.path_info.startswith("/api/v1/"):
        return
    route, method = route_of(request), request.method.lower()
    why = reason(route, method, response)
    if why:
        left_out[why] += 1
        return
    what = f"{request.method} {request.path_info}: {response.status_code}"
    documented = operations()[route, method]["responses"].get(str(response.status_code))
    assert documented is not None, f"{what} is a status that openapi.yaml does not name"
    check_content(response, documented, (route, method), what)
    checked[f"{method} {route}"] += 1


def route_of(request: Any) -> str | None:
    """The name of its route. A request that a middleware refused has not been resolved yet."""
    if request.resolver_match:
        return request.resolver_match.url_name
    try:
        return resolve(request.path_info).url_name
    except Resolver404:
        return None


def reason(route: str | None, method: str, response: Any) -> str | None:
    """Why the document does not describe a response, or None if it does."""
    if route is None:
        return "no route"
    if response.status_code in LEFT_OUT:
        return LEFT_OUT[response.status_code]
    if method not in METHODS:
        return method
    return None if (route, method) in operations() else f"not in the document: {method} {route}"


def check_content(response: Any, documented: dict[str, Any], operation: tuple[str, str], what: str) -> None:
    if "content" not in documented:
        assert response.streaming or not response.content, (
            f"{what} has a body that openapi.yaml does not name"
        )
        return
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    assert media_type in documented["content"], f"{what} is {media_type}, which openapi.yaml does not name"
    if media_type != "application/json":
        return
    check_json = validator(*operation, str(response.status_code), media_type)
    errors = [
        f"{list(error.instance_path)}: {error.message}"
        for error in check_json.iter_errors(json.loads(response.content))
    ]
    assert not errors, f"{what} is not what openapi.yaml says: {errors[:3]}"


def watch() -> None:
    """Makes all test clients of this process check the responses that they get."""
    original = ClientHandler.__call__

    def checked_call(self, environ):
        response = original(self, environ)
        check(response.wsgi_request, response)
        return response

    ClientHandler.__call__ = checked_call


def summary(counts: Counter[str], rest: Counter[str]) -> list[str]:
    """What was checked and what was not, printed at the end of a run."""
    known = {f"{method} {route}" for route, method in operations()}
    messages = [
        f"responses checked against openapi.yaml: {counts.total():,}, of {len(counts)} of {len(known)} operations"
    ]
    if rest:
        messages.append(
            "responses that it does not describe: "
            + ", ".join(f"{why} {count:,}" for why, count in rest.most_common())
        )
    missing = sorted(known - set(counts))
    return messages + [f"operations without a response in this run: {', '.join(missing)}"] * (
        0 < len(missing) <= 20
    )
