"""Every route and method, walked from the URL resolver: what each role may do, and that a stranger learns empty_body.

A new route fails here until valid_requests.py says whose it is, and what a good request to it sends.
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
from reports.api import chart_views
from reports.services.portfolio_snapshots import take_snapshot
from strata.accounts.models import ApiToken, User
from strata.tenancy.roles import OWNER, VIEWER
from tests.all_routes import ABSENT, METHODS, Field, Route, fields_of_bodies, path_for, routes
from tests.conftest import rows_of
from tests.strata_apps import APPS
from tests.valid_requests import BODIES, QUERIES, ROUTES_BY_OWNER, empty_body, id_of

API = "/api/v1"
DONE = {"get": 200, "post": 201, "put": 200, "patch": 200, "delete": 204}
DONE_OTHERWISE = {
    ("asset-category", "post"): 200,
    ("asset-dispose", "post"): 200,
    ("asset-reinstate", "post"): 200,
    ("asset-tag", "post"): 200,
    ("category-assets", "post"): 200,
    ("invitation-accept", "post"): 200,
    ("password", "post"): 401,  # the right one is tried in test_me
}
OWNERS_ONLY = {"household-detail", "household-invitation-list", "member-detail"}
SUPERUSERS_ONLY = {("exchange-rate-list", "post")}
OWNERS_SEE = {"household-invitation-list"}
OF_SOME_USERS = {
    "token-detail": ("owner",),
    "invitation-detail": ("invited", "owner"),
    "invitation-accept": ("invited",),
}
OUTSIDERS = ("stranger", "invited", "removed", "staff", "superuser")
MEMBERS = ("viewer", "editor", "owner")
LOCKED = ("nobody", "disabled")
# By the name of a field or parameter, where it is not the thing's.
THINGS = {"parent": "category", "asset_type": "asset-type", "type": "asset-type"}


# --- the cast, each with a token of their own ---


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
    """With what belongs to one user: the owner's token, and an invitation for somebody."""
    return {
        **world,
        "token": ApiToken.issue(people["owner"], name="Secret token")[0],
        "invitation": Invitation.objects.create(household=household, username="ivan", role=OWNER),
    }


@pytest.fixture
def callers(people):
    found = {"nobody": APIClient()}
    for role, user in people.items():
        found[role] = APIClient(HTTP_AUTHORIZATION=f"Bearer {ApiToken.issue(user)[1]}")
    User.objects.filter(pk=people["disabled"].pk).update(is_active=False)
    return found


# --- asking ---


def asked(client, route: Route, method: str, world, *, absent=False, body=None, query=None, **headers):
    """The answer, with the number of queries it took; whatever it wrote is undone."""
    if body is None and method not in ("get", "head", "options", "delete"):
        body = BODIES.get(route.name, empty_body)(world)
    path = path_for(route, world, absent=absent)
    given = QUERIES.get(route.name, {}) | (query or {}) if method in ("get", "head") else body
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path, given, headers=headers)
        transaction.set_rollback(True)
    answer.queries = len(queries)
    return answer


def outcome(answer):
    """All that a caller could tell two answers apart by: but for the request's id and the ids in the path."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    content = re.sub(rb'"request_id":\s*"[^"]*"', b"", answer.content)
    return answer.status_code, content, headers, answer.queries


def expected(role: str, route: Route, method: str) -> int:
    """The status that a good request gets."""
    done = DONE_OTHERWISE.get((route.name, method), DONE[method])
    if route.name in ROUTES_BY_OWNER["public"]:
        return done
    if role in LOCKED:
        return 401
    if (route.name, method) in SUPERUSERS_ONLY:
        return done if role == "superuser" else 403
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
    """Another's endpoint that skips the door must not pass for want of a test."""
    found = {route.name: route for route in routes()}
    placed = [name for names in ROUTES_BY_OWNER.values() for name in names]
    assert len(found) == len(routes()), "Two routes have one name."
    assert sorted(placed) == sorted(found), "Say in ROUTES_BY_OWNER, once, whose each route is."
    writing = {name for name, one in found.items() if set(one.methods) - {"get", "delete"}} - {"login"}
    assert writing <= BODIES.keys(), "Say in BODIES what a good request to it sends."
    assert BODIES.keys() | QUERIES.keys() <= found.keys()


def test_every_path_can_be_filled_in(world):
    for route in routes():
        path = path_for(route, world)
        assert resolve(path).url_name == route.name, f"Give the world a row for {route.pattern}"
        if route.name not in ("member-detail",):
            assert ABSENT not in path, f"Give the world a row for {route.pattern}"


