"""Bad input of every kind in every field, parameter, path and header: a clear 4xx that names it, and empty_body breaks.

The fields are those of the schema, which is drawn from the serializers: a new one is tried without being named here.
"""

from __future__ import annotations

import json

import pytest
from django.conf import settings as configured
from django.db import transaction
from django.urls import resolve

from conftest import client_of
from strata.accounts.models import User
from tests.all_routes import ABSENT, Field, Route, fields_of_bodies, parameters_of_path, path_for, routes
from tests.bad_values import BAD_BODIES, BAD_MEDIA_TYPES, NUL, ODD_VALUES, OVERRIDE, refused_values
from tests.valid_requests import BODIES, QUERIES, ROUTES_BY_OWNER, empty_body

API = "/api/v1"

# --- asking ---


@pytest.fixture
def safe(alice_user):
    """Alice, whose writes are undone; a request that breaks is a 500, as it would be for her. She may add rates too."""
    alice_user.is_superuser = True
    alice_user.save()
    client = client_of(alice_user)
    client.raise_request_exception = False
    return client


def undone(send):
    with transaction.atomic():
        answer = send()
        transaction.set_rollback(True)
    return answer


def is_refusal(answer) -> bool:
    """A 4xx in the one shape, and with something to say."""
    if not 400 <= answer.status_code < 500 or answer["Content-Type"] != "application/json":
        return False
    body = json.loads(answer.content)
    return body.keys() == {"code", "message", "status", "errors", "request_id"} and bool(body["message"])


def names(answer, field: str) -> bool:
    return any((error["field"] or "").split(".")[0] == field for error in answer.json()["errors"])


def short(value) -> str:
    return repr(value)[:40]


def outcome(answer) -> tuple:
    return answer.status_code, answer.content[:300]


# --- fields ---

# PUT is PATCH that needs a name; test_schema_fuzz sends both.
WITH_BODIES = sorted({(field.route.name, field.method) for field in fields_of_bodies()})
OPERATIONS = [
    (name, method) for name, method in WITH_BODIES if method != "put" or (name, "patch") not in WITH_BODIES
]
# One of the two, where what makes a row and what changes it take the same fields.
CHANGES = [
    (name, one) for name, one in OPERATIONS if (name.replace("-list", "-detail"), "patch") not in OPERATIONS
]
CHANGES += [operation for operation in OPERATIONS if operation[1] == "patch"]


@pytest.mark.parametrize("operation", OPERATIONS, ids="-".join)
def test_each_field_refuses_by_name_what_is_not_its_own(operation, safe, world):
    for field in fields_of(*operation):
        for value in refused_values(field):
            answer = undone(lambda field=field, value=value: written(safe, field, value, world))
            assert answer.status_code == 400, (field.name, short(value), outcome(answer))
            assert is_refusal(answer), (field.name, short(value), outcome(answer))
            assert names(answer, field.name), (field.name, short(value), outcome(answer))


@pytest.mark.parametrize("operation", CHANGES, ids="-".join)
def test_whatever_a_field_takes_can_be_read_again(operation, safe, world):
    """What it may or may not take is its own affair, as long as a GET afterwards still works."""
    for field in fields_of(*operation):
        for value in ODD_VALUES:
            answer, read = undone(
                lambda field=field, value=value: written_and_read(safe, field, value, world)
            )
            assert answer.status_code < 300 or is_refusal(answer), (field.name, short(value), outcome(answer))
            assert {answer.status_code for answer in read} <= {200, 404, 405}, (
                field.name,
                short(value),
                read,
            )
            assert not read or read[-1].status_code == 200, (field.name, short(value))


def fields_of(name: str, method: str) -> list[Field]:
    return [field for field in fields_of_bodies() if (field.route.name, field.method) == (name, method)]


def written(client, field: Field, value, world):
    good = BODIES.get(field.route.name, empty_body)(world)
    return getattr(client, field.method)(path_for(field.route, world), good | {field.name: value})


