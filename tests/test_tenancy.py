"""Every route and method, walked from the URL resolver: what each role may do, and that a stranger learns nothing."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import get_resolver
from django.utils import timezone

from assets.models import Asset, AssetSnapshot, AssetType, Category, ExchangeRate, Tag, Transaction
from assets.seeds import type_id
from conftest import client_of, member
from portfolios.models import AllocationTarget, Membership, PortfolioSnapshot
from portfolios.reports import take_snapshot
from strata.models import ApiToken, User
from strata.ownership import VIEWER

ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
METHODS = ("get", "post", "put", "patch", "delete")
PUBLIC = {"login", "live", "ready", "version", "openapi"}
OWN = {
    "me",
    "password",
    "token-list",
    "token-detail",
    "invitation-list",
    "invitation-detail",
    "invitation-accept",
}
SHARED = {"exchange-rate-list", "exchange-rate-detail", "asset-type-list"}
ANYONE_MAKES = {"household-list", "portfolio-list", "category-list", "tag-list", "asset-type-list"}
OWNERS_ONLY = {"household-detail", "household-invitations", "member-detail"}


def routes():
    """(name, path pattern, methods) of every API route."""
    found = []
    for pattern in get_resolver("strata.urls").url_patterns:
        if str(pattern.pattern) == "api/v1/":
            for route in pattern.url_patterns:
                actions = getattr(route.callback, "actions", None)
                handlers = actions or {
                    m: m for m in METHODS if hasattr(getattr(route.callback, "cls", None), m)
                }
                found.append((route.name, str(route.pattern), sorted(set(handlers) & set(METHODS))))
    return found


@pytest.fixture
def world(household, portfolio, alice_user):
    """One of everything that a path may name."""
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=type_id(2), name="Secret asset", currency="EUR"
    )
    now = timezone.now()
    rows = {
        "household": household,
        "portfolio": portfolio,
        "asset": asset,
        "asset-snapshot": AssetSnapshot.objects.create(
            asset=asset, value="1", on=now.date(), observed_at=now
        ),
        "transaction": Transaction.objects.create(
            asset=asset, type="INCOME", amount="1", currency="EUR", on=now.date(), occurred_at=now
        ),
        "portfolio-snapshot": take_snapshot(portfolio),
        "category": Category.objects.create(household=household, name="Secret category"),
        "tag": Tag.objects.create(household=household, name="Secret tag"),
        "asset-type": AssetType.objects.create(household=household, code="SECRET", label="Secret type"),
        "member": Membership.objects.get(household=household, user=alice_user),
        "allocation-target": AllocationTarget.objects.create(household=household, group="OTHER", share="0.1"),
        "exchange-rate": ExchangeRate.objects.create(currency="USD", on="2026-01-01", units_per_euro="1.1"),
    }
    return rows


def address(name, pattern, world, absent=False):
    """The route's path with the ids of the world's rows, or with ids that name nothing."""
    thing = next((one for one in sorted(world, key=len, reverse=True) if name.startswith(one)), None)
    ids = {"pk": thing, "asset_id": "asset", "portfolio_id": "portfolio", "household_id": "household"}
    ids |= {"tag_id": "tag", "category_id": "category"}

    def fill(match):
        row = world.get(ids[match[1]])
        return ABSENT if absent or row is None else str(row.pk)

    path = re.sub(r"\(\?P<(\w+)>\[[^\]]*\]\+\)", fill, pattern)
    return "/api/v1/" + path.replace("/?$", "").lstrip("^").replace("\\", "")


def without_id(response):
    return re.sub(rb'"request_id":"[^"]*"', b"", response.content)


def scoped_routes():
    return [one for one in routes() if one[0] not in PUBLIC | OWN | SHARED]


def test_every_route_is_walked():
    names = {name for name, _, _ in routes()}
    assert len(names) > 30
    assert names >= PUBLIC | OWN | SHARED | ANYONE_MAKES | OWNERS_ONLY


def test_nobody_gets_in_anywhere(client, world):
    for name, pattern, methods in routes():
        if name in PUBLIC:
            continue
        for method in methods:
            answer = client.generic(method.upper(), address(name, pattern, world), b"{}", "application/json")
            assert answer.status_code == 401, (name, method, answer.content)


def outsiders(household):
    invited = member(household, "ivan", None)
    Membership.objects.create(household=household, user=invited, role="owner")
    staff = User.objects.create(username="sam", is_staff=True)
    root = User.objects.create(username="rita", is_staff=True, is_superuser=True)
    removed = member(household, "rosa", VIEWER)
    removed.memberships.all().delete()
    return {
        "stranger": member(household, "charlie", None),
        "invited": invited,
        "staff": staff,
        "superuser": root,
        "removed": removed,
    }


def test_outsiders_see_what_they_would_see_if_it_did_not_exist(world, household):
    for who, user in outsiders(household).items():
        client = client_of(user)
        for name, pattern, methods in scoped_routes():
            if "(?P" not in pattern:
                continue
            for method in methods:
                theirs = getattr(client, method)(address(name, pattern, world), {})
                absent = getattr(client, method)(address(name, pattern, world, absent=True), {})
                assert theirs.status_code in (400, 404), (who, name, method, theirs.content)
                assert without_id(theirs) == without_id(absent), (who, name, method)


def test_outsiders_lists_are_empty_of_others_rows(world, household):
    for who, user in outsiders(household).items():
        for name, pattern, methods in routes():
            if "(?P" in pattern or "get" not in methods or name in PUBLIC:
                continue
            answer = client_of(user).get(address(name, pattern, world))
            assert answer.status_code == 200, (who, name)
            assert b"ecret" not in answer.content, (who, name)
            assert str(household.pk).encode() not in answer.content or name.startswith("invitation"), (
                who,
                name,
            )


def test_viewers_read_everything_and_write_nothing(world, vera):
    before = {model: model.objects.count() for model in (Asset, AssetSnapshot, Transaction, Tag, Category)}
    for name, pattern, methods in scoped_routes():
        for method in methods:
            answer = getattr(vera, method)(address(name, pattern, world), {})
            if method == "get":
                assert answer.status_code == 200, (name, answer.content)
            elif name not in ANYONE_MAKES:
                assert answer.status_code in (400, 403), (name, method, answer.content)
    assert before == {model: model.objects.count() for model in before}


def test_editors_change_things_but_not_members(world, bob):
    for name, pattern, methods in scoped_routes():
        path = address(name, pattern, world)
        for method in set(methods) - {"get"}:
            if name in OWNERS_ONLY:
                body = {"name": "x", "role": "viewer", "username": "alice"}
                assert getattr(bob, method)(path, body).status_code in (400, 403), (name, method)
    tag = world["tag"]
    assert bob.patch(f"/api/v1/tags/{tag.pk}", {"name": "renamed"}).status_code == 200


BODIES = (
    ("assets", "portfolio_id", "portfolio"),
    ("assets", "asset_type_id", "asset-type"),
    ("categories", "parent_id", "category"),
    ("tags", "household_id", "household"),
    ("allocation-targets", "portfolio_id", "portfolio"),
    ("allocation-targets", "category_id", "category"),
    ("allocation-targets", "tag_id", "tag"),
    ("allocation-targets", "asset_id", "asset"),
    ("allocation-targets", "asset_type_id", "asset-type"),
    ("allocation-targets", "household_id", "household"),
    ("portfolios", "household_id", "household"),
)


@pytest.mark.parametrize(("path", "field", "thing"), BODIES)
def test_foreign_ids_in_bodies_are_404_as_if_absent(world, charlie, path, field, thing):
    mine = charlie.post("/api/v1/portfolios", {"name": "mine"}).json()
    body = {"name": "x"}
    if path == "assets":
        body |= {"portfolio_id": mine["id"], "asset_type_id": type_id(1)}
    if path == "allocation-targets":
        body = {"share": "0.1"}
    foreign = charlie.post(f"/api/v1/{path}", body | {field: str(world[thing].pk)})
    absent = charlie.post(f"/api/v1/{path}", body | {field: ABSENT})
    assert (foreign.status_code, without_id(foreign)) == (404, without_id(absent))


def test_foreign_labels_are_404(world, charlie):
    mine = charlie.post("/api/v1/portfolios", {"name": "mine"}).json()
    body = {"name": "x", "portfolio_id": mine["id"], "asset_type_id": type_id(1)}
    for field, thing in (("category_ids", "category"), ("tag_ids", "tag")):
        assert charlie.post("/api/v1/assets", body | {field: [str(world[thing].pk)]}).status_code == 404
    assert not Asset.objects.filter(name="x").exists()


@pytest.mark.parametrize("query", ["category", "tag", "portfolio"])
def test_foreign_ids_in_filters_find_nothing(world, charlie, query):
    answer = charlie.get(f"/api/v1/assets?{query}={world[query].pk}")
    absent = charlie.get(f"/api/v1/assets?{query}={ABSENT}")
    assert (answer.status_code, without_id(answer)) == (absent.status_code, without_id(absent))
    assert answer.status_code == 404 or answer.json()["count"] == 0


def test_moving_an_asset_needs_the_right_at_both_ends(world, vera, vera_user, bob):
    theirs = vera.post("/api/v1/portfolios", {"name": "Vera's own"}).json()["id"]
    path = f"/api/v1/assets/{world['asset'].pk}"
    assert vera.patch(path, {"portfolio_id": theirs}).status_code == 403
    assert bob.patch(path, {"portfolio_id": theirs}).json()["code"] == "PORTFOLIO_NOT_FOUND"


def bearer(client, secret):
    return client.get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {secret}")


def test_disabled_user_and_changed_password_end_tokens(client, alice_user):
    _, secret = ApiToken.issue(alice_user)
    assert bearer(client, secret).json()["username"] == "alice"
    alice_user.is_active = False
    alice_user.save()
    assert bearer(client, secret).status_code == 401
    alice_user.is_active = True
    alice_user.set_password("another one")
    alice_user.save()
    assert bearer(client, secret).status_code == 401


def test_login_gives_a_token_that_is_kept_as_a_hash(client, household):
    User.objects.create_user("dora", password="correct horse battery")
    body = {"username": "Dora", "password": "correct horse battery", "scope": "read"}
    made = client.post("/api/v1/auth/token", json.dumps(body), content_type="application/json")
    secret = made.json()["token"]
    assert (made.status_code, secret.startswith("strata_")) == (201, True)
    assert not ApiToken.objects.filter(digest=secret).exists()
    assert bearer(client, secret).json()["households"][0]["role"] == "owner"
    refused = client.post("/api/v1/tags", {"name": "x"}, HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert (refused.status_code, refused.json()["code"]) == (403, "READ_ONLY_TOKEN")


def test_wrong_password_and_unknown_user_get_the_same_answer_then_a_lock(client, settings, db):
    settings.AXES_FAILURE_LIMIT = 3
    User.objects.create_user("dora", password="correct horse battery")

    def attempt(name):
        body = json.dumps({"username": name, "password": "wrong"})
        return client.post("/api/v1/auth/token", body, content_type="application/json")

    known, unknown = attempt("dora"), attempt("nobody")
    assert (known.status_code, without_id(known)) == (401, without_id(unknown))
    attempt("dora")
    locked = attempt("dora")
    assert (locked.status_code, locked.json()["code"]) == (429, "LOCKED_OUT")
    assert int(locked["Retry-After"]) > 0


def test_portfolio_snapshot_is_scoped(world, charlie):
    row = PortfolioSnapshot.objects.get()
    assert charlie.get(f"/api/v1/portfolios/{row.portfolio_id}/snapshots/{row.pk}").status_code == 404
