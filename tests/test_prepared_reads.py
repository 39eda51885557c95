"""Whatever a request reads by a prepared query is what its queryset reads: the same SQL, parameters and rows."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from inspect import getclosurevars
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from assets.services.labels import label_asset
from portfolios.models import Membership
from strata.accounts.authentication import TOKEN
from strata.accounts.services import issue_token
from strata.api import reads
from strata.db.prepared import Prepared
from tests.all_routes import path_for, routes

# A statement as a PDF reads what it reads before anything is drawn.
pytestmark = pytest.mark.usefixtures("shared_world", "charts_as_text")
API = "/api/v1"
READ = [route for route in routes() if "get" in route.methods and "chart" not in route.name]
ROWS_AND_LISTS = {"AssetViewSet", "AssetTypeViewSet", "CategoryViewSet", "HouseholdsViewSet", "TagViewSet"}
ROWS_AND_LISTS |= {
    "AllocationTargetViewSet",
    "PortfolioViewSet",
    "AssetSnapshotViewSet",
    "TransactionViewSet",
}
ROWS_AND_LISTS |= {"PortfolioSnapshotViewSet"}


def contents(row):
    """The row with everything that was read with it; what Django notes about it is left out."""
    if not hasattr(row, "_meta"):
        return row
    related = {name: contents(other) for name, other in row._state.fields_cache.items()}
    columns = {name: value for name, value in vars(row).items() if not name.startswith("_")}
    return type(row), columns, related


class Comparison:
    """Compares each prepared query that is run with its queryset, and counts them by what they read."""

    def __init__(self, monkeypatch) -> None:
        self.compared: Counter[str] = Counter()
        answer = Prepared.__call__

        def compare(prepared, *values):
            rows = answer(prepared, *values)
            queryset = prepared.build(*values)
            sql, params = queryset.query.get_compiler(connection=connection).as_sql()
            statement = prepared.on(connection)
            assert (statement.text.sql, [*statement.params()]) == (sql, [*params])
            assert [*map(contents, rows)] == [*map(contents, queryset)]
            self.compared[self.name(prepared)] += 1
            return rows

        monkeypatch.setattr(Prepared, "__call__", compare)

    def name(self, prepared) -> str:
        variables = getclosurevars(prepared.build).nonlocals if hasattr(prepared.build, "__code__") else {}
        if "view" not in variables:
            return getattr(prepared.build, "__qualname__", str(prepared.build))
        return f"{variables['view'].__name__} {'list' if 'limit' in variables else 'row'}"


@pytest.fixture
def comparison(monkeypatch):
    return Comparison(monkeypatch)


@pytest.fixture
def later(time_machine):
    """Moves the clock by some days: what was kept of a day would be wrong."""

    def move(days: int) -> None:
        time_machine.move_to(timezone.now() + timedelta(days=days))

    return move


def test_every_prepared_query_reads_what_its_queryset_reads(alice, world, comparison, later):
    label_asset(world["asset"].pk, category_ids=[world["category"].pk], tag_ids=[world["tag"].pk])
    known_at = timezone.now()
    later(1)
    for query in ("", f"?known_at={quote(known_at.isoformat())}", ""):
        for route in READ:
            alice.get(path_for(route, world) + query)
        for name in ("asset", "tag", "portfolio"):
            alice.patch(f"{API}/{name}s/{world[name].pk}", {"name": f"{name} {query}"})
        later(2)
    expected = {f"{view} {what}" for view in ROWS_AND_LISTS for what in ("row", "list")}
    assert expected <= comparison.compared.keys()
    assert all(comparison.compared[name] >= 3 for name in expected)


def test_lists_of_every_size_are_read_by_the_same_rows(alice, world, comparison):
    sizes = {size: alice.get(f"{API}/assets?page_size={size}").json() for size in (*reads.SIZES, 1, 60)}
    assert sizes[reads.USUAL_PAGE_SIZE]["results"] == sizes[60]["results"]
    assert [page["count"] for page in sizes.values()] == [4] * 4
    assert comparison.compared["AssetViewSet list"] == len(reads.SIZES)  # others are too many to be kept


def test_a_token_is_read_by_a_prepared_query(client, alice_user, world, comparison):
    _, secret = issue_token(alice_user, name="one")
    headers = {"authorization": f"Bearer {secret}"}
    assert client.get(f"{API}/tags", headers=headers).status_code == 200
    assert client.get(f"{API}/tags", headers={"authorization": f"Bearer {secret}x"}).status_code == 401
    assert comparison.compared[comparison.name(TOKEN)] == 2


def test_what_is_kept_for_one_member_is_not_shown_to_the_next(alice, vera, charlie, world):
    paths = [path_for(route, world) for route in READ if not route.name.startswith("openapi")]
    alice_sees = [alice.get(path).status_code for path in paths]
    assert alice_sees.count(200) > 30
    for path, status in zip(paths, alice_sees, strict=True):
        assert b"ecret" not in b"".join(charlie.get(path))
        assert vera.get(path).status_code in (status, 403)


def test_a_member_who_is_removed_sees_nothing_at_the_next_request(bob, bob_user, world):
    asset = f"{API}/assets/{world['asset'].pk}"
    assert bob.patch(asset, {"notes": "mine"}).status_code == 200
    Membership.objects.filter(user=bob_user).delete()
    assert bob.get(asset).status_code == 404
    assert bob.patch(asset, {"notes": "still mine"}).status_code == 404
    assert bob.get(f"{API}/assets").json()["results"] == []


def test_a_user_who_is_not_active_sees_nothing(bob, bob_user, world):
    bob_user.is_active = False
    assert bob.get(f"{API}/assets/{world['asset'].pk}").status_code == 404
    assert bob.get(f"{API}/tags").json()["results"] == []