@pytest.mark.parametrize("role", [*MEMBERS, *OUTSIDERS, *LOCKED])
def test_each_role_may_do_what_it_may_and_no_more(role, callers, world):
    for route in routes():
        for method in route.methods:
            if route.name in ROUTES_BY_OWNER["login"]:
                continue
            answer = asked(callers[role], route, method, world)
            told_apart = (role, method, route.name, answer.status_code, answer.content[:300])
            assert answer.status_code == expected(role, route, method), told_apart


@pytest.mark.parametrize("role", OUTSIDERS)
def test_outsiders_are_told_what_they_would_be_told_if_it_did_not_exist(role, callers, world):
    """The same bytes, headers and number of queries, for every method there may be, and for CSV too."""
    for route in routes():
        if (
            not route.names_a_row
            or route.name in ROUTES_BY_OWNER["shared"]
            or role in OF_SOME_USERS.get(route.name, ())
        ):
            continue
        for method in (*METHODS, "head", "options"):
            for accept in ("application/json", "text/csv")[: 1 + (method == "get")]:
                theirs = asked(callers[role], route, method, world, Accept=accept)
                absent = asked(callers[role], route, method, world, absent=True, Accept=accept)
                assert outcome(theirs) == outcome(absent), (role, method, route.name)
                assert b"ecret" not in theirs.content, (role, method, route.name)


@pytest.mark.parametrize("role", MEMBERS)
def test_methods_that_there_are_not_change_nothing_and_name_those_there_are(role, callers, world):
    for route in routes():
        for method in set(METHODS) - set(route.methods):
            answer = asked(callers[role], route, method, world)
            if route.name not in OF_SOME_USERS:
                assert answer.status_code == 405, (method, route.name, answer.content)
            if answer.status_code == 405:
                allowed = {one.strip().lower() for one in answer["Allow"].split(",")}
                assert allowed - {"head", "options"} == set(route.methods), (method, route.name)


# --- lists ---


def thing_named(field: str) -> str:
    name = field.removesuffix("_ids").removesuffix("_id")
    return THINGS.get(name, name)


def takes_an_id(parameter) -> bool:
    """Alone, or beside a code or the word "none"."""
    ways = parameter.schema.get("anyOf", [parameter.schema])
    return any(way.get("format") == "uuid" for way in ways)


def list_queries(view, world):
    """Every parameter, ordering and page that a list takes, the ids in it another household's."""
    yield {}
    yield from ({"ordering": sign + name} for name in getattr(view, "orderings", ()) for sign in ("", "-"))
    yield from ({"page_size": "1"}, {"page_size": "1", "page": "2"})
    for name, parameter in getattr(view, "parameters", {}).items():
        if takes_an_id(parameter):
            yield {name: id_of(world, thing_named(name))}
        elif parameter.schema.get("format") == "date":
            yield {name: "2026-01-31"}
        elif parameter.schema.get("type") == "integer":
            yield {name: "1"}
        elif parameter.schema.get("type") == "boolean":
            yield from ({name: "true"}, {name: "false"})
        else:
            yield {name: (parameter.schema.get("enum") or ["ecret" if name == "search" else "EUR"])[0]}


def views_of_lists():
    for route in routes():
        if "get" in route.methods and not route.names_a_row and route.name not in ROUTES_BY_OWNER["public"]:
            yield route, getattr(resolve(path_for(route, {})).func, "cls", None)


def lists_seen(client, world) -> dict:
    """What every list answers to every parameter, ordering and page."""
    return {
        (route.name, *query.items()): outcome(asked(client, route, "get", world, query=query))
        for route, view in views_of_lists()
        for query in list_queries(view, world)
    }


@pytest.fixture
def pictures_in_words(monkeypatch):
    """What a picture would be drawn of, in its place: nobody finds a name in pixels, and drawing takes long."""

    def words(*drawn, **how) -> bytes:
        return repr((drawn, how)).encode()

    monkeypatch.setattr(chart_views, "net_worth_plot", words)
    monkeypatch.setattr(chart_views, "allocation_plot", words)


@pytest.mark.usefixtures("pictures_in_words")
@pytest.mark.parametrize("role", OUTSIDERS)
def test_outsiders_lists_are_those_of_a_world_without_the_others(role, callers, world, household, people):
    """Whatever is asked: rows, counts, pages and orderings are the same when the household is gone."""
    if role == "invited":
        world["invitation"].delete()
    seen = lists_seen(callers[role], world)
    assert len(seen) > 60
    Household.objects.filter(pk=household.pk).delete()
    assert lists_seen(callers[role], world) == seen
    assert not [name for name, answer in seen.items() if b"ecret" in answer[1]]


