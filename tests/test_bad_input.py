"""Bad input in every field, parameter, path and header gets a 4xx that names it, and nothing breaks.

The fields come from the schema, which is generated from the serializers, so new fields are tested by themselves.
"""

from __future__ import annotations

import json
import re

import pytest
from django.conf import settings as configured
from django.db import transaction
from django.urls import resolve

from conftest import client_of
from strata.accounts.models import User
from tests.all_routes import ABSENT, Field, Route, fields_of_bodies, parameters_of_path, path_for, routes
from tests.bad_values import BAD_BODIES, BAD_MEDIA_TYPES, NUL, ODD_VALUES, OVERRIDE, refused_values
from tests.valid_requests import BODIES, FORMATS, QUERIES, ROUTES_BY_OWNER, empty_body

pytestmark = pytest.mark.usefixtures("shared_world")

API = "/api/v1"
BATCHES = {
    "price-batch": "/api/v1/prices:batch",
    "transaction-batch": "/api/v1/transactions:batch",
    "value-batch": "/api/v1/values:batch",
}

# --- sending requests ---


@pytest.fixture
def superuser(alice_user):
    """Alice as a superuser, who may also add rates. An exception in a view becomes a 500, as on a server."""
    alice_user.is_superuser = True
    alice_user.save()
    client = client_of(alice_user)
    client.raise_request_exception = False
    return client


def rolled_back(send):
    """The response; the writes of the request are rolled back."""
    with transaction.atomic():
        answer = send()
        transaction.set_rollback(True)
    return answer


def is_refusal(answer) -> bool:
    """Whether the response is a 4xx in the common format, with a message. Places in lists are named alike."""
    if not 400 <= answer.status_code < 500 or answer["Content-Type"] != "application/json":
        return False
    body = json.loads(answer.content)
    if any(re.search(r"\.[0-9]", entry["field"] or "") for entry in body["errors"]):
        return False  # a place in a list is tag_ids[0]
    return body.keys() == {"code", "message", "status", "errors", "request_id"} and bool(body["message"])


def names(answer, field: str) -> bool:
    """Whether an error of the response names the field."""
    return any(re.split(r"[.\[]", error["field"] or "")[0] == field for error in answer.json()["errors"])


def short(value) -> str:
    return repr(value)[:40]


def outcome(answer) -> tuple:
    return answer.status_code, answer.content[:300]


# --- rows of a batch ---


@pytest.mark.parametrize("row", [None, 1, "x", True, [], [[]]], ids=repr)
def test_every_batch_says_the_same_of_a_row_that_is_no_object(superuser, row):
    body = {"rows": [row], "on_error": "refuse"}
    answers = [superuser.post(path, body, format="json").json() for path in BATCHES.values()]

    refusal = {"field": "rows[0]", "code": "invalid", "message": "Send an object."}
    assert [answer["errors"] for answer in answers] == [[refusal]] * len(BATCHES)


# --- fields ---

# A PUT is a PATCH that requires a name; test_schema_fuzz sends both.
WITH_BODIES = sorted({(field.route.name, field.method) for field in fields_of_bodies()})
OPERATIONS = [
    (name, method) for name, method in WITH_BODIES if method != "put" or (name, "patch") not in WITH_BODIES
]
# Only the PATCH if creating and changing a row take the same fields.
CHANGES = [
    (name, method)
    for name, method in OPERATIONS
    if (name.replace("-list", "-detail"), "patch") not in OPERATIONS
]
CHANGES += [operation for operation in OPERATIONS if operation[1] == "patch"]


# SQLite stores nearly any value: what is refused there is refused by the code, before any database.
@pytest.mark.on_sqlite
@pytest.mark.parametrize("operation", OPERATIONS, ids="-".join)
def test_field_refuses_bad_values_by_name(operation, superuser, world):
    for field in fields_of(*operation):
        for value in refused_values(field):
            answer = rolled_back(lambda field=field, value=value: write(superuser, field, value, world))
            assert answer.status_code == 400, (field.name, short(value), outcome(answer))
            assert is_refusal(answer), (field.name, short(value), outcome(answer))
            assert names(answer, field.name), (field.name, short(value), outcome(answer))


