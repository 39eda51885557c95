"""What the tests of tenancy share: sending a request, comparing answers, and which rows a field names."""

from __future__ import annotations

import re

from django.db import connection, transaction
from django.urls import resolve

from portfolios.models import Invitation
from strata.accounts.services import issue_token
from strata.tenancy.roles import OWNER
from tests.all_routes import Route, path_for, routes
from tests.valid_requests import BODIES, FORMATS, QUERIES, ROUTES_BY_OWNER, empty_body

# The resource that a field or parameter names, if it is not called the same.
RESOURCES = {
    "benchmark": "instrument",
    "parent": "category",
    "real": "instrument",
    "asset_type": "asset-type",
    "type": "asset-type",
    "to_asset": "asset",
    "to_instrument": "instrument",
    "to_portfolio": "portfolio",
}


def with_rows_of_users(world, household, people) -> dict:
    """The world with rows that belong to one user: the owner's token and an invitation."""
    return {
        **world,
        "token": issue_token(people["owner"], name="Secret token")[0],
        "invitation": Invitation.objects.create(household=household, username="ivan", role=OWNER),
    }


class Queries:
    """Counts the queries of a block, without their texts: for these SQLite would be asked to quote each parameter."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute, sql, params, many, context):
        self.count += 1
        return execute(sql, params, many, context)


def send(client, route: Route, method: str, world, *, absent=False, body=None, query=None, **headers):
    """The response, with its number of queries as `queries`. Writes are rolled back."""
    if body is None and method not in ("get", "head", "options", "delete"):
        body = BODIES.get(route.name, empty_body)(world)
    path = path_for(route, world, absent=absent)
    data = QUERIES.get(route.name, {}) | (query or {}) if method in ("get", "head") else body
    kind = {"format": FORMATS[route.name]} if body is not None and route.name in FORMATS else {}
    queries = Queries()
    with transaction.atomic(), connection.execute_wrapper(queries):
        answer = getattr(client, method)(path, data, headers=headers, **kind)
        transaction.set_rollback(True)
    answer.queries = queries.count
    return answer


def outcome(answer):
    """Everything by which a caller could tell two responses apart, without the request's id."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    content = re.sub(rb'"request_id":\s*"[^"]*"', b"", answer.content)
    return answer.status_code, content, headers, answer.queries


def send_to(client, method, path):
    """The response, with its number of queries as `queries`. Writes are rolled back."""
    queries = Queries()
    with transaction.atomic(), connection.execute_wrapper(queries):
        answer = getattr(client, method)(path, None if method == "get" else {})
        transaction.set_rollback(True)
    answer.queries = queries.count
    return answer


def resource_named(field: str) -> str:
    """The key of `world` for the rows that a field or parameter names."""
    name = field.removesuffix("_ids").removesuffix("_id")
    return RESOURCES.get(name, name)


def takes_an_id(parameter) -> bool:
    """Whether the parameter accepts an id, possibly besides a code or "none"."""
    schemas = parameter.schema.get("anyOf", [parameter.schema])
    return any(schema.get("format") == "uuid" for schema in schemas)


def views_of_lists():
    """Yields the route and view of every list and report that names no row in its path."""
    for route in routes():
        if "get" in route.methods and not route.names_a_row and route.name not in ROUTES_BY_OWNER["public"]:
            yield route, getattr(resolve(path_for(route, {})).func, "cls", None)