def test_ids_of_others_in_filters_are_as_ids_of_nothing(callers, world, charlies_world):
    for route, view in views_of_lists():
        for name, parameter in getattr(view, "parameters", {}).items():
            if takes_an_id(parameter):
                others, nothings = ({name: one} for one in (id_of(world, thing_named(name)), ABSENT))
                found = asked(callers["stranger"], route, "get", world, query=others)
                absent = asked(callers["stranger"], route, "get", world, query=nothings)
                assert outcome(found) == outcome(absent), (route.name, name)


# --- what is another household's, in bodies, paths, cursors and keys ---


@pytest.fixture
def charlies_world(db, world, people):
    """All the same things, in the stranger's own household."""
    household = Household.objects.create(name="Charlie's")
    mine = Membership.objects.create(
        household=household, user=people["stranger"], role=OWNER, accepted_at=timezone.now()
    )
    return {
        **rows_of(household, "Own"),
        "member": mine,
        **{one: world[one] for one in ("token", "invitation")},
    }


def is_id(field: Field) -> bool:
    return (field.schema.get("items") or field.schema).get("format") == "uuid"


IDS = [field for field in fields_of_bodies() if is_id(field)]


def test_the_ids_in_bodies_are_found():
    found = {(field.route.name, field.method, field.name) for field in IDS}
    assert found >= {
        ("asset-list", "post", "portfolio_id"),
        ("asset-detail", "patch", "portfolio_id"),
        ("asset-list", "post", "tag_ids"),
        ("category-detail", "put", "parent_id"),
        ("category-assets", "post", "asset_id"),
        ("tag-list", "post", "household_id"),
    }


def test_ids_of_others_in_bodies_are_as_ids_of_nothing(callers, world, charlies_world):
    """A row stays in its household, so there any other is a 400; elsewhere it is a 404 that writes empty_body."""

    def answer(field, pk):
        body = BODIES[field.route.name](charlies_world)
        body[field.name] = [pk] if field.name.endswith("_ids") else pk
        return asked(callers["stranger"], field.route, field.method, charlies_world, body=body)

    for field in IDS:
        foreign = id_of(world, thing_named(field.name))
        theirs, absent = answer(field, foreign), answer(field, ABSENT)
        if field.name == "household_id" and field.method != "post":
            assert theirs.status_code == 400, str(field)
        else:
            assert theirs.status_code == 404, (str(field), theirs.content)
        assert outcome(theirs) == outcome(absent), str(field)
        assert foreign.encode() not in theirs.content, str(field)


@pytest.mark.parametrize("role", ["viewer", "stranger"])
def test_nothing_that_was_refused_was_written(role, callers, world):
    """Counted over every table of ours, though each answer is undone elsewhere here."""
    tables = [model for name in set(APPS) - {"strata"} for model in apps.get_app_config(name).get_models()]
    before = {table: table.objects.count() for table in tables}
    for route in routes():
        for method in set(route.methods) - {"get"}:
            if route.name in ROUTES_BY_OWNER["the household's"] and route.name != "household-list":
                body = BODIES.get(route.name, empty_body)(world)
                answer = getattr(callers[role], method)(path_for(route, world), body)
                assert answer.status_code in (403, 404), (method, route.name)
    assert {table: table.objects.count() for table in tables} == before


def test_rows_of_others_below_a_row_of_mine_are_as_if_absent(callers, world, charlies_world):
    """assets/{mine}/snapshots/{theirs}, assets/{theirs}/tags/{mine} and so on, each id in turn."""
    tried = 0
    for route in (route for route in routes() if route.pattern.count("(?P") > 1):
        whole = path_for(route, charlies_world)
        for mine, theirs in zip(ids_in(whole), ids_in(path_for(route, world)), strict=True):
            for method in route.methods:
                answers = [
                    at(callers["stranger"], method, whole.replace(mine, one)) for one in (theirs, ABSENT)
                ]
                assert answers[0].status_code == 404 or method == "delete", (method, route.name)
                assert outcome(answers[0]) == outcome(answers[1]), (method, route.name)
                tried += 1
    assert tried > 30


def ids_in(path: str) -> list[str]:
    return re.findall(r"[0-9a-f-]{36}", path)


def at(client, method, path):
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path, None if method == "get" else {})
        transaction.set_rollback(True)
    answer.queries = len(queries)
    return answer