@pytest.mark.parametrize("operation", CHANGES, ids="-".join)
def test_whatever_a_field_accepts_can_be_read_again(operation, superuser, world):
    """Each value may be accepted or refused, but a GET afterwards must work."""
    for field in fields_of(*operation):
        for value in ODD_VALUES:
            answer, reads = rolled_back(
                lambda field=field, value=value: write_and_read(superuser, field, value, world)
            )
            assert answer.status_code < 300 or is_refusal(answer), (field.name, short(value), outcome(answer))
            assert {read.status_code for read in reads} <= {200, 404, 405}, (
                field.name,
                short(value),
                reads,
            )
            assert not reads or reads[-1].status_code == 200, (field.name, short(value))


def fields_of(name: str, method: str) -> list[Field]:
    return [field for field in fields_of_bodies() if (field.route.name, field.method) == (name, method)]


def write(client, field: Field, value, world):
    good = BODIES.get(field.route.name, empty_body)(world)
    return getattr(client, field.method)(path_for(field.route, world), good | {field.name: value})


def write_and_read(client, field: Field, value, world):
    """The response and, if it was accepted, GETs of its path and of the list of assets, which shows related rows."""
    answer, path = write(client, field, value, world), path_for(field.route, world)
    paths = [path, f"{API}/assets"] if answer.status_code < 300 else []
    return answer, [client.get(read_path) for read_path in paths]


NAMES = [
    field for field in fields_of_bodies() if field.name in ("name", "label") and field.route.name != "login"
]
ODD_NAMES = ("=HYPERLINK(1)", "@x", "שלום", "\u200fحساب", "<b>&amp;", "'; DROP TABLE")


@pytest.mark.parametrize("field", NAMES, ids=str)
def test_odd_names_are_kept_and_trimmed(field, superuser, world):
    for name in ODD_NAMES:
        answer = rolled_back(lambda name=name: write(superuser, field, f"  {name} ", world))
        assert (answer.status_code, answer.json()[field.name]) in ((200, name), (201, name)), outcome(answer)


# --- bodies: no database changes how they are read ---


def send(client, name, method, world, body, content_type="application/json", **headers):
    (route,) = (route for route in routes() if route.name == name)
    path = path_for(route, world)
    return rolled_back(lambda: client.generic(method.upper(), path, body, content_type, headers=headers))


@pytest.mark.on_sqlite
@pytest.mark.parametrize("kind", BAD_BODIES)
def test_invalid_body_is_refused_by_every_route(kind, superuser, world):
    for name, method in WITH_BODIES:
        answer = send(superuser, name, method, world, BAD_BODIES[kind])
        assert answer.status_code == 400, (name, method, outcome(answer))
        assert is_refusal(answer), (name, method, outcome(answer))


@pytest.mark.on_sqlite
@pytest.mark.parametrize("media_type", BAD_MEDIA_TYPES)
def test_another_media_type_is_refused_by_every_route(media_type, superuser, world):
    for name, method in WITH_BODIES:
        answer = send(superuser, name, method, world, b'{"name": "x"}', media_type)
        assert answer.status_code == 415, (name, method, outcome(answer))
        assert is_refusal(answer), (name, method, outcome(answer))


@pytest.mark.on_sqlite
def test_body_over_the_limit_is_refused_by_every_route(superuser, world):
    for name, method in WITH_BODIES:
        most = configured.BODY_BYTES_OF_ROUTES.get(BATCHES.get(name), configured.MAX_BODY_BYTES)
        body = b'{"name": "' + b"x" * most + b'"}'
        answer = send(superuser, name, method, world, body)
        assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE"), (name, method)
        assert is_refusal(answer)


