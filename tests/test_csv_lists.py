"""Every list is a CSV and an XLSX as well: all rows of its JSON, in the same order, safe for spreadsheets."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Category, Tag
from assets.services.labels import label_asset
from reports.api.views import Report
from strata.api import pagination
from strata.api.http.csv_renderer import as_text
from strata.api.http.table_responses import TABLES
from strata.api.http.xlsx_renderer import XlsxRenderer
from strata.fields.dates import noon
from strata.tests.test_csv_renderer import as_written
from tests.all_routes import path_for
from tests.refusals import assert_refused
from tests.spreadsheets import sheets_of
from tests.test_query_counts import LISTED, GrowingWorld, view_of

API = "/api/v1"
LISTS = {name: route for name, route in LISTED.items() if not issubclass(view_of(route).cls, Report)}
PIECE = 3
QUERIES_OF_A_PIECE = 12  # at most: those of a page, without its own query


def table(answer) -> list[list[str]]:
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8"), answer.content
    return list(csv.reader(io.StringIO(answer.getvalue().decode())))


def rows_of(answer) -> list[dict[str, str]]:
    header, *rows = table(answer)
    return [dict(zip(header, row, strict=True)) for row in rows]


def flat(row: dict) -> dict[str, str]:
    """What the CSV has to say of a row of the JSON."""
    cells = {}
    for name, value in row.items():
        if isinstance(value, dict):
            cells |= {f"{name}_{column}": cell for column, cell in flat(value).items()}
        elif isinstance(value, list):
            cells[name] = "; ".join(map(in_cell, value))
        elif isinstance(value, bool):
            cells[name] = str(value).lower()
        else:
            cells[name] = "" if value is None else str(value)
    return cells


def in_cell(row: dict) -> str:
    if "field" in row:
        before, after = (row.get(f"{side}_name", row[side]) for side in ("before", "after"))
        return f"{row['field']}: {before} → {after}"
    return row["name"] if "name" in row else f"{row['currency']} {row['amount']}"


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(pagination, "PIECE", PIECE)


@pytest.fixture
def large_world(world, alice_user):
    """A world in which every list has several pieces."""
    GrowingWorld(world, alice_user).grow(7)
    return world


# --- every list ---


def test_every_list_is_a_csv_of_all_its_rows(alice, large_world, small_pieces):
    for name, route in LISTS.items():
        path = path_for(route, large_world)
        shown = alice.get(path, {"page_size": 200}).json()["results"]
        assert len(shown) > PIECE, name
        with CaptureQueriesContext(connection) as queries:
            header, *rows = table(alice.get(path, {"format": "csv"}))
        assert header == [*flat(shown[0])], name
        assert rows == [[*flat(row).values()] for row in shown], name
        assert len(queries) < QUERIES_OF_A_PIECE * (len(rows) / PIECE + 3), name


def test_every_list_and_report_is_an_xlsx_with_the_rows_and_queries_of_its_csv(
    alice, large_world, small_pieces
):
    tables = [route for name, route in LISTED.items() if name in LISTS or TABLES[-1] in renderers_of(route)]
    assert len(tables) >= len(LISTS) + 10
    for route in tables:
        path = path_for(route, large_world)
        alice.get(path)  # reads what is kept between requests
        with CaptureQueriesContext(connection) as of_csv:
            rows = table(alice.get(path, {"format": "csv"}))
        with CaptureQueriesContext(connection) as of_xlsx:
            answer = alice.get(path, {"format": "xlsx"})
            (sheet,) = sheets_of(answer.getvalue())
        assert len(of_xlsx) == len(of_csv), path
        assert answer["Content-Type"] == XlsxRenderer.media_type
        assert '.xlsx"' in answer["Content-Disposition"]
        shown = [[cell if isinstance(cell, str) else None for cell in row] for row in sheet]
        texts = [
            [
                as_written(cell) if has_text else None
                for cell, has_text in zip(row, map(is_text, read), strict=False)
            ]
            for row, read in zip(rows, sheet, strict=True)
        ]
        assert shown == texts, path
        header = sheet[0]
        picked = {"format": "xlsx", "columns": f"{header[1]},{header[0]}"}
        assert sheets_of(alice.get(path, picked).getvalue())[0][0] == [header[1], header[0]], path
        is_json = JSONRenderer in renderers_of(route)  # where no format is named
        for wrong in (
            {"format": "csv", "columns": "nonsense"},
            *([{"columns": header[0]}] if is_json else []),
        ):
            assert_refused(alice.get(path, wrong), "columns")


def is_text(cell) -> bool:
    return isinstance(cell, str)


def renderers_of(route):
    return view_of(route).cls.renderer_classes


def test_every_list_is_a_file_without_pages(alice, large_world):
    for name, route in LISTS.items():
        path = path_for(route, large_world)
        answer = alice.get(path, headers={"accept": "text/csv"})
        assert table(answer)[0] == table(alice.get(path, {"format": "csv"}))[0], name
        segments = [word for word in path.removeprefix(API).split("/") if word and "-4" not in word[:20]]
        assert answer["Content-Disposition"].startswith(f'attachment; filename="{segments[0]}'), name
        for wrong in ("page", "page_size", "cursor", "format"):
            refused = alice.get(path, {wrong: "1"}, headers={"accept": "text/csv"})
            fields = [error["field"] for error in refused.json()["errors"]]
            assert (refused.status_code, fields) == (400, [wrong]), name
        assert alice.get(path, {"bom": "1"}).status_code == 400
        assert alice.get(path, {"bom": "1", "format": "csv"}).getvalue().startswith(b"\xef\xbb\xbf")
        assert alice.head(path, {"format": "csv"}).status_code == 200


def test_list_without_rows_has_its_header(charlie, alice, world):
    for name in ("asset-list", "portfolio-list", "tag-list"):
        path = path_for(LISTS[name], world)
        assert table(charlie.get(path, {"format": "csv"})) == [table(alice.get(path, {"format": "csv"}))[0]]


def test_only_lists_are_csv(alice, world):
    path = f"{API}/assets/{world['asset'].pk}"
    assert alice.get(path, headers={"accept": "text/csv"}).status_code == 406
    assert alice.get(path, {"format": "csv"}).status_code == 400
    assert alice.options(f"{API}/assets", headers={"accept": "text/csv"}).status_code < 500


# --- what the rows are ---


@pytest.fixture
def assets(portfolio):
    """A dozen assets by name."""
    return {
        name: Asset.objects.create(
            portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=name, currency="EUR"
        )
        for name in "ABCDEFGHIJKL"
    }


def test_filters_and_ordering_work(alice, assets, small_pieces):
    Asset.objects.filter(pk=assets["C"].pk).update(currency="USD")
    query = {"format": "csv", "currency": "EUR", "ordering": "-name"}
    assert [row["name"] for row in rows_of(alice.get(f"{API}/assets", query))] == list("LKJIHGFEDBA")


def test_labels_are_those_of_their_own_row(alice, household, assets, small_pieces):
    for name, asset in assets.items():
        tags = [Tag.objects.create(household=household, name=f"{name}{number}").pk for number in (1, 2)]
        category = Category.objects.create(household=household, name=f"in {name}")
        label_asset(asset.pk, category_ids=[category.pk], tag_ids=tags)
    for row in rows_of(alice.get(f"{API}/assets", {"format": "csv"})):
        name = row["name"]
        assert (row["tags"], row["categories"]) == (f"{name}1; {name}2", f"in {name}")
        assert (row["portfolio_name"], row["asset_type_code"]) == ("Main", "CHECKING_ACCOUNT")


def test_no_text_is_a_formula_and_a_debt_stays_a_number(alice, household, portfolio, assets):
    tags = [Tag.objects.create(household=household, name=name) for name in ("+1", "a;=2")]
    label_asset(assets["A"].pk, tag_ids=[tag.pk for tag in tags])
    Asset.objects.filter(pk=assets["A"].pk).update(name="=HYPERLINK(1)", notes="x\n@y")
    AssetSnapshot.objects.create(
        asset=assets["A"], value="-5", on="2026-01-31", observed_at=noon(timezone.now().date(), "UTC")
    )
    portfolio.name = "-main"
    portfolio.save()
    row = next(
        row for row in rows_of(alice.get(f"{API}/assets", {"format": "csv"})) if "HYPER" in row["name"]
    )
    assert (row["name"], row["notes"], row["portfolio_name"]) == ("'=HYPERLINK(1)", "x\n'@y", "'-main")
    assert row["tags"] == f"'+1; {as_text('a;=2')}" == "'+1; a;'=2"
    assert row["current_value"] == "-5.00"
    (total,) = rows_of(alice.get(f"{API}/portfolios", {"format": "csv"}))
    assert total["total_value"] == "-5.00"


def test_csv_of_the_past_is_that_of_the_past(alice, assets, small_pieces):
    at = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    for asset in assets.values():
        alice.patch(f"{API}/assets/{asset.pk}", {"name": f"{asset.name} changed"})
    assets["A"].refresh_from_db()
    query = {"format": "csv", "known_at": at, "ordering": "name"}
    assert [row["name"] for row in rows_of(alice.get(f"{API}/assets", query))] == list(assets)
    assert [row["name"][1:] for row in rows_of(alice.get(f"{API}/assets", {"format": "csv"}))] == [
        " changed"
    ] * 12


def test_size_of_a_page_does_not_limit_a_csv(alice, portfolio):
    row = {
        "portfolio": portfolio,
        "asset_type_id": TypeId.STOCKS,
        "currency": "EUR",
        "notes": "\u2028" * 8000,
    }
    Asset.objects.bulk_create([Asset(name=f"{number}", **row) for number in range(200)])
    assert alice.get(f"{API}/assets", {"page_size": 200}).status_code == 400
    assert len(rows_of(alice.get(f"{API}/assets", {"format": "csv"}))) == 200


def test_rows_of_a_long_list_are_read_while_they_are_sent(alice, assets, small_pieces):
    start = timezone.now().date()
    for number in range(20):
        day = start - timedelta(days=number)
        AssetSnapshot.objects.create(asset=assets["A"], value=number, on=day, observed_at=noon(day, "UTC"))
    with CaptureQueriesContext(connection) as queries:
        answer = alice.get(f"{API}/assets/{assets['A'].pk}/snapshots", {"format": "csv"})
        before = len(queries)
        assert [row["value"] for row in rows_of(answer)] == [f"{number}.00" for number in range(20)]
    assert answer.streaming
    assert before < len(queries)
