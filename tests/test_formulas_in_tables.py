"""No cell of any list or report is a formula, in CSV or XLSX, whatever people write; and each reads back as written."""

from __future__ import annotations

import csv
import io
import re

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetType, Category, Instrument, Tag, Transaction
from assets.services.labels import label_asset
from imports.reading.apostrophes import without_apostrophes
from portfolios.models import Household, Portfolio
from reports.api.views import Report
from reports.models import PortfolioSnapshot
from strata.api.http.table_responses import TABLES
from strata.fields.dates import noon
from tests.all_routes import Route, path_for
from tests.factories import create_asset, create_valued_asset
from tests.spreadsheets import sheets_of
from tests.test_query_counts import LISTED, view_of

# What a cell says does not depend on the database.
pytestmark = [pytest.mark.on_sqlite, pytest.mark.usefixtures("shared_world")]

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "x;=2,+3", "'=4", "＝5")
FIRST = frozenset("=+-@\t\r＝＋－＠")
NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?")
WRITTEN = {
    Household: ("name",),
    Portfolio: ("name",),
    AssetType: ("label",),
    Category: ("name",),
    Tag: ("name",),
    Instrument: ("name",),
    Asset: ("name", "institution", "notes"),
    AssetSnapshot: ("note",),
    PortfolioSnapshot: ("note",),
    Transaction: ("note", "source", "external_id"),
}
NAMED_BY_PEOPLE = {"asset", "category", "institution", "portfolio", "tag", "type"}
WITH_TABLES = {
    route.name: route
    for route in LISTED.values()
    if not issubclass(view_of(route).cls, Report) or TABLES[-1] in view_of(route).cls.renderer_classes
}


@pytest.fixture
def texts(world, portfolio, alice_user) -> set[str]:
    """What is written into every text of the world's rows, each beginning like another formula."""
    add_what_reports_show(world, portfolio)
    written = set()
    for model, fields in WRITTEN.items():
        for number, row in enumerate(own_rows(model, alice_user)):
            for place, field in enumerate(fields):
                text = f"{FORMULAS[(number + place) % len(FORMULAS)]} {model.__name__} {field} {number}"
                text += "\n=6;@7" if field.startswith("note") else ""
                setattr(row, field, text)
                written.add(text)
            row.save()
    return written


def own_rows(model, user):
    rows = model.objects.for_user(user)
    return rows.filter(household__isnull=False) if model.shared_when_unowned else rows


def add_what_reports_show(world, portfolio) -> None:
    """A sale, an income, labels, and amounts without a rate and without a price."""
    on = world["asset-snapshot"].on
    sold = create_valued_asset(portfolio, "Sold", TypeId.STOCKS, "100", on="2026-01-05")
    for number, (kind, quantity) in enumerate((("ACQUIRE", 2), ("DISPOSE", 1), ("INCOME", None))):
        Transaction.objects.create(
            asset=sold, type=kind, amount="10", quantity=quantity, currency="EUR", on=on, position=number + 1,
            occurred_at=noon(on, "UTC"),
        )  # fmt: skip
    label_asset(sold.pk, tag_ids=[world["tag"].pk], category_ids=[world["category"].pk])
    create_valued_asset(portfolio, "Yen", TypeId.CHECKING_ACCOUNT, "5", currency="JPY", on="2026-01-05")
    create_asset(portfolio, "Gold", TypeId.STOCKS, valuation="market", instrument=world["instrument"])
    gold = Asset.objects.get(name="Gold")
    Transaction.objects.create(
        asset=gold,
        type="ACQUIRE",
        amount="10",
        quantity=3,
        currency="EUR",
        on=on,
        occurred_at=noon(on, "UTC"),
    )


def tables_of(client, path, **asked):
    """The rows of the CSV, and those of the XLSX, which has no formula and no link."""
    answer = client.get(path, asked | {"format": "csv"})
    assert answer.status_code == 200, answer.content
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode(), newline="")))
    (sheet,) = sheets_of(client.get(path, asked | {"format": "xlsx"}).getvalue())
    return rows, sheet


def ways_to_ask(route: Route) -> list[dict[str, str]]:
    """A report by each group that has a name of its own; of one portfolio it has the same cells as of all."""
    grouped = view_of(route).cls.parameters.get("group_by")
    if grouped is None or not issubclass(view_of(route).cls, Report):
        return [{}]
    ways = [way for way in grouped.schema["enum"] if way in NAMED_BY_PEOPLE]
    return [{"group_by": way} for way in (ways[:1] if route.name.startswith("portfolio-") else ways)]


def test_no_cell_of_any_table_is_a_formula_and_each_reads_back(alice, world, texts):
    read = set()
    for name, route in WITH_TABLES.items():
        for asked in ways_to_ask(route):
            rows, sheet = tables_of(alice, path_for(route, world), **asked)
            for row, cells in zip(rows, sheet, strict=True):
                for cell, in_sheet in zip(row, cells, strict=False):
                    assert cell[:1] not in FIRST or NUMBER.fullmatch(cell), (name, asked, cell)
                    if isinstance(in_sheet, str):
                        assert without_apostrophes(cell) == in_sheet, (name, asked)
                        read.add(in_sheet)
    unread = {text for text in texts if not any(text in cell for cell in read)}
    assert not unread, unread
    assert len(WITH_TABLES) > 30