@pytest.mark.on_sqlite
def test_unauthenticated_request_is_401_whatever_its_body(client, world):
    """Authentication comes before the body is read."""
    for name, method in WITH_BODIES:
        if name not in ROUTES_BY_OWNER["login"]:
            assert send(client, name, method, world, b"{").status_code == 401, (name, method)


# --- parameters ---


BAD_TEXTS = (
    "",
    " ",
    "x",
    NUL,
    "9" * 5000,
    "1e400",
    "NaN",
    "٣",
    "[]",
    "-1",
    "0",
    "1.5",
    OVERRIDE,
    "%",
    "\ufffd",
    "x" * 5000,
)


def parameters_of(route: Route) -> dict:
    """The parameters of a GET with the values that each must refuse."""
    view = resolve(path_for(route, {})).func.cls
    parameters = {
        name: refused_texts(parameter.schema) for name, parameter in getattr(view, "parameters", {}).items()
    }
    is_a_list = route.name.endswith("-list") or route.name == "category-children"
    if not is_a_list:
        parameters = {name: texts for name, texts in parameters.items() if name == "on"}
    paging = getattr(getattr(view, "paginator", None), "parameters", ()) if is_a_list else ()
    return (
        parameters
        | dict.fromkeys(paging, BAD_TEXTS)
        | {"no_such_parameter": BAD_TEXTS, "ordering": BAD_TEXTS}
    )


def refused_texts(schema: dict) -> tuple:
    is_text = any(  # an id or a name is a text
        part.get("type") == "string" and not part.keys() & {"format", "enum"}
        for part in schema.get("anyOf", [schema])
    )
    unreadable = ("", " ", NUL, OVERRIDE, "9" * 5000, "x" * 5000)
    if is_text and "{3}" not in schema.get("pattern", ""):
        return unreadable
    return tuple(text for text in BAD_TEXTS if text not in schema.get("enum", ()))


READABLE = [
    route for route in routes() if "get" in route.methods and route.name not in ROUTES_BY_OWNER["public"]
]


@pytest.mark.on_sqlite
@pytest.mark.parametrize("route", READABLE, ids=lambda route: route.name)
def test_parameter_refuses_bad_values_by_name(route, superuser, world):
    path = path_for(route, world)
    if ABSENT in path:
        assert superuser.get(path).status_code == 404
        return
    for name, texts in parameters_of(route).items():
        for text in texts:
            answer = superuser.get(path, QUERIES.get(route.name, {}) | {name: text})
            assert is_refusal(answer), (name, short(text), outcome(answer))
            assert answer.status_code == 400, (name, short(text), outcome(answer))
            assert names(answer, name), (name, short(text), outcome(answer))


@pytest.mark.parametrize("page", ["1" + "0" * 30, "2", "9" * 40])
def test_page_that_does_not_exist_is_404(page, superuser, world):
    for path in ("assets", "portfolios", "tags", "categories", "households", "auth/tokens", "exchange-rates"):
        answer = superuser.get(f"{API}/{path}", {"page": page})
        assert answer.status_code == 404, path
        assert is_refusal(answer)


def test_write_refuses_unknown_parameters(superuser, world):
    for route in routes():
        for method in set(route.methods) - {"get"}:
            path = f"{path_for(route, world)}?no_such_parameter=1"
            answer = rolled_back(lambda path=path, method=method: getattr(superuser, method)(path, {}))
            assert answer.status_code == 400, (route.name, method, outcome(answer))
            assert names(answer, "no_such_parameter"), (route.name, method)


# --- paths ---

BAD_IDS = (
    "1",
    "0",
    "x",
    "null",
    "%00",
    "%FF",
    "..%2f",
    ABSENT + "0",
    ABSENT[:-1],
    f"{{{ABSENT}}}",
    "٣" * 8,
    "-1",
    "%20",
    "x" * 5000,
    ABSENT.replace("-", ""),
)


