"""Every answer that a test gets from the API is held against openapi.yaml: its status, its media type and its body.

Stricter than the document in one thing: a field that it does not name is refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from django.test.client import ClientHandler
from django.urls import Resolver404, resolve

ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
METHODS = ("get", "post", "put", "patch", "delete")
OPENAPI = Path(__file__).parent.parent / "openapi.yaml"
# What the document leaves out on purpose, by status: what goes to https, a method that there is not, and a fault.
LEFT_OUT = {301: "to https", 405: "method not allowed", 500: "fault"}

checked: Counter[str] = Counter()  # answers by operation
left_out: Counter[str] = Counter()  # answers by why they were not held against the document


@cache
def document() -> dict[str, Any]:
    document = yaml.load(OPENAPI.read_text(), yaml.CSafeLoader)
    for schema in document["components"]["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


@cache
def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """By the name of the route and the method."""
    return {
        (resolve(re.sub(r"{\w+}", ABSENT, path)).url_name, method): operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


@cache
def validator(route: str, method: str, status: str, media_type: str):
    schema = operations()[route, method]["responses"][status]["content"][media_type]["schema"]
    whole = {**deepcopy(schema), "components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def check(request: Any, response: Any) -> None:
    """AssertionError where the answer is not what the document says of it."""
    if not request.path_info.startswith("/api/v1/"):
        return
    match, method = route_of(request.path_info), request.method.lower()
    why = reason(match, method, response)
    if why:
        left_out[why] += 1
        return
    what = f"{request.method} {request.path_info}: {response.status_code}"
    documented = operations()[match, method]["responses"].get(str(response.status_code))
    assert documented is not None, f"{what} is a status that openapi.yaml does not name"
    check_content(response, documented, (match, method), what)
    checked[f"{method} {match}"] += 1


def route_of(path: str) -> str | None:
    try:
        return resolve(path).url_name
    except Resolver404:
        return None


def reason(route: str | None, method: str, response: Any) -> str | None:
    """Why the document says nothing of an answer."""
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
    """Has the test clients of this process check what they are answered."""
    usual = ClientHandler.__call__

    def answer(self, environ):
        response = usual(self, environ)
        check(response.wsgi_request, response)
        return response

    ClientHandler.__call__ = answer


def summary(counts: Counter[str], rest: Counter[str]) -> list[str]:
    """What was checked, and what was not, for the end of a run."""
    all_of_them = {f"{method} {route}" for route, method in operations()}
    messages = [
        f"answers held against openapi.yaml: {counts.total():,}, of {len(counts)} of {len(all_of_them)} operations"
    ]
    if rest:
        messages.append(
            "answers that it says nothing of: " + ", ".join(f"{why} {n:,}" for why, n in rest.most_common())
        )
    missing = sorted(all_of_them - set(counts))
    return messages + [f"operations without an answer in this run: {', '.join(missing)}"] * (
        0 < len(missing) <= 20
    )