def written_and_read(client, field: Field, value, world):
    """The answer; where it was taken, what its path then shows, and the list of assets with all that is in them."""
    answer, path = written(client, field, value, world), path_for(field.route, world)
    places = [path, f"{API}/assets"] if answer.status_code < 300 else []
    return answer, [client.get(place) for place in places]


NAMES = [
    field for field in fields_of_bodies() if field.name in ("name", "label") and field.route.name != "login"
]
ODD_NAMES = ("=HYPERLINK(1)", "@x", "שלום", "\u200fحساب", "<b>&amp;", "'; DROP TABLE")


@pytest.mark.parametrize("field", NAMES, ids=str)
def test_odd_names_are_kept_as_written_and_padded_ones_trimmed(field, safe, world):
    for name in ODD_NAMES:
        answer = undone(lambda name=name: written(safe, field, f"  {name} ", world))
        assert (answer.status_code, answer.json()[field.name]) in ((200, name), (201, name)), outcome(answer)


# --- bodies ---


def sent(client, name, method, world, body, content_type="application/json", **headers):
    (route,) = (route for route in routes() if route.name == name)
    path = path_for(route, world)
    return undone(lambda: client.generic(method.upper(), path, body, content_type, headers=headers))


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_what_is_no_body_of_ours_is_refused_by_every_route(kind, safe, world):
    for name, method in WITH_BODIES:
        answer = sent(safe, name, method, world, BAD_BODIES[kind])
        assert answer.status_code == 400, (name, method, outcome(answer))
        assert is_refusal(answer), (name, method, outcome(answer))


@pytest.mark.parametrize("media_type", BAD_MEDIA_TYPES)
def test_another_media_type_is_refused_by_every_route(media_type, safe, world):
    for name, method in WITH_BODIES:
        answer = sent(safe, name, method, world, b'{"name": "x"}', media_type)
        assert answer.status_code == 415, (name, method, outcome(answer))
        assert is_refusal(answer), (name, method, outcome(answer))


def test_body_over_the_limit_is_refused_by_every_route(safe, world):
    body = b'{"name": "' + b"x" * configured.MAX_BODY_BYTES + b'"}'
    for name, method in WITH_BODIES:
        answer = sent(safe, name, method, world, body)
        assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE"), (name, method)
        assert is_refusal(answer)


def test_nobody_is_told_apart_by_the_body_that_they_send(client, world):
    """Who may come in is asked before the body is read."""
    for name, method in WITH_BODIES:
        if name not in ROUTES_BY_OWNER["login"]:
            assert sent(client, name, method, world, b"{").status_code == 401, (name, method)


# --- parameters ---


