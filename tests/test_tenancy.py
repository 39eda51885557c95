"""Every route and method of the URL resolver: what each role may do, and that a stranger learns nothing.

A new route fails here until valid_requests.py says who owns its rows and what a valid request to it sends.
"""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.urls import resolve

from investments.queries.kept_ledgers import KEPT as KEPT_LEDGERS
from investments.queries.kept_ledgers import KEPT_LOTS
from investments.queries.performance import KEPT_PERFORMANCES
from portfolios.models import Household
from reports.statement import document
from strata.accounts.models import ApiToken, User
from tests.all_routes import ABSENT, METHODS, Route, path_for, routes
from tests.strata_apps import APPS
from tests.tenancy import (
    outcome,
    resource_named,
    send,
    takes_an_id,
    views_of_lists,
    with_rows_of_users,
)
from tests.valid_requests import BODIES, FORMATS, QUERIES, ROUTES_BY_OWNER, SUPERUSERS_SEE, empty_body, id_of

pytestmark = pytest.mark.usefixtures("shared_world")

API = "/api/v1"
DONE = {"get": 200, "post": 201, "put": 200, "patch": 200, "delete": 204}
DONE_OTHERWISE = {
    ("asset-category", "post"): 200,
    ("asset-dispose", "post"): 200,
    ("asset-reinstate", "post"): 200,
    ("asset-tag", "post"): 200,
    ("category-assets", "post"): 200,
    ("invitation-accept", "post"): 200,
    ("instrument-fetch", "post"): 202,
    ("price-batch", "post"): 200,
    ("transaction-batch", "post"): 200,
    ("value-batch", "post"): 200,
    ("password", "post"): 401,  # test_me sends the right password
    ("undo", "post"): 200,
    ("import-commit", "post"): 200,
    ("import-undo", "post"): 409,  # the world's is a preview
}
OWNERS_ONLY = {
    "archive-list",
    "household-archive",
    "household-detail",
    "household-invitation-list",
    "member-detail",
}
SUPERUSERS_ONLY = {("exchange-rate-list", "post"), ("price-source-list", "post")}
OWNERS_SEE = {"household-archive", "household-invitation-list"}
OF_SOME_USERS = {
    "token-detail": ("owner",),
    "invitation-detail": ("invited", "owner"),
    "invitation-accept": ("invited",),
}
OUTSIDERS = ("stranger", "invited", "removed", "staff", "superuser")
MEMBERS = ("viewer", "editor", "owner")
LOCKED = ("nobody", "disabled")


@pytest.fixture
def world(world, household, people):
    return with_rows_of_users(world, household, people)


def expected(role: str, route: Route, method: str) -> int:
    """The status that a valid request of the role gets."""
    done = DONE_OTHERWISE.get((route.name, method), DONE[method])
    if route.name in ROUTES_BY_OWNER["public"]:
        return done
    if role in LOCKED:
        return 401
    if (route.name, method) in SUPERUSERS_ONLY:
        return done if role == "superuser" else 403
    if route.name in SUPERUSERS_SEE and route.names_a_row:
        return done if role == "superuser" else 404
    if route.name in OF_SOME_USERS:
        return done if role in OF_SOME_USERS[route.name] else 404
    if route.name not in ROUTES_BY_OWNER["the household's"] or route.name == "household-list":
        return done
    if role in OUTSIDERS:
        return done if method == "get" and not route.names_a_row else 404
    may_write = role == "owner" or (role == "editor" and route.name not in OWNERS_ONLY)
    may_read = method == "get" and route.name not in OWNERS_SEE
    return done if may_read or may_write else 403


# --- who may do what ---


def test_every_route_is_known():
    """Otherwise a route without access control could be added without a test."""
    known = {route.name: route for route in routes()}
    placed = [name for names in ROUTES_BY_OWNER.values() for name in names]
    assert len(known) == len(routes()), "Two routes have one name."
    assert sorted(placed) == sorted(known), (
        "Add the resource to tests/resources.py, or each route to ROUTES_BY_OWNER, once."
    )
    writing = {name for name, route in known.items() if set(route.methods) - {"get", "delete"}} - {"login"}
    assert writing <= BODIES.keys(), "Add the body of a valid request to BODIES."
    assert BODIES.keys() | QUERIES.keys() <= known.keys()


def test_every_path_can_be_filled_in(world):
    for route in routes():
        path = path_for(route, world)
        assert resolve(path).url_name == route.name, f"Add a row to the fixture `world` for {route.pattern}"
        if route.name not in ("member-detail",):
            assert ABSENT not in path, f"Add a row to the fixture `world` for {route.pattern}"


@pytest.mark.parametrize("role", [*MEMBERS, *OUTSIDERS, *LOCKED])
def test_each_role_may_do_what_it_may_and_no_more(role, callers, world, request):
    if role != "owner":  # what one of them gets is drawn
        request.getfixturevalue("charts_as_text")
    for route in routes():
        for method in route.methods:
            if route.name in ROUTES_BY_OWNER["login"]:
                continue
            answer = send(callers[role], route, method, world)
            details = (role, method, route.name, answer.status_code, answer.getvalue()[:300])
            assert answer.status_code == expected(role, route, method), details