@pytest.mark.parametrize("bad", BAD_IDS, ids=range(len(BAD_IDS)))
def test_invalid_id_in_a_path_is_404(bad, superuser, world):
    """For each parameter of the path, with ids of existing rows in the others. A finding's key is any text."""
    for route in routes():
        for parameter in parameters_of_path(route):
            path = path_for(route, world, **{parameter: bad})
            for method in route.methods:
                body = BODIES.get(route.name, empty_body)(world)
                answer = rolled_back(
                    lambda path=path, method=method, body=body: request(superuser, method, path, body)
                )
                assert answer.status_code == 404, (route.name, parameter, method, outcome(answer))
                assert is_refusal(answer), (route.name, parameter, method)


def request(client, method, path, body):
    return getattr(client, method)(path, None if method in ("get", "delete") else body)


# --- headers ---

ODD_HEADERS = (
    "",
    " ",
    "\x00",
    "\xff\xfe",
    "é",
    "x" * 10_000,
    "a\tb",
    '"',
    "*",
    ",",
    ";;;",
    "W/",
    'W/"',
    "Ω".encode().decode("latin-1"),
)
READ_HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Cookie",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "Origin",
    "Range",
    "Referer",
    "User-Agent",
    "X-Request-Id",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-CSRFToken",
    "Content-Encoding",
    "Transfer-Encoding",
    "X-HTTP-Method-Override",
)


@pytest.mark.parametrize("header", READ_HEADERS)
def test_odd_headers_break_nothing(header, superuser, world):
    tag = f"{API}/tags/{world['tag'].pk}"
    for value in ODD_HEADERS:
        for method, path, body in (
            ("get", tag, None),
            ("post", f"{API}/tags", {"name": "x"}),
            ("patch", tag, {"name": "y"}),
        ):
            answer = rolled_back(
                lambda method=method, path=path, body=body, value=value: getattr(superuser, method)(
                    path, body, headers={header: value}
                )
            )
            assert answer.status_code < 400 or is_refusal(answer), (method, short(value), outcome(answer))
    assert superuser.get(tag).status_code == 200


@pytest.mark.parametrize("key", ["", "\x00", "\xff", "é", "x" * 256, "a\tb", "Ω".encode().decode("latin-1")])
def test_odd_idempotency_keys_are_refused_by_name(key, superuser, world):
    for route in (
        route for route in routes() if "post" in route.methods and route.name not in ROUTES_BY_OWNER["login"]
    ):
        body = BODIES[route.name](world)
        path = path_for(route, world)
        answer = rolled_back(
            lambda path=path, body=body, name=route.name: superuser.post(
                path, body, format=FORMATS.get(name), headers={"Idempotency-Key": key}
            )
        )
        assert answer.status_code == 400, (route.name, outcome(answer))
        assert names(answer, "Idempotency-Key"), route.name


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "evil.example.org",
        "localhost:x",
        "\x00",
        "é",
        "a b",
        "[::1",
        "localhost,evil",
        "@localhost",
        "x" * 5000,
    ],
)
def test_odd_hosts_are_refused(host, superuser, world, settings):
    settings.ALLOWED_HOSTS = ["localhost", "[::1]"]
    answer = (
        superuser.get(f"{API}/assets", headers={"Host": host})
        if host
        else superuser.get(f"{API}/assets", SERVER_NAME="")
    )
    assert answer.status_code == 400, outcome(answer)
    assert is_refusal(answer)


@pytest.mark.parametrize("sent_id", ["", "x" * 65, "a b", "\xff", "é", "a\r\nX: y", "<b>"])
def test_odd_request_ids_are_replaced(sent_id, superuser, world):
    answer = superuser.get(f"{API}/me", headers={"X-Request-Id": sent_id})
    assert answer.status_code == 200
    assert answer["X-Request-Id"] != sent_id
    assert answer["X-Request-Id"].isalnum()


def test_every_list_can_be_read(superuser, world):
    """And the user is still there."""
    for route in READABLE:
        if not route.names_a_row:
            assert superuser.get(path_for(route, world), QUERIES.get(route.name)).status_code == 200, (
                route.name
            )
    assert User.objects.filter(username="alice").exists()
