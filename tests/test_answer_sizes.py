"""The response to a refused request does not grow with its fields, lists, texts, parameters or headers."""

from __future__ import annotations

import json

import pytest

from conftest import client_of
from strata.api.errors import LONGEST_FIELD, LONGEST_MESSAGE, MOST_ERRORS
from strata.api.http.parsers import MOST_MEMBERS
from tests.all_routes import fields_of_bodies, path_for, routes
from tests.steps import steps_during

# How large an answer may be does not depend on the database.
pytestmark = [pytest.mark.on_sqlite, pytest.mark.usefixtures("shared_world")]

API = "/api/v1"
MANY = 150_000
LARGEST = MOST_ERRORS * (LONGEST_FIELD + LONGEST_MESSAGE + 100)  # bytes of a response in ASCII
MOST_ITEMS = 1000  # in a list of a request body, as the schema says
MOST_ROWS = {"rows": 10_000, "asset_ids": 10_000}  # of a batch, and of a portfolio's own order
MOST_BAD_ROWS = 1000  # of a batch, each named in its answer
LONG = "s" * LARGEST
HOSTILE = {
    "a long text": LONG,
    "a long list": ["x"] * 10_000,
    "a list of objects": [{"x": 1}] * 10_000,
    "lists in lists": [["x"] * 100] * 100,
    "an object": {f"k{number}": LONG[:100] for number in range(MOST_MEMBERS)},
}
BY_NAME = {route.name: route for route in routes()}
BODIES = {(field.route.name, field.method) for field in fields_of_bodies()}
OPERATIONS = sorted(  # a PUT is parsed like a PATCH
    (name, method) for name, method in BODIES if method != "put" or (name, "patch") not in BODIES
)
FIELDS = {(field.route.name, field.method, field.name): field for field in fields_of_bodies()}
READ = [route for route in routes() if "get" in route.methods and route.name != "openapi"]


@pytest.fixture
def superuser(alice_user):
    """Alice as a superuser, who may also add rates."""
    alice_user.is_superuser = True
    alice_user.save()
    return client_of(alice_user)


def many_members(number: int) -> str:
    """A JSON object with so many members."""
    return "{" + ",".join(f'"k{member:06d}":0' for member in range(number)) + "}"


def send(client, operation, world, body):
    name, method = operation
    content = body if isinstance(body, str) else json.dumps(body)
    return client.generic(
        method.upper(), path_for(BY_NAME[name], world), content, content_type="application/json"
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids="-".join)
def test_object_with_too_many_members_is_one_error(operation, superuser, world):
    too_many = many_members(MOST_MEMBERS + 1)
    for body in (too_many, f'{{"name": {too_many}}}', f"[{too_many}]"):
        answer = send(superuser, operation, world, body)
        assert answer.status_code == 400
        assert "1,001 members" in answer.json()["message"]
        assert len(answer.content) < 1000


def test_too_many_members_from_a_stranger_are_little_work(client, db):
    """A few steps for each member, which its parsing takes; without the limit 45 for each."""
    body = many_members(MANY)
    answer, steps = steps_during(lambda: client.post(f"{API}/auth/token", body, "application/json"))
    assert "150,000 members" in answer.json()["message"]
    assert (answer.status_code, len(answer.content) < 1000) == (400, True)
    assert steps < 5 * MANY


def test_first_hundred_errors_are_named_and_the_rest_counted(client, db):
    answer = client.post(f"{API}/auth/token", many_members(MOST_MEMBERS), "application/json").json()
    assert len(answer["errors"]) == MOST_ERRORS
    assert answer["message"] == "There is no such field. (and 900 more)"
    at_limit = client.post(f"{API}/auth/token", many_members(MOST_ERRORS), "application/json").json()
    assert (len(at_limit["errors"]), at_limit["message"]) == (MOST_ERRORS, "There is no such field.")


@pytest.mark.parametrize("operation", OPERATIONS, ids="-".join)
def test_response_does_not_repeat_a_fields_value(operation, superuser, world):
    for name, method, field in FIELDS:
        if (name, method) != operation:
            continue
        for description, value in HOSTILE.items():
            answer = send(superuser, operation, world, {field: value})
            assert answer.status_code < 500, (field, description)
            errors = MOST_BAD_ROWS // MOST_ERRORS if field == "rows" else 1
            assert len(answer.content) < errors * LARGEST, (field, description)
            assert (
                max((len(error["message"]) for error in answer.json()["errors"]), default=0)
                <= LONGEST_MESSAGE
            )


def lists_in(schema: dict) -> list[dict]:
    """The schemas of all lists in a schema."""
    lists = [schema] if schema.get("type") == "array" else []
    for part in [*schema.get("properties", {}).values(), *schema.get("oneOf", ()), schema.get("items", {})]:
        lists += lists_in(part) if part else []
    return lists


def test_every_list_in_a_body_has_a_maximum_length():
    lists = [(field, schema) for field in FIELDS.values() for schema in lists_in(field.schema)]
    assert lists
    for field, schema in lists:
        most = 100_000 if str(field).startswith("price-batch") else MOST_ROWS.get(field.name, MOST_ITEMS)
        assert schema.get("maxItems", most + 1) <= most, str(field)


@pytest.mark.parametrize("items", [MOST_ITEMS + 1, 100_000])
def test_list_that_is_too_long_is_one_error_before_its_items_are_read(items, superuser, world):
    body = {"tag_ids": ["x"] * items}
    answer, steps = steps_during(lambda: send(superuser, ("asset-list", "post"), world, body))
    errors = [error for error in answer.json()["errors"] if error["field"].startswith("tag_ids")]
    assert [(error["field"], error["code"]) for error in errors] == [("tag_ids", "max_length")]
    assert steps < 5 * items + 20_000


# --- requests without a body ---

QUERIES = {
    "unknown parameters": "&".join(f"unknown{number}=" for number in range(900)),
    "a repeated parameter": "&".join(["portfolio=x"] * 900),
    "repeated parameters that are single": "&".join(["on=x&search=x&ordering=x"] * 300),
    "a long value": f"ordering={LONG[:8000]}",
    "a long name": f"{LONG[:8000]}=1",
}


@pytest.mark.parametrize("route", READ, ids=lambda route: route.name)
def test_response_does_not_repeat_the_query(route, superuser, world):
    usual = len(b"".join(superuser.get(path_for(route, world))))
    for description, query in QUERIES.items():
        answer = superuser.get(f"{path_for(route, world)}?{query}")
        assert len(b"".join(answer)) < max(LARGEST, 2 * usual), description


@pytest.mark.parametrize(
    "header",
    [
        "Accept",
        "Accept-Language",
        "Authorization",
        "Content-Type",
        "Cookie",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Origin",
        "Referer",
        "X-Request-Id",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "Y" * 8000])
def test_response_does_not_repeat_a_header(header, method, client, db):
    answer = client.generic(method, f"{API}/tags", "{}", "application/json", headers={header: "y" * 8000})
    header_bytes = sum(len(name) + len(value) for name, value in answer.headers.items())
    assert len(answer.content) + header_bytes < 3000


# --- the login page, the only form that strangers see ---


@pytest.mark.parametrize("field", ["username", "password", "next", "this_is_the_login_form"])
def test_login_page_does_not_grow_with_its_input(field, client, db):
    credentials = {"username": "alice", "password": "wrong", "next": "/admin/"}
    usual = client.post("/admin/login/", credentials)
    answer = client.post("/admin/login/", {**credentials, field: "'" * 400_000})
    assert (usual.status_code, answer.status_code) == (200, 200)
    assert len(answer.content) < len(usual.content) + 3000
