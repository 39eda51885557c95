"""A value is looked up by its id together with its asset, so that its table can be partitioned by the asset."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import date

import pytest
from django.db import connection

from assets.models import AssetSnapshot
from tests.factories import add_value, create_asset

pytestmark = pytest.mark.usefixtures("shared_rows")
# A condition on the id of the table, by itself or by its alias, and one on the asset.
BY_ID = re.compile(r'(?:"assets_assetsnapshot"|\bs)\."?id"? (?:=|IN)|WHERE "?id"? (?:=|IN)')
OF_ASSET = re.compile(r'"asset_id" (?:=|IN)')


def looks_up_by_id_alone(sql: str) -> bool:
    _, _, conditions = sql.partition(" WHERE ")
    if '"assets_assetsnapshot"' not in sql or not BY_ID.search(f" WHERE {conditions}"):
        return False
    return not OF_ASSET.search(conditions)


@contextmanager
def statements_of_values():
    """Those that name the table of values."""
    statements = []

    def watch(execute, sql, *args):
        if "assets_assetsnapshot" in sql:
            statements.append(sql)
        return execute(sql, *args)

    with connection.execute_wrapper(watch):
        yield statements


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT 1 FROM "assets_assetsnapshot" WHERE "assets_assetsnapshot"."id" = %s', True),
        ('UPDATE "assets_assetsnapshot" SET "value" = 1 WHERE "assets_assetsnapshot"."id" IN (%s)', True),
        (
            'DELETE FROM "assets_assetsnapshot" WHERE ("assets_assetsnapshot"."asset_id" = %s'
            ' AND "assets_assetsnapshot"."id" = %s)',
            False,
        ),
        ('SELECT "assets_assetsnapshot"."id" FROM "assets_assetsnapshot" WHERE "on" = %s', False),
        ('SELECT 1 FROM "assets_tag" WHERE "assets_tag"."id" = %s', False),
    ],
)
def test_look_up_by_id_alone_is_seen(sql, expected):
    assert looks_up_by_id_alone(sql) is expected


@pytest.fixture
def asset(alice, portfolio):
    asset_type = alice.get("/api/v1/asset-types?page_size=1").json()["results"][0]["id"]
    body = {"portfolio_id": str(portfolio.pk), "asset_type_id": asset_type, "name": "Flat"}
    return alice.post("/api/v1/assets", body).json()["id"]


def test_api_names_the_asset_of_each_value(alice, asset):
    path = f"/api/v1/assets/{asset}/snapshots"
    with statements_of_values() as statements:
        answers = [
            alice.post(path, {"value": "1", "on": "2026-01-01"}),
            alice.put(f"/api/v1/assets/{asset}/values/2026-01-02", {"value": "2"}),
            alice.put(f"/api/v1/assets/{asset}/values/2026-01-02", {"value": "3"}),
        ]
        value = f"{path}/{answers[0].json()['id']}"
        answers += [
            alice.get(value),
            alice.patch(value, {"value": "4"}),
            alice.put(value, {"value": "5", "on": "2026-01-03"}),
        ]
        days = [f"2026-01-{day:02}" for day in range(1, 26)]
        rows = [{"asset_id": asset, "on": on, "value": "6"} for on in days]
        answers += [
            alice.post("/api/v1/values:batch", {"if_exists": "replace", "rows": rows}),
            alice.get(f"{path}?page_size=5"),
            alice.get("/api/v1/values?page_size=5"),
            alice.delete(f"/api/v1/assets/{asset}/values/2026-01-02"),
            alice.delete(value),
            alice.get(f"{value}/history"),
        ]
    assert {answer.status_code // 100 for answer in answers} == {2}, [answer.content for answer in answers]
    assert len(statements) > 20 and AssetSnapshot.objects.count() == 23
    assert [sql for sql in statements if looks_up_by_id_alone(sql)] == []


def test_deletion_of_an_asset_names_it_with_its_values(alice, asset):
    for on in ("2026-01-01", "2026-01-02"):
        alice.post(f"/api/v1/assets/{asset}/snapshots", {"value": "1", "on": on})
    with statements_of_values() as statements:
        assert alice.delete(f"/api/v1/assets/{asset}").status_code == 204
    assert statements and not AssetSnapshot.objects.exists()
    assert [sql for sql in statements if looks_up_by_id_alone(sql)] == []


def test_value_moves_to_another_asset(portfolio):
    """It is looked up where it is stored, whatever it says by then; also twice, and after it was read again."""
    asset, *others = (create_asset(portfolio, name) for name in ("First", "Second", "Third"))
    add_value(asset, 1, date(2024, 1, 1))
    row = AssetSnapshot.objects.get()
    for other in others:
        row.asset = other
        row.save()
        assert AssetSnapshot.objects.get().asset == other
    AssetSnapshot.objects.update(asset=asset)
    row.refresh_from_db()
    row.asset = others[0]
    row.save()
    row.asset = asset
    row.delete()
    assert not AssetSnapshot.objects.exists()