RUBBISH = (
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
    """The parameters of a GET, with what each must refuse."""
    view = resolve(path_for(route, {})).func.cls
    found = {name: refused_texts(one.schema) for name, one in getattr(view, "parameters", {}).items()}
    is_a_list = route.name.endswith("-list") or route.name == "category-children"
    if not is_a_list:
        found = {name: texts for name, texts in found.items() if name == "on"}
    paging = getattr(getattr(view, "paginator", None), "parameters", ()) if is_a_list else ()
    return found | dict.fromkeys(paging, RUBBISH) | {"no_such_parameter": RUBBISH, "ordering": RUBBISH}


def refused_texts(schema: dict) -> tuple:
    is_text = schema.get("type") == "string" and not schema.keys() & {"format", "enum"}
    unreadable = ("", " ", NUL, OVERRIDE, "9" * 5000, "x" * 5000)
    return unreadable if is_text and "{3}" not in schema.get("pattern", "") else RUBBISH


READABLE = [
    route for route in routes() if "get" in route.methods and route.name not in ROUTES_BY_OWNER["public"]
]


@pytest.mark.parametrize("route", READABLE, ids=lambda one: one.name)
def test_each_parameter_refuses_by_name_what_is_not_its_own(route, safe, world):
    path = path_for(route, world)
    if ABSENT in path:
        assert safe.get(path).status_code == 404
        return
    for name, texts in parameters_of(route).items():
        for text in texts:
            answer = safe.get(path, QUERIES.get(route.name, {}) | {name: text})
            assert is_refusal(answer), (name, short(text), outcome(answer))
            assert answer.status_code == 400, (name, short(text), outcome(answer))
            assert names(answer, name), (name, short(text), outcome(answer))


@pytest.mark.parametrize("page", ["1" + "0" * 30, "2", "9" * 40])
def test_page_that_there_is_not_is_a_404(page, safe, world):
    for path in ("assets", "portfolios", "tags", "categories", "households", "auth/tokens", "exchange-rates"):
        answer = safe.get(f"{API}/{path}", {"page": page})
        assert answer.status_code == 404, path
        assert is_refusal(answer)


def test_no_write_takes_a_parameter_that_does_not_exist(safe, world):
    for route in routes():
        for method in set(route.methods) - {"get"}:
            path = f"{path_for(route, world)}?no_such_parameter=1"
            answer = undone(lambda path=path, method=method: getattr(safe, method)(path, {}))
            assert answer.status_code == 400, (route.name, method, outcome(answer))
            assert names(answer, "no_such_parameter"), (route.name, method)


# --- paths ---

NO_IDS = (
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


@pytest.mark.parametrize("bad", NO_IDS, ids=range(len(NO_IDS)))
def test_what_is_no_id_in_a_path_is_404(bad, safe, world):
    """In each place of the path, with ids of existing rows in the others. The key of a finding is text, and no id."""
    for route in routes():
        for place in parameters_of_path(route):
            path = path_for(route, world, **{place: bad})
            for method in route.methods:
                body = BODIES.get(route.name, empty_body)(world)
                answer = undone(lambda path=path, method=method, body=body: at(safe, method, path, body))
                assert answer.status_code == 404, (route.name, place, method, outcome(answer))
                assert is_refusal(answer), (route.name, place, method)


def at(client, method, path, body):
    return getattr(client, method)(path, None if method in ("get", "delete") else body)


# --- headers ---

ODD = (
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
def test_odd_headers_break_nothing(header, safe, world):
    tag = f"{API}/tags/{world['tag'].pk}"
    for value in ODD:
        for method, path, body in (
            ("get", tag, None),
            ("post", f"{API}/tags", {"name": "x"}),
            ("patch", tag, {"name": "y"}),
        ):
            answer = undone(
                lambda method=method, path=path, body=body, value=value: getattr(safe, method)(
                    path, body, headers={header: value}
                )
            )
            assert answer.status_code < 400 or is_refusal(answer), (method, short(value), outcome(answer))
    assert safe.get(tag).status_code == 200


@pytest.mark.parametrize("key", ["", "\x00", "\xff", "é", "x" * 256, "a\tb", "Ω".encode().decode("latin-1")])
def test_odd_keys_are_refused_by_name_and_write_nothing(key, safe, world):
    for route in (
        route for route in routes() if "post" in route.methods and route.name not in ROUTES_BY_OWNER["login"]
    ):
        body = BODIES[route.name](world)
        path = path_for(route, world)
        answer = undone(lambda path=path, body=body: safe.post(path, body, headers={"Idempotency-Key": key}))
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
def test_odd_hosts_are_refused(host, safe, world, settings):
    settings.ALLOWED_HOSTS = ["localhost", "[::1]"]
    answer = (
        safe.get(f"{API}/assets", headers={"Host": host})
        if host
        else safe.get(f"{API}/assets", SERVER_NAME="")
    )
    assert answer.status_code == 400, outcome(answer)
    assert is_refusal(answer)


@pytest.mark.parametrize("sent_id", ["", "x" * 65, "a b", "\xff", "é", "a\r\nX: y", "<b>"])
def test_odd_request_ids_are_not_sent_back(sent_id, safe, world):
    answer = safe.get(f"{API}/me", headers={"X-Request-Id": sent_id})
    assert answer.status_code == 200
    assert answer["X-Request-Id"] != sent_id
    assert answer["X-Request-Id"].isalnum()


def test_what_came_of_it_all_is_still_readable(safe, world):
    """The lists answer, and no user was made or lost."""
    for route in READABLE:
        if not route.names_a_row:
            assert safe.get(path_for(route, world), QUERIES.get(route.name)).status_code == 200, route.name
    assert User.objects.filter(username="alice").exists()
