"""One order of names in every list: by their keys, code point by code point, on each database and as Python sorts."""

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
from assets.services.classification import label
from portfolios.models import Portfolio
from reports.dashboard.page import reasons
from reports.queries import change_report, quality_report
from reports.queries.groups import by_name
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from strata.audit.point_in_time import as_known_at, temporal_models
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
    """One of everything by each of the names."""
    for number, name in enumerate(SHUFFLED):
        portfolio = Portfolio.objects.create(household=household, name=name)
        create_asset(portfolio, name)
        Tag.objects.create(household=household, name=name)
        Category.objects.create(household=household, name=name)
        AssetType.objects.create(household=household, code=f"OWN_{number}", label=name)


def shown(client, path, **asked) -> list[dict]:
    """The rows of the list, from page to page."""
    rows, link = [], f"{API}/{path}"
    while link:
        answer = client.get(link, asked or None)
        assert answer.status_code == 200, answer.content
        rows, link, asked = rows + answer.json()["results"], answer.json()["next"], {}
    return rows


def names(rows, column="name") -> list[str]:
    """Of ours: some types are there from the beginning."""
    return [row[column] for row in rows if row[column] in SHUFFLED]


@pytest.mark.parametrize("path", LISTS)
def test_lists_are_in_one_order(alice, named, path):
    column = LISTS[path]
    assert names(shown(alice, path, ordering=column), column) == IN_ORDER
    assert names(shown(alice, path, ordering=f"-{column}"), column) == IN_ORDER[::-1]


@pytest.mark.parametrize("path", ["assets", "tags", "categories", "portfolios"])
def test_lists_are_in_that_order_unasked(alice, named, path):
    assert names(shown(alice, path)) == IN_ORDER


def test_labels_of_an_asset_are_in_that_order(alice, named):
    asset = Asset.objects.get(name="zoo")
    label(asset, tag_ids=list(Tag.objects.order_by("id").values_list("pk", flat=True)))
    assert names(alice.get(f"{API}/assets/{asset.pk}").json()["tags"]) == IN_ORDER


@pytest.mark.parametrize("page_size", [1, 2, 3, 7])
def test_pages_neither_hide_nor_repeat_assets_of_one_name(alice, portfolio, page_size):
    assets = [
        create_asset(portfolio, name) for name in ("savings", "SAVINGS", "Savings", "flat") for _ in range(3)
    ]
    expected = [str(one.pk) for one in sorted(assets, key=lambda one: (one.name != "flat", str(one.pk)))]
    assert [row["id"] for row in shown(alice, "assets", page_size=page_size)] == expected


@pytest.mark.parametrize("page_size", [3, 50])
def test_what_was_known_is_in_the_order_of_its_names_then(alice, named, page_size):
    instant = timezone.now().isoformat()
    for number, asset in enumerate(Asset.objects.all()):
        Asset.objects.filter(pk=asset.pk).update(name=f"{20 - number}")
    Asset.objects.filter(name="17").delete()
    AssetType.objects.filter(code="OWN_3").update(label="0")
    asked = {"known_at": instant, "page_size": page_size}
    assert names(shown(alice, "assets", **asked)) == IN_ORDER
    assert names(shown(alice, "asset-types", ordering="label", **asked), "label") == IN_ORDER


@pytest.mark.parametrize(("model", "name"), [(Asset, "name"), (AssetType, "label"), (Tag, "name")])
def test_keys_are_in_no_image(named, model, name):
    model.objects.filter(**{name: "zoo"}).update(**{name: "Zoo"})
    image = JournalEntry.objects.filter(model=model._meta.label, action="update").get().before
    assert image[name] == "zoo"
    assert not [column for column in image if column.endswith("_key")]


def test_reports_are_in_that_order(named):
    keys = {asset.pk: asset.name for asset in Asset.objects.order_by("id")}
    assert list(by_name(keys).values()) == IN_ORDER


@pytest.mark.parametrize("given", [(2, None, 1), (1, 2, None)])
def test_groups_of_one_name_are_in_the_order_of_their_keys_and_no_group_is_last(given):
    names = {1: "savings", 2: "Savings", None: "No tag"}
    assert list(by_name({key: names[key] for key in given})) == [1, 2, None]


