"""Links: which operation may follow an answer, and which of its parameters the answer has."""

from __future__ import annotations

from typing import Any

from strata.api.schema.texts import Texts
from strata.api.schema.words import Node, operations_of

REQUEST_ID = "$response.header.X-Request-Id"
HEADER = {
    "description": "The id of the request. With it a write can be undone.",
    "schema": {"type": "string"},
}


def add_links(document: Node, texts: Texts) -> None:
    operations = {operation["operationId"]: operation for _, _, operation in operations_of(document)}
    for name, followers in texts["links"].items():
        for response in answers_of(operations.get(name, {"responses": {}})):
            known = {follower: where for follower, where in followers.items() if follower in operations}
            response["links"] = {
                follower: link(operations[follower], where) for follower, where in known.items()
            }
            if any(REQUEST_ID in where.values() for where in known.values()):
                response.setdefault("headers", {})["X-Request-Id"] = HEADER


def answers_of(operation: Node) -> list[Node]:
    """The answers with content."""
    answers = operation["responses"].items()
    return [answer for status, answer in answers if status in ("200", "201") and answer.get("content")]


def link(operation: Node, where: dict[str, str]) -> dict[str, Any]:
    return {
        "operationId": operation["operationId"],
        "parameters": where,
        "description": operation.get("summary", ""),
    }
