"""Every route and method of the URL resolver: what each role may do, and that a stranger learns nothing.

A new route fails here until valid_requests.py says who owns its rows and what a valid request to it sends.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone
from rest_framework.test import APIClient

from assets.models import Asset, AssetSnapshot, Transaction
from conftest import member
from portfolios.models import Household, Invitation, Membership
from reports.api import asset_charts, chart_views
from reports.services.portfolio_snapshots import take_snapshot
from strata.accounts.models import ApiToken, User
from strata.accounts.services import issue_token
from strata.tenancy.roles import OWNER, VIEWER
from tests.all_routes import ABSENT, METHODS, Field, Route, fields_of_bodies, path_for, routes
from tests.conftest import rows_of
from tests.strata_apps import APPS
from tests.valid_requests import BODIES, QUERIES, ROUTES_BY_OWNER, SUPERUSERS_SEE, empty_body, id_of

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
}
OWNERS_ONLY = {"household-detail", "household-invitation-list", "member-detail"}
SUPERUSERS_ONLY = {("exchange-rate-list", "post"), ("price-source-list", "post")}
OWNERS_SEE = {"household-invitation-list"}
OF_SOME_USERS = {
    "token-detail": ("owner",),
    "invitation-detail": ("invited", "owner"),
    "invitation-accept": ("invited",),
}
OUTSIDERS = ("stranger", "invited", "removed", "staff", "superuser")
MEMBERS = ("viewer", "editor", "owner")
LOCKED = ("nobody", "disabled")
# The resource that a field or parameter names, if it is not called the same.
RESOURCES = {
    "benchmark": "instrument",
    "parent": "category",
    "asset_type": "asset-type",
    "type": "asset-type",
    "to_asset": "asset",
    "to_instrument": "instrument",
    "to_portfolio": "portfolio",
}


# --- users of every role, each with a token ---


@pytest.fixture
def people(household, alice_user, bob_user, vera_user, charlie_user):
    removed = member(household, "rosa", VIEWER)
    removed.memberships.all().delete()
    return {
        "owner": alice_user,
        "editor": bob_user,
        "viewer": vera_user,
        "stranger": charlie_user,
        "staff": User.objects.create(username="sam", is_staff=True),
        "superuser": User.objects.create(username="rita", is_staff=True, is_superuser=True),
        "invited": User.objects.create(username="ivan"),
        "removed": removed,
        "disabled": member(household, "dora", OWNER),
        "newcomer": User.objects.create(username="newcomer"),
    }


@pytest.fixture
def world(world, household, people):
    """The world with rows that belong to one user: the owner's token and an invitation."""
    return {
        **world,
        "token": issue_token(people["owner"], name="Secret token")[0],
        "invitation": Invitation.objects.create(household=household, username="ivan", role=OWNER),
    }


@pytest.fixture
def callers(people):
    clients = {"nobody": APIClient()}
    for role, user in people.items():
        clients[role] = APIClient(HTTP_AUTHORIZATION=f"Bearer {issue_token(user)[1]}")
    User.objects.filter(pk=people["disabled"].pk).update(is_active=False)
    return clients


# --- sending requests ---


def send(client, route: Route, method: str, world, *, absent=False, body=None, query=None, **headers):
    """The response, with its number of queries as `queries`. Writes are rolled back."""
    if body is None and method not in ("get", "head", "options", "delete"):
        body = BODIES.get(route.name, empty_body)(world)
    path = path_for(route, world, absent=absent)
    data = QUERIES.get(route.name, {}) | (query or {}) if method in ("get", "head") else body
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path, data, headers=headers)
        transaction.set_rollback(True)
    answer.queries = len(queries)
    return answer