@pytest.mark.parametrize("role", OUTSIDERS)
def test_foreign_row_looks_to_outsiders_as_if_it_did_not_exist(role, callers, world):
    """The same content, headers and number of queries, for every method and for CSV."""
    for route in routes():
        if (
            not route.names_a_row
            or route.name in ROUTES_BY_OWNER["shared"]
            or role in OF_SOME_USERS.get(route.name, ())
        ):
            continue
        for method in (*METHODS, "head", "options"):
            for accept in ("application/json", "text/csv")[: 1 + (method == "get")]:
                foreign = send(callers[role], route, method, world, Accept=accept)
                absent = send(callers[role], route, method, world, absent=True, Accept=accept)
                assert outcome(foreign) == outcome(absent), (role, method, route.name)
                assert b"ecret" not in foreign.content, (role, method, route.name)


@pytest.mark.on_sqlite  # it is refused before a row is read
@pytest.mark.parametrize("role", MEMBERS)
def test_unknown_method_is_405_and_names_the_allowed_ones(role, callers, world):
    for route in routes():
        for method in set(METHODS) - set(route.methods):
            answer = send(callers[role], route, method, world)
            if route.name not in OF_SOME_USERS:
                assert answer.status_code == 405, (method, route.name, answer.content)
            if answer.status_code == 405:
                allowed = {allowed_method.strip().lower() for allowed_method in answer["Allow"].split(",")}
                assert allowed - {"head", "options"} == set(route.methods), (method, route.name)


@pytest.mark.parametrize("role", ["viewer", "stranger"])
def test_refused_request_writes_nothing(role, callers, world):
    """Counts the rows of every table. The requests here are not rolled back."""
    tables = [model for name in set(APPS) - {"strata"} for model in apps.get_app_config(name).get_models()]
    bodies = {route.name: BODIES.get(route.name, empty_body)(world) for route in routes()}
    before = {table: table.objects.count() for table in tables}
    for route in routes():
        for method in set(route.methods) - {"get"}:
            if route.name in ROUTES_BY_OWNER["the household's"] and route.name != "household-list":
                body = bodies[route.name]
                kind = FORMATS.get(route.name)
                answer = getattr(callers[role], method)(path_for(route, world), body, format=kind)
                assert answer.status_code in (403, 404), (method, route.name)
    assert {table: table.objects.count() for table in tables} == before


# --- lists ---


def list_queries(view, world):
    """Yields a query for every parameter, ordering and page of a list, with ids of rows in `world`."""
    yield {}
    yield from ({"ordering": sign + name} for name in getattr(view, "orderings", ()) for sign in ("", "-"))
    yield from ({"page_size": "1"}, {"page_size": "1", "page": "2"})
    for name, parameter in getattr(view, "parameters", {}).items():
        if takes_an_id(parameter):
            yield {name: id_of(world, resource_named(name))}
        elif parameter.schema.get("format") == "date":
            yield {name: "2026-01-31"}
        elif parameter.schema.get("type") == "integer":
            yield {name: "1"}
        elif parameter.schema.get("type") == "boolean":
            yield from ({name: "true"}, {name: "false"})
        else:
            yield {name: (parameter.schema.get("enum") or ["ecret" if name == "search" else "EUR"])[0]}


def outcomes_of_lists(client, world) -> dict:
    """The outcome of every list for every parameter, ordering and page."""
    for kept in (KEPT_LEDGERS, KEPT_LOTS, KEPT_PERFORMANCES):
        kept.clear()  # an answer's number of queries does not depend on those before
    return {
        (route.name, *query.items()): outcome(send(client, route, "get", world, query=query))
        for route, view in views_of_lists()
        for query in list_queries(view, world)
    }


@pytest.mark.usefixtures("charts_as_text")
@pytest.mark.parametrize("role", OUTSIDERS)
def test_lists_of_outsiders_do_not_change_when_the_household_is_deleted(
    role, callers, world, household, people, monkeypatch
):
    monkeypatch.setattr(document, "pictures", lambda *_: [])  # of reports that are among the lists
    """Rows, counts, pages and orderings are the same with and without the household."""
    if role == "invited":
        world["invitation"].delete()
    before = outcomes_of_lists(callers[role], world)
    assert len(before) > 60
    Household.objects.filter(pk=household.pk).delete()
    assert outcomes_of_lists(callers[role], world) == before
    shared_lists = SUPERUSERS_SEE if role == "superuser" else ()  # what belongs to the installation
    assert not [
        name for name, answer in before.items() if b"ecret" in answer[1] and name[0] not in shared_lists
    ]


# --- logging in ---


def get_me(client, secret):
    return client.get(f"{API}/me", HTTP_AUTHORIZATION=f"Bearer {secret}")


def test_login_returns_a_token_that_is_stored_as_a_hash(client, household):
    User.objects.create_user("dora", password="correct horse battery")
    body = {"username": "Dora", "password": "correct horse battery", "scope": "read"}
    created = client.post(f"{API}/auth/token", json.dumps(body), content_type="application/json")
    secret = created.json()["token"]
    assert (created.status_code, secret.startswith("strata_")) == (201, True)
    assert not ApiToken.objects.filter(digest=secret).exists()
    assert get_me(client, secret).json()["households"] == []  # the first write makes one, and no login
    refused = client.post(f"{API}/tags", {"name": "x"}, HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert (refused.status_code, refused.json()["code"]) == (403, "READ_ONLY_TOKEN")


def test_options_of_a_row_offer_writes_to_who_may_write_it(bob, vera, charlie, world):
    paths = [f"/api/v1/tags/{world['tag'].pk}", f"/api/v1/assets/{world['asset'].pk}"]
    for path in paths:
        assert bob.options(path).json()["actions"].keys() == {"PUT"}
        assert "actions" not in vera.options(path).json()
        assert charlie.options(path).status_code == 404
