"""Strata works where the table of values is partitioned by its assets, and looks a value up in the part of its asset.

deploy/partition-values.sql makes the parts, in the transaction of the test. The plan of each statement is read: a part
that is asked by the ids of values alone would mean that all are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from archives.tests.archives import archive_of, restored
from assets.models import AssetSnapshot
from assets.valuation.upkeep import rebuild
from imports.tests import import_requests
from strata.audit import deletions
from strata.doctor import Level, examine
from tests.admin_forms import form_data, staff, url
from tests.dumps import dump
from tests.factories import add_value, create_asset, day
from tests.test_known_at import read
from tests.undo_requests import API, done, undo

pytestmark = [pytest.mark.on_postgresql, pytest.mark.usefixtures("shared_rows")]
SCRIPT = settings.BASE_DIR / "deploy" / "partition-values.sql"
PARTS = 16
COMPARED = (
    r"(?:(?<=\()|\b{alias}\.){column} = (?:(\w+)\.)?"  # a column of the row that a node reads, and with what
)
CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")
PLANNED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")


@pytest.fixture
def parts(alice, portfolio):
    with connection.cursor() as cursor:
        cursor.execute(Path(SCRIPT).read_text())
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'assets_assetsnapshot'::regclass")
        assert cursor.fetchone() == (PARTS,)
        for way in ("seqscan", "hashjoin", "mergejoin"):  # which are right for the few rows of a test
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute("SET LOCAL jit = off")  # it looks at costs, which are those of ways that are off


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def by_id_alone(plan: dict[str, Any]) -> list[str]:
    """The conditions by which a plan reads rows of a part by their ids, in whatever part they are.

    That a value is joined with its asset does not say which one it is.
    """
    nodes = list(nodes_of(plan))
    joined = {node["Alias"] for node in nodes if node.get("Relation Name") == "assets_asset"}
    alone = []
    for node in nodes:
        if not node.get("Relation Name", "").startswith("assets_assetsnapshot"):
            continue
        condition, alias = " ".join(str(node.get(name, "")) for name in CONDITIONS), re.escape(node["Alias"])
        ids, assets = (
            re.findall(COMPARED.format(alias=alias, column=column), condition)
            for column in ("id", "asset_id")
        )
        if ids and set(assets) <= joined:
            alone.append(condition)
    return alone


@contextmanager
def looked_up():
    """The statements that read values by their ids alone."""
    statements: dict[str, list[str]] = {}

    def watch(execute, sql, params, many, context):
        if "assets_assetsnapshot" in sql and sql.lstrip().startswith(PLANNED):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
                ((plan,),) = cursor.fetchall()
            plan = json.loads(plan) if isinstance(plan, str) else plan
            if conditions := by_id_alone(plan[0]["Plan"]):
                statements[sql] = conditions
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield statements


def test_look_up_by_id_alone_is_seen_in_its_plan(parts, portfolio):
    asset = create_asset(portfolio, "Flat")
    add_value(asset, 1, day(0))
    row = AssetSnapshot.objects.get()
    with looked_up() as statements:
        assert AssetSnapshot.objects.filter(pk=row.pk, asset=asset).exists()
        assert AssetSnapshot.objects.filter(pk__among=[row.pk], asset__pk__among=[asset.pk]).exists()
        assert AssetSnapshot.objects.filter(asset=asset).order_by("-pk").first() == row
    assert statements == {}
    with looked_up() as statements:
        assert AssetSnapshot.objects.filter(pk=row.pk).exists()
        assert AssetSnapshot.objects.filter(pk__among=[row.pk]).exists()
        assert AssetSnapshot.objects.select_related("asset").get(pk=row.pk) == row
    assert len(statements) == 3


def rows_of(*assets, days=25, value="6"):
    return [
        {"asset_id": str(asset.pk), "on": str(day(number)), "value": value}
        for asset in assets
        for number in range(days)
    ]


def batch(client, rows, **more):
    return client.post(f"{API}/values:batch", {"if_exists": "replace", "rows": rows, **more})


def test_values_are_written_read_and_undone_in_their_parts(parts, alice, portfolio):
    first, second = (create_asset(portfolio, name) for name in ("First", "Second"))
    path = f"{API}/assets/{first.pk}/snapshots"
    before = dump(portfolio.household)
    with looked_up() as statements:
        requests = [
            alice.post(path, {"value": "1", "on": "2023-01-01"}),
            alice.put(f"{API}/assets/{first.pk}/values/2023-01-02", {"value": "2"}),
            alice.put(f"{API}/assets/{first.pk}/values/2023-01-02", {"value": "3"}),
        ]
        value = f"{path}/{requests[0].json()['id']}"
        requests += [
            alice.patch(value, {"value": "4"}),
            alice.put(value, {"value": "5", "on": "2023-01-03"}),
            batch(alice, rows_of(first, second)),
            batch(alice, rows_of(first, second, days=30, value="7")),
            alice.delete(f"{API}/assets/{first.pk}/values/2023-01-02"),
            alice.delete(value),
        ]
        assert {answer.status_code // 100 for answer in requests} == {2}, [each.content for each in requests]
        reads = [
            alice.get(f"{path}?page_size=5"),
            alice.get(f"{API}/values?page_size=5"),
            alice.get(f"{value}/history"),
            alice.get(f"{API}/assets/{first.pk}/history?include=children"),
            alice.get(f"{API}/net-worth"),
        ]
        assert {answer.status_code for answer in reads} == {200}
        assert AssetSnapshot.objects.count() == 60
        for answer in reversed(requests):
            done(undo(alice, answer))
    assert dump(portfolio.household) == before
    assert statements == {}


def test_history_of_a_value_and_of_its_asset_is_read_in_its_part(parts, alice, portfolio):
    asset = create_asset(portfolio, "Flat")
    created = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "1", "on": "2023-01-01"}).json()
    value = f"{API}/assets/{asset.pk}/snapshots/{created['id']}"
    assert done(alice.patch(value, {"value": "2"}))["value"] == "2.00"
    assert done(batch(alice, rows_of(asset)))["created"] == 25
    with looked_up() as statements:
        own = done(alice.get(f"{value}/history"))["results"]
        of_asset = done(alice.get(f"{API}/assets/{asset.pk}/history?include=children&page_size=100"))[
            "results"
        ]
    assert [event["action"] for event in own] == ["update", "create"]
    assert [field["after"] for field in own[0]["fields_changed"]] == ["2.00"]
    created_values = [
        event for event in of_asset if event["model"] == "AssetSnapshot" and event["action"] == "create"
    ]
    assert len(created_values) == 26 and all(event["fields_changed"] for event in created_values)
    assert statements == {}


def test_import_and_its_undo_stay_in_the_parts_of_its_assets(parts, alice, portfolio):
    rows = "".join(f"{name},{day(number)},{number},EUR\n" for name in ("A", "B") for number in range(30))
    first, second = (
        f"account,date,balance,currency\n{rows.replace(',0,E', value)}" for value in (",7,E", ",8,E")
    )
    with looked_up() as statements:
        imports = []
        for data in (first, second):
            imports.append(import_requests.preview(alice, portfolio, data.encode()))
            import_requests.commit(alice, imports[-1])
        assert AssetSnapshot.objects.count() == 60
        assert import_requests.undo(alice, imports[1])["restored"]["value"] == 2
        assert import_requests.undo(alice, imports[0])["removed"]["value"] == 60
    assert not AssetSnapshot.objects.exists()
    assert statements == {}


@pytest.mark.parametrize("is_in_steps", [False, True])
def test_deletion_of_an_asset_and_its_undo_stay_in_its_part(
    parts, alice, portfolio, monkeypatch, is_in_steps
):
    if is_in_steps:
        for name, value in (("MOST_AT_ONCE", 1), ("STEP", 4), ("PAUSE_SECONDS", 0)):
            monkeypatch.setattr(deletions, name, value)
    asset = create_asset(portfolio, "Flat")
    batch(alice, rows_of(asset))
    before = dump(portfolio.household)
    with looked_up() as statements:
        answer = alice.delete(f"{API}/assets/{asset.pk}")
        assert answer.status_code == 204
        if is_in_steps:
            assert deletions.finish_all() >= 25
        assert not AssetSnapshot.objects.exists()
        done(undo(alice, answer))
    assert dump(portfolio.household) == before
    assert statements == {}


def test_household_is_archived_and_restored_in_parts(parts, alice, alice_user, portfolio):
    asset = create_asset(portfolio, "Flat")
    batch(alice, rows_of(asset))
    with looked_up() as statements:
        again = restored(archive_of(portfolio.household), alice_user)
    assert AssetSnapshot.objects.filter(asset__portfolio__household=again.household_id).count() == 25
    assert statements == {}


def test_past_reports_and_checks_read_values_by_their_assets(parts, alice, portfolio):
    asset = create_asset(portfolio, "Flat")
    batch(alice, rows_of(asset))
    instant = timezone.now()
    reports = (f"{API}/net-worth", f"{API}/assets/{asset.pk}/snapshots", f"{API}/values", f"{API}/assets")
    before = [read(alice, path) for path in reports]
    batch(alice, rows_of(asset, days=20, value="9"))
    with looked_up() as statements:
        assert [read(alice, path, instant) for path in reports] == before
        assert [finding for finding in examine() if finding.level is Level.FAIL] == []
        rebuild(portfolio.pk)
    assert statements == {}


def test_page_of_a_value_in_the_admin_opens_it_by_its_id_and_then_knows_its_asset(
    parts, alice, alice_user, portfolio
):
    asset = create_asset(portfolio, "Flat")
    add_value(asset, 5, day(0))
    page = url(AssetSnapshot, "change", AssetSnapshot.objects.get().pk)
    browser = staff(alice_user)
    with looked_up() as statements:
        shown = browser.get(page)
        opened = list(statements)
        assert browser.post(page, {**form_data(shown), "value": "6"}).status_code == 302
    assert AssetSnapshot.objects.get().value == 6
    assert len(opened) == 1 and [sql for sql in statements if not sql.startswith("SELECT")] == []
