"""Every list is ordered by the keys of names, code point by code point: the same on each database and in Python."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.urls import get_resolver
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetType, Category, Tag
from assets.services.labels import label_asset
from portfolios.models import Portfolio
from reports.dashboard.reasons import reasons
from reports.queries import change_report, quality_report
from reports.queries.groups import by_name
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from strata.audit.past import statements
from strata.audit.past.tables import temporal_models
from strata.audit.point_in_time import as_known_at
from strata.db.collation import CodePointCollated
from strata.fields.dates import noon
from strata.fields.names import alphabetical, validate_name
from tests.admin_forms import url
from tests.factories import create_asset
from tests.strata_apps import APPS

API = "/api/v1"
DAY = date(2026, 1, 31)
SHUFFLED = ("zoo", "Äpfel", "9", "apple", "Émile", "_x", "ähnlich", "Zebra", "10", "E\u0301cole")
IN_ORDER = ["10", "9", "_x", "apple", "Zebra", "zoo", "ähnlich", "Äpfel", "E\u0301cole", "Émile"]
LISTS = {
    "assets": "name",
    "tags": "name",
    "categories": "name",
    "portfolios": "name",
    "asset-types": "label",
}


@pytest.fixture
def named(household):
    """A row of each list by each of the names."""
    for number, name in enumerate(SHUFFLED):
        portfolio = Portfolio.objects.create(household=household, name=name)
        create_asset(portfolio, name)
        Tag.objects.create(household=household, name=name)
        Category.objects.create(household=household, name=name)
        AssetType.objects.create(household=household, code=f"OWN_{number}", label=name)


def all_rows(client, path, **query) -> list[dict]:
    """The rows of all pages of the list."""
    rows, link = [], f"{API}/{path}"
    while link:
        answer = client.get(link, query or None)
        assert answer.status_code == 200, answer.content
        rows, link, query = rows + answer.json()["results"], answer.json()["next"], {}
    return rows


def names(rows, column="name") -> list[str]:
    """The names that the test created; shared types are in the list too."""
    return [row[column] for row in rows if row[column] in SHUFFLED]


@pytest.mark.parametrize("path", LISTS)
def test_lists_can_be_ordered_by_name(alice, named, path):
    column = LISTS[path]
    assert names(all_rows(alice, path, ordering=column), column) == IN_ORDER
    assert names(all_rows(alice, path, ordering=f"-{column}"), column) == IN_ORDER[::-1]


@pytest.mark.parametrize("path", ["assets", "tags", "categories", "portfolios"])
def test_lists_are_ordered_by_name_by_default(alice, named, path):
    assert names(all_rows(alice, path)) == IN_ORDER


def test_labels_of_an_asset_are_ordered_by_name(alice, named):
    asset = Asset.objects.get(name="zoo")
    label_asset(asset.pk, tag_ids=list(Tag.objects.order_by("id").values_list("pk", flat=True)))
    assert names(alice.get(f"{API}/assets/{asset.pk}").json()["tags"]) == IN_ORDER


@pytest.mark.parametrize("page_size", [1, 2, 3, 7])
def test_pages_have_each_asset_of_one_name_once(alice, portfolio, page_size):
    assets = [
        create_asset(portfolio, name) for name in ("savings", "SAVINGS", "Savings", "flat") for _ in range(3)
    ]
    expected = [
        str(row.pk) for row in sorted(assets, key=lambda asset: (asset.name != "flat", str(asset.pk)))
    ]
    assert [row["id"] for row in all_rows(alice, "assets", page_size=page_size)] == expected


@pytest.mark.parametrize("page_size", [3, 50])
def test_known_at_orders_by_the_names_of_that_time(alice, named, page_size):
    instant = timezone.now().isoformat()
    for number, asset in enumerate(Asset.objects.all()):
        Asset.objects.filter(pk=asset.pk).update(name=f"{20 - number}")
    Asset.objects.filter(name="17").delete()
    AssetType.objects.filter(code="OWN_3").update(label="0")
    query = {"known_at": instant, "page_size": page_size}
    assert names(all_rows(alice, "assets", **query)) == IN_ORDER
    assert names(all_rows(alice, "asset-types", ordering="label", **query), "label") == IN_ORDER


@pytest.mark.parametrize(("model", "name"), [(Asset, "name"), (AssetType, "label"), (Tag, "name")])
def test_journal_entries_have_no_name_keys(named, model, name):
    model.objects.filter(**{name: "zoo"}).update(**{name: "Zoo"})
    image = JournalEntry.objects.filter(model=model._meta.label, action="update").get().before
    assert image[name] == "zoo"
    assert not [column for column in image if column.endswith("_key")]


def test_groups_of_reports_are_ordered_by_name(named):
    keys = {asset.pk: asset.name for asset in Asset.objects.order_by("id")}
    assert list(by_name(keys).values()) == IN_ORDER


@pytest.mark.parametrize("keys", [(2, None, 1), (1, 2, None)])
def test_groups_of_one_name_are_ordered_by_key_with_none_last(keys):
    names = {1: "savings", 2: "Savings", None: "No tag"}
    assert list(by_name({key: names[key] for key in keys})) == [1, 2, None]


def test_assets_left_out_of_a_change_report_are_ordered_by_name(named):
    Asset.objects.update(currency="USD")
    for asset in Asset.objects.order_by("id"):
        AssetSnapshot.objects.create(asset=asset, value=1, on=DAY, observed_at=noon(DAY, "UTC"))
    report = change_report(Portfolio.objects.all(), start=DAY - timedelta(days=1), end=DAY, currency="EUR")
    assert reasons(report)["left_out"] == IN_ORDER


def test_quality_issues_are_ordered_by_name(named):
    Asset.objects.update(portfolio=Portfolio.objects.get(name="zoo"))
    assert [issue.name for issue in quality_report(Portfolio.objects.get(name="zoo"))] == IN_ORDER


def is_name(text: str) -> bool:
    try:
        return validate_name(text) == text
    except ValidationError:
        return False


def test_python_sorts_names_as_the_database_does(portfolio):
    """With every 97th character of Unicode up to 0x20000."""
    assets = [
        Asset(portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=chr(point), currency="EUR")
        for point in range(0x21, 0x20000, 97)
        if is_name(chr(point))
    ]
    Asset.objects.bulk_create(assets)
    sorted_in_python = sorted(assets, key=lambda asset: alphabetical(asset.name, asset.pk))
    assert len(assets) > 800
    assert [row.pk for row in Asset.objects.all()] == [asset.pk for asset in sorted_in_python]


# --- the admin ---


@pytest.mark.parametrize("model", [Asset, Tag, Portfolio, AssetType])
def test_admin_can_be_ordered_by_the_column_of_the_name(alices, named, model):
    columns = alices.get(url(model)).context["cl"].list_display
    column = columns.index("shown_name" if model is AssetType else "name")
    for sign, expected in (("", IN_ORDER), ("-", IN_ORDER[::-1])):
        rows = alices.get(url(model), {"o": f"{sign}{column}"}).context["cl"].result_list
        assert [str(row) for row in rows if str(row) in SHUFFLED] == expected


@pytest.mark.parametrize("model", [Asset, Tag, Category, Portfolio])
def test_admin_is_ordered_by_name_by_default(alices, named, model):
    rows = alices.get(url(model)).context["cl"].result_list
    assert [row.name for row in rows if row.name in SHUFFLED] == IN_ORDER


def test_users_in_the_admin_are_ordered_by_name(rita):
    for name in SHUFFLED:
        User.objects.create(username=name)
    rows = rita.get(url(User)).context["cl"].result_list
    assert [row.username for row in rows if row.username in SHUFFLED] == IN_ORDER


# --- independent of the database's collation ---


def collated_columns() -> set[tuple[str, str]]:
    """The tables and columns that are ordered by code point."""
    return {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, CodePointCollated)
    }


def orders() -> Iterator[tuple[type[models.Model], str]]:
    """Yields every model with each field that a list of it can be ordered by."""
    for model, page in admin.site._registry.items():
        yield from ((model, name) for name in page.ordering or ())
    for model in apps.get_models():
        yield from ((model, name) for name in model._meta.ordering if model._meta.app_label in APPS)
    (api,) = (
        url_pattern
        for url_pattern in get_resolver("strata.urls").url_patterns
        if str(url_pattern.pattern) == "api/v1/"
    )
    for view in {
        url_pattern.callback.cls for url_pattern in api.url_patterns if hasattr(url_pattern.callback, "cls")
    }:
        rows = getattr(view, "queryset", None)
        if rows is not None:
            names_of_fields = (*rows.query.order_by, *view.orderings.values())
            yield from ((rows.model, name) for name in names_of_fields)


def test_no_list_is_ordered_by_text_with_the_databases_collation():
    orderings = {(model, name.lstrip("-")) for model, names in orders() for name in names.split()}
    assert {(Asset, "name_key"), (AssetType, "code"), (User, "username_key")} <= orderings
    for model, name in orderings - {
        (Asset, "current_value"),
        (Asset, "own_place"),
    }:  # annotations of the query
        field = model._meta.get_field(name)
        is_text = isinstance(field, models.CharField | models.TextField)
        assert not is_text or isinstance(field, CodePointCollated), (model, name)


@pytest.mark.on_postgresql
def test_postgresql_columns_of_keys_and_codes_have_collation_c(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND collation_name = 'C'"
        )
        assert set(cursor.fetchall()) == collated_columns()


@pytest.mark.on_postgresql
@pytest.mark.parametrize("most_images", [0, 5_000])
def test_postgresql_tables_of_the_past_have_collation_c(alice_user, named, monkeypatch, most_images):
    monkeypatch.setattr(statements, "MOST_IMAGES", most_images)
    instant = timezone.now()
    for model in (Asset, AssetType, Category, Tag, Portfolio):
        model.objects.update(updated_at=timezone.now())
    tables = {model._meta.db_table for model in temporal_models()}
    with as_known_at(instant, alice_user), connection.cursor() as cursor:
        for table, column in collated_columns():
            if table in tables:
                cursor.execute(
                    f"SELECT pg_collation_for({column})::text FROM (SELECT 1) always LEFT JOIN {table} ON TRUE"
                )
                assert cursor.fetchone() == ('"C"',), (table, column)