def outcome(answer):
    """Everything by which a caller could tell two responses apart, without the request's id."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    content = re.sub(rb'"request_id":\s*"[^"]*"', b"", answer.content)
    return answer.status_code, content, headers, answer.queries


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
    assert sorted(placed) == sorted(known), "Add each route to ROUTES_BY_OWNER, once."
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
def test_each_role_may_do_what_it_may_and_no_more(role, callers, world):
    for route in routes():
        for method in route.methods:
            if route.name in ROUTES_BY_OWNER["login"]:
                continue
            answer = send(callers[role], route, method, world)
            details = (role, method, route.name, answer.status_code, answer.content[:300])
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


# --- lists ---


def resource_named(field: str) -> str:
    """The key of `world` for the rows that a field or parameter names."""
    name = field.removesuffix("_ids").removesuffix("_id")
    return RESOURCES.get(name, name)


def takes_an_id(parameter) -> bool:
    """Whether the parameter accepts an id, possibly besides a code or "none"."""
    schemas = parameter.schema.get("anyOf", [parameter.schema])
    return any(schema.get("format") == "uuid" for schema in schemas)


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


def views_of_lists():
    """Yields the route and view of every list and report that names no row in its path."""
    for route in routes():
        if "get" in route.methods and not route.names_a_row and route.name not in ROUTES_BY_OWNER["public"]:
            yield route, getattr(resolve(path_for(route, {})).func, "cls", None)


def outcomes_of_lists(client, world) -> dict:
    """The outcome of every list for every parameter, ordering and page."""
    return {
        (route.name, *query.items()): outcome(send(client, route, "get", world, query=query))
        for route, view in views_of_lists()
        for query in list_queries(view, world)
    }


@pytest.fixture
def charts_as_text(monkeypatch):
    """Replaces charts by the data that they show: names cannot be found in pixels, and drawing takes long."""

    def describe(*args, **options) -> bytes:
        return repr((args, options)).encode()

    monkeypatch.setattr(chart_views, "net_worth_plot", describe)
    monkeypatch.setattr(chart_views, "allocation_plot", describe)
    monkeypatch.setattr(asset_charts, "asset_value_plot", describe)


@pytest.mark.usefixtures("charts_as_text")
@pytest.mark.parametrize("role", OUTSIDERS)
def test_lists_of_outsiders_do_not_change_when_the_household_is_deleted(
    role, callers, world, household, people
):
    """Rows, counts, pages and orderings are the same with and without the household."""
    if role == "invited":
        world["invitation"].delete()
    before = outcomes_of_lists(callers[role], world)
    assert len(before) > 60
    Household.objects.filter(pk=household.pk).delete()
    assert outcomes_of_lists(callers[role], world) == before
    theirs = SUPERUSERS_SEE if role == "superuser" else ()  # what belongs to the installation
    assert not [name for name, answer in before.items() if b"ecret" in answer[1] and name[0] not in theirs]


def test_foreign_id_in_a_filter_looks_like_an_absent_id(callers, world, charlies_world):
    for route, view in views_of_lists():
        for name, parameter in getattr(view, "parameters", {}).items():
            if takes_an_id(parameter):
                foreign, absent = (
                    send(callers["stranger"], route, "get", world, query={name: pk})
                    for pk in (id_of(world, resource_named(name)), ABSENT)
                )
                assert outcome(foreign) == outcome(absent), (route.name, name)


# --- rows of another household in bodies, paths, cursors and keys ---


@pytest.fixture
def charlies_world(db, world, people):
    """One row of every type in the stranger's own household."""
    household = Household.objects.create(name="Charlie's")
    membership = Membership.objects.create(
        household=household, user=people["stranger"], role=OWNER, accepted_at=timezone.now()
    )
    return {
        **rows_of(household, "Own"),
        "member": membership,
        **{name: world[name] for name in ("token", "invitation")},
    }


def is_id(field: Field) -> bool:
    return (field.schema.get("items") or field.schema).get("format") == "uuid"


ID_FIELDS = [field for field in fields_of_bodies() if is_id(field)]


def test_id_fields_of_bodies_are_found():
    fields = {(field.route.name, field.method, field.name) for field in ID_FIELDS}
    assert fields >= {
        ("asset-list", "post", "portfolio_id"),
        ("asset-detail", "patch", "portfolio_id"),
        ("asset-list", "post", "tag_ids"),
        ("category-detail", "put", "parent_id"),
        ("category-assets", "post", "asset_id"),
        ("tag-list", "post", "household_id"),
    }


def test_foreign_id_in_a_body_looks_like_an_absent_id(callers, world, charlies_world):
    """It is a 404. Only another household_id of an existing row is a 400, because a row stays in its household."""

    def answer(field, pk):
        body = BODIES[field.route.name](charlies_world)
        body[field.name] = [pk] if field.name.endswith("_ids") else pk
        return send(callers["stranger"], field.route, field.method, charlies_world, body=body)

    for field in ID_FIELDS:
        foreign_id = id_of(world, resource_named(field.name))
        foreign, absent = answer(field, foreign_id), answer(field, ABSENT)
        if field.name == "household_id" and field.method != "post":
            assert foreign.status_code == 400, str(field)
        else:
            assert foreign.status_code == 404, (str(field), foreign.content)
        assert outcome(foreign) == outcome(absent), str(field)
        assert foreign_id.encode() not in foreign.content, str(field)


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
                answer = getattr(callers[role], method)(path_for(route, world), body)
                assert answer.status_code in (403, 404), (method, route.name)
    assert {table: table.objects.count() for table in tables} == before