def test_what_is_left_out_of_a_change_is_named_in_that_order(named):
    Asset.objects.update(currency="USD")
    for asset in Asset.objects.order_by("id"):
        AssetSnapshot.objects.create(asset=asset, value=1, on=DAY, observed_at=noon(DAY, "UTC"))
    report = change_report(Portfolio.objects.all(), start=DAY - timedelta(days=1), end=DAY, currency="EUR")
    assert reasons(report)["left_out"] == IN_ORDER


def test_doubts_are_in_that_order(named):
    Asset.objects.update(portfolio=Portfolio.objects.get(name="zoo"))
    assert [issue.name for issue in quality_report(Portfolio.objects.get(name="zoo"))] == IN_ORDER


def is_name(text: str) -> bool:
    try:
        return validate_name(text) == text
    except ValidationError:
        return False


def test_python_sorts_names_as_the_database_does(portfolio):
    """A character of every hundred in Unicode, those beyond its first plane too."""
    assets = [
        Asset(portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=chr(point), currency="EUR")
        for point in range(0x21, 0x20000, 97)
        if is_name(chr(point))
    ]
    Asset.objects.bulk_create(assets)
    sorted_here = sorted(assets, key=lambda one: alphabetical(one.name, one.pk))
    assert len(assets) > 800
    assert [row.pk for row in Asset.objects.all()] == [asset.pk for asset in sorted_here]


# --- the admin ---


@pytest.mark.parametrize("model", [Asset, Tag, Portfolio, AssetType])
def test_column_of_the_name_in_the_admin_is_in_that_order(alices, named, model):
    columns = alices.get(url(model)).context["cl"].list_display
    column = columns.index("label" if model is AssetType else "name")
    for sign, expected in (("", IN_ORDER), ("-", IN_ORDER[::-1])):
        rows = alices.get(url(model), {"o": f"{sign}{column}"}).context["cl"].result_list
        assert [str(row) for row in rows if str(row) in SHUFFLED] == expected


@pytest.mark.parametrize("model", [Asset, Tag, Category, Portfolio])
def test_admin_is_in_that_order_unasked(alices, named, model):
    rows = alices.get(url(model)).context["cl"].result_list
    assert [row.name for row in rows if row.name in SHUFFLED] == IN_ORDER


def test_users_are_in_that_order(rita):
    for name in SHUFFLED:
        User.objects.create(username=name)
    rows = rita.get(url(User)).context["cl"].result_list
    assert [row.username for row in rows if row.username in SHUFFLED] == IN_ORDER


# --- whatever a database's own order is ---


def by_code_point() -> set[tuple[str, str]]:
    """The tables and columns that have it."""
    return {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, CodePointCollated)
    }


def orders() -> Iterator[tuple[type[models.Model], str]]:
    """Every model with each field that a list of it is or can be ordered by."""
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
            named = (*rows.query.order_by, *view.orderings.values())
            yield from ((rows.model, name) for name in named)


def test_no_list_is_ordered_by_text_that_a_database_sorts_in_its_own_way():
    found = {(model, name.lstrip("-")) for model, name in orders()}
    assert {(Asset, "name_key"), (AssetType, "code"), (User, "username_key")} <= found
    for model, name in found - {(Asset, "current_value")}:  # an amount that the query adds
        field = model._meta.get_field(name)
        is_text = isinstance(field, models.CharField | models.TextField)
        assert not is_text or isinstance(field, CodePointCollated), (model, name)


@pytest.mark.on_postgresql
def test_keys_and_codes_of_a_postgresql_are_in_its_c_collation(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND collation_name = 'C'"
        )
        assert set(cursor.fetchall()) == by_code_point()


@pytest.mark.on_postgresql
def test_so_are_those_of_the_past(alice_user, named):
    instant = timezone.now()
    for model in (Asset, AssetType, Category, Tag, Portfolio):
        model.objects.update(updated_at=timezone.now())
    with as_known_at(instant, alice_user), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " JOIN pg_collation l ON l.oid = a.attcollation"
            " WHERE c.relnamespace = pg_my_temp_schema() AND c.relkind = 'v' AND l.collname = 'C'"
        )
        found = set(cursor.fetchall())
    tables = {model._meta.db_table for model in temporal_models()}
    assert found == {(table, column) for table, column in by_code_point() if table in tables}