CURSORS = ("asset-snapshot-list", "transaction-list", "portfolio-snapshot-list")


@pytest.mark.parametrize("name", CURSORS)
def test_cursor_that_another_was_given_opens_nothing(name, callers, world, charlies_world):
    (route,) = (route for route in routes() if route.name == name)
    for rows in (world, charlies_world):
        second_moment(rows)
    link = callers["owner"].get(path_for(route, world), {"page_size": 1}).json()["next"]
    query = {one: values[0] for one, values in parse_qs(urlsplit(link).query).items()}
    mine = asked(callers["stranger"], route, "get", charlies_world, query=query)
    own = {row["id"] for row in callers["stranger"].get(path_for(route, charlies_world)).json()["results"]}
    assert mine.status_code == 200
    assert {row["id"] for row in mine.json()["results"]} <= own
    theirs = asked(callers["stranger"], route, "get", world, query=query)
    assert outcome(theirs) == outcome(
        asked(callers["stranger"], route, "get", world, absent=True, query=query)
    )


def second_moment(rows) -> None:
    earlier = timezone.now() - timedelta(days=2)
    asset = rows["asset"]
    AssetSnapshot.objects.create(asset=asset, value="2", on=earlier.date(), observed_at=earlier)
    Transaction.objects.create(
        asset=asset, type="INCOME", amount="2", currency="EUR", on=earlier.date(), occurred_at=earlier
    )
    take_snapshot(rows["portfolio"], on=earlier.date())


def test_key_of_another_user_is_a_key_of_my_own(callers, world):
    body, keyed = {"name": "New"}, {"Idempotency-Key": "k1"}
    first, mine = (
        callers[role].post(f"{API}/portfolios", body, headers=keyed) for role in ("owner", "stranger")
    )
    assert (first.status_code, mine.status_code) == (201, 201)
    assert first.json()["id"] != mine.json()["id"]
    assert "Idempotency-Replayed" not in mine.headers
    refused = callers["stranger"].post(
        f"{API}/assets/{id_of(world, 'asset')}/snapshots", {"value": "1"}, headers=keyed
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "IDEMPOTENCY_MISUSE")


def test_moving_an_asset_needs_the_right_at_both_ends(callers, world, charlies_world):
    path = f"{API}/assets/{id_of(world, 'asset')}"
    theirs = callers["viewer"].post(f"{API}/portfolios", {"name": "Vera's own"}).json()["id"]
    assert callers["viewer"].patch(path, {"portfolio_id": theirs}).status_code == 403
    for elsewhere in (theirs, id_of(charlies_world, "portfolio"), ABSENT):
        refused = callers["editor"].patch(path, {"portfolio_id": elsewhere})
        assert (refused.status_code, refused.json()["code"]) == (404, "PORTFOLIO_NOT_FOUND")
    mine = f"{API}/assets/{id_of(charlies_world, 'asset')}"
    pushed = callers["stranger"].patch(mine, {"portfolio_id": id_of(world, "portfolio")})
    assert pushed.json()["code"] == "PORTFOLIO_NOT_FOUND"
    assert Asset.objects.get(pk=world["asset"].pk).portfolio_id == world["portfolio"].pk


def test_viewer_elsewhere_may_not_push_an_asset_there(callers, world, charlies_world, people):
    """Seen, but not theirs to change: 403, at the far end too."""
    Membership.objects.create(
        household=world["household"], user=people["stranger"], role=VIEWER, accepted_at=timezone.now()
    )
    mine = f"{API}/assets/{id_of(charlies_world, 'asset')}"
    assert callers["stranger"].patch(mine, {"portfolio_id": id_of(world, "portfolio")}).status_code == 403


# --- logging in ---


def bearer(client, secret):
    return client.get(f"{API}/me", HTTP_AUTHORIZATION=f"Bearer {secret}")


def test_login_gives_a_token_that_is_kept_as_a_hash(client, household):
    User.objects.create_user("dora", password="correct horse battery")
    body = {"username": "Dora", "password": "correct horse battery", "scope": "read"}
    created = client.post(f"{API}/auth/token", json.dumps(body), content_type="application/json")
    secret = created.json()["token"]
    assert (created.status_code, secret.startswith("strata_")) == (201, True)
    assert not ApiToken.objects.filter(digest=secret).exists()
    assert bearer(client, secret).json()["households"][0]["role"] == "owner"
    refused = client.post(f"{API}/tags", {"name": "x"}, HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert (refused.status_code, refused.json()["code"]) == (403, "READ_ONLY_TOKEN")