def test_foreign_id_beside_an_own_id_in_a_path_looks_like_an_absent_id(callers, world, charlies_world):
    """assets/{own}/snapshots/{foreign}, assets/{foreign}/tags/{own} and so on, for each id of the path."""
    tested = 0
    for route in (route for route in routes() if route.pattern.count("(?P") > 1):
        own_path = path_for(route, charlies_world)
        for own, foreign in zip(ids_in(own_path), ids_in(path_for(route, world)), strict=True):
            for method in route.methods:
                answers = [
                    send_to(callers["stranger"], method, own_path.replace(own, pk))
                    for pk in (foreign, ABSENT)
                ]
                assert answers[0].status_code == 404 or method == "delete", (method, route.name)
                assert outcome(answers[0]) == outcome(answers[1]), (method, route.name)
                tested += 1
    assert tested > 30


def ids_in(path: str) -> list[str]:
    return re.findall(r"[0-9a-f-]{36}", path)


def send_to(client, method, path):
    """The response, with its number of queries as `queries`. Writes are rolled back."""
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path, None if method == "get" else {})
        transaction.set_rollback(True)
    answer.queries = len(queries)
    return answer


LISTS_WITH_CURSORS = ("asset-snapshot-list", "transaction-list", "portfolio-snapshot-list")


@pytest.mark.parametrize("name", LISTS_WITH_CURSORS)
def test_cursor_of_another_user_shows_no_foreign_row(name, callers, world, charlies_world):
    (route,) = (route for route in routes() if route.name == name)
    for rows in (world, charlies_world):
        add_earlier_rows(rows)
    link = callers["owner"].get(path_for(route, world), {"page_size": 1}).json()["next"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    page = send(callers["stranger"], route, "get", charlies_world, query=query)
    own_ids = {
        row["id"] for row in callers["stranger"].get(path_for(route, charlies_world)).json()["results"]
    }
    assert page.status_code == 200
    assert {row["id"] for row in page.json()["results"]} <= own_ids
    foreign = send(callers["stranger"], route, "get", world, query=query)
    assert outcome(foreign) == outcome(
        send(callers["stranger"], route, "get", world, absent=True, query=query)
    )


def add_earlier_rows(rows) -> None:
    """Adds a second row to each list with a cursor."""
    earlier = timezone.now() - timedelta(days=2)
    asset = rows["asset"]
    AssetSnapshot.objects.create(asset=asset, value="2", on=earlier.date(), observed_at=earlier)
    Transaction.objects.create(
        asset=asset, type="INCOME", amount="2", currency="EUR", on=earlier.date(), occurred_at=earlier
    )
    take_snapshot(rows["portfolio"].pk, on=earlier.date())


def test_idempotency_keys_belong_to_one_user(callers, world):
    body, headers = {"name": "New"}, {"Idempotency-Key": "k1"}
    first, second = (
        callers[role].post(f"{API}/portfolios", body, headers=headers) for role in ("owner", "stranger")
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    assert "Idempotency-Replayed" not in second.headers
    refused = callers["stranger"].post(
        f"{API}/assets/{id_of(world, 'asset')}/snapshots", {"value": "1"}, headers=headers
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "IDEMPOTENCY_MISUSE")


def test_moving_an_asset_needs_write_access_to_both_households(callers, world, charlies_world):
    path = f"{API}/assets/{id_of(world, 'asset')}"
    veras_portfolio = callers["viewer"].post(f"{API}/portfolios", {"name": "Vera's own"}).json()["id"]
    assert callers["viewer"].patch(path, {"portfolio_id": veras_portfolio}).status_code == 403
    for portfolio_id in (veras_portfolio, id_of(charlies_world, "portfolio"), ABSENT):
        refused = callers["editor"].patch(path, {"portfolio_id": portfolio_id})
        assert (refused.status_code, refused.json()["code"]) == (404, "PORTFOLIO_NOT_FOUND")
    own_asset = f"{API}/assets/{id_of(charlies_world, 'asset')}"
    refused = callers["stranger"].patch(own_asset, {"portfolio_id": id_of(world, "portfolio")})
    assert refused.json()["code"] == "PORTFOLIO_NOT_FOUND"
    assert Asset.objects.get(pk=world["asset"].pk).portfolio_id == world["portfolio"].pk


def test_viewer_may_not_move_an_asset_into_the_household(callers, world, charlies_world, people):
    """A viewer sees the portfolio, so the response is 403 instead of 404."""
    Membership.objects.create(
        household=world["household"], user=people["stranger"], role=VIEWER, accepted_at=timezone.now()
    )
    own_asset = f"{API}/assets/{id_of(charlies_world, 'asset')}"
    assert (
        callers["stranger"].patch(own_asset, {"portfolio_id": id_of(world, "portfolio")}).status_code == 403
    )


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
