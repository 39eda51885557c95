"""Ids of rows of another household, in filters, bodies, paths, cursors and keys: as if the rows did not exist."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from assets.models import Asset, AssetSnapshot, Transaction
from portfolios.models import Membership
from reports.services.portfolio_snapshots import take_snapshot
from strata.tenancy.roles import VIEWER
from tests.all_routes import ABSENT, Field, fields_of_bodies, path_for, routes
from tests.tenancy import (
    outcome,
    resource_named,
    send,
    send_to,
    takes_an_id,
    views_of_lists,
    with_rows_of_users,
)
from tests.valid_requests import BODIES, id_of

pytestmark = pytest.mark.usefixtures("shared_world")

API = "/api/v1"


@pytest.fixture
def world(world, household, people):
    return with_rows_of_users(world, household, people)


def test_foreign_id_in_a_filter_looks_like_an_absent_id(callers, world, charlies_world):
    for route, view in views_of_lists():
        for name, parameter in getattr(view, "parameters", {}).items():
            if takes_an_id(parameter):
                foreign, absent = (
                    send(callers["stranger"], route, "get", world, query={name: pk})
                    for pk in (id_of(world, resource_named(name)), ABSENT)
                )
                assert outcome(foreign) == outcome(absent), (route.name, name)


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
