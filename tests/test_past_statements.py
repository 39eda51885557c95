"""How statements come to read the past: common table expressions on PostgreSQL, temporary views for many images."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from assets.models import Asset, AssetSnapshot, Category, Tag
from assets.valuation import with_current_value
from portfolios.models import Portfolio
from strata.audit.clock import DerivedDataHasNoPast
from strata.audit.past import common_tables, statements
from strata.audit.past.tables import derived_models, temporal_models
from strata.audit.point_in_time import as_known_at
from strata.fields.names import name_key
from strata.tenancy.querysets import Owned
from tests.factories import create_asset
from tests.random_household import RandomHousehold
from tests.test_known_at import API, read

IN_FILE, IN_MEMORY = 1, 2  # SQLite's temp_store
AWKWARD = """100% of {it}, o'clock \\ "%s" {"a":1}"""
# How many images are many: for a temporary view, and for images in groups.
WAYS = {"views": (0, 0), "grouped": (5_000, 0), "flat": (5_000, 10_000), "mixed": (12, 4)}


@pytest.fixture
def read_by(monkeypatch):
    """Has PostgreSQL read the past in one of WAYS."""

    def choose(way: str) -> None:
        most_images, many = WAYS[way]
        monkeypatch.setattr(statements, "MOST_IMAGES", most_images)
        monkeypatch.setattr(common_tables, "MANY", many)

    return choose


def temporary_tables() -> set[str]:
    """The names of the temporary tables and views on the connection."""
    query = {
        "postgresql": "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v') AND relnamespace = pg_my_temp_schema()",
        "sqlite": "SELECT name FROM sqlite_temp_master WHERE type IN ('table', 'view')",
    }
    with connection.cursor() as cursor:
        cursor.execute(query[connection.vendor])
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.on_postgresql
def test_every_way_reads_the_same(alice, household, read_by):
    random_household = RandomHousehold(alice, household, 3)
    answers = []
    for turn in range(12):
        random_household.edit()
        if turn in (4, 8):
            instant = timezone.now()
            answers += [(path, instant, read(alice, API + path)) for path in random_household.random_paths()]
    assert sum(status == 200 for _, _, (status, _) in answers) > 10
    for way in WAYS:
        read_by(way)
        for path, instant, before in answers:
            assert read(alice, API + path, instant) == before, (way, path)


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_reading_writes_nothing_up_to_the_bound(alice, world):
    """A transaction that writes, be it a temporary view, has an id."""
    instant = timezone.now()
    Asset.objects.all().update(notes="changed")
    AssetSnapshot.objects.all().update(value="9")
    transaction_ids = []

    def look(execute, *arguments):
        result = execute(*arguments)
        transaction_ids.extend(
            connection.connection.execute("SELECT pg_current_xact_id_if_assigned()").fetchone()
        )
        return result

    for path in ("/tags", "/assets?page_size=50", "/allocation?group_by=category", "/net-worth"):
        with connection.execute_wrapper(look):
            assert read(alice, API + path, instant)[0] == 200
    assert len(transaction_ids) > 20
    assert set(transaction_ids) == {None}


@pytest.mark.on_postgresql
@pytest.mark.parametrize(("most_images", "creates"), [(3, False), (2, True)])
def test_more_images_than_the_bound_get_a_temporary_view(
    alice_user, portfolio, monkeypatch, most_images, creates
):
    monkeypatch.setattr(statements, "MOST_IMAGES", most_images)
    for name in "abc":
        create_asset(portfolio, name)
    instant = timezone.now()
    Asset.objects.all().update(name="later")
    with as_known_at(instant, alice_user):
        assert set(Asset.objects.values_list("name", flat=True)) == {*"abc"}
        assert temporary_tables() == ({"assets_asset", "past_assets_asset"} if creates else set())


@pytest.mark.on_postgresql
def test_images_of_all_tables_of_a_request_count(alice_user, portfolio, monkeypatch):
    monkeypatch.setattr(statements, "MOST_IMAGES", 3)
    asset = create_asset(portfolio, "a")
    for name in ("b", "c", "d"):
        Tag.objects.create(household=portfolio.household, name=name)
    instant = timezone.now()
    Tag.objects.update(updated_at=instant)
    Asset.objects.filter(pk=asset.pk).update(name="later")
    with as_known_at(instant, alice_user):
        assert Tag.objects.count() == 3
        assert temporary_tables() == set()
        assert Asset.objects.get().name == "a"
        assert "past_assets_asset" in temporary_tables()


def test_only_the_tables_that_are_read_are_prepared(alice_user, portfolio, monkeypatch):
    """A household with many changed values pays for them only where they are read."""
    monkeypatch.setattr(statements, "MOST_IMAGES", 0)
    asset = create_asset(portfolio, "a")
    tag = Tag.objects.create(household=portfolio.household, name="tag")
    instant = timezone.now()
    for model, pk in ((Asset, asset.pk), (Tag, tag.pk), (Portfolio, portfolio.pk)):
        model.objects.filter(pk=pk).update(name="later")
    with as_known_at(instant, alice_user):
        assert temporary_tables() == set()
        assert Tag.objects.get().name == "tag"
        assert temporary_tables() == {"assets_tag", "past_assets_tag"}


@pytest.mark.parametrize("way", WAYS)
def test_names_are_searched_and_sorted_by_their_keys_of_that_time(alice, alice_user, portfolio, read_by, way):
    read_by(way)
    names = [AWKWARD, "Äpfel", "zebra", "É"]
    for name in names:
        create_asset(portfolio, name)
    instant = timezone.now()
    for number, asset in enumerate(Asset.objects.all()):
        asset.name = f"later {number}"
        asset.save()
    with as_known_at(instant, alice_user):
        assert Asset.objects.get(name_key__has_part="o'clock \\ ").name == AWKWARD
        assert [asset.name for asset in Asset.objects.order_by("name_key")] == sorted(names, key=name_key)
    path = f"{API}/assets?name={quote(AWKWARD)}&known_at={quote(instant.isoformat())}"
    assert [row["name"] for row in alice.get(path).json()["results"]] == [AWKWARD]


@pytest.mark.on_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM assets_asset",
        "  select count(*) from assets_asset",
        "(SELECT count(*) FROM assets_asset) UNION (SELECT count(*) FROM assets_asset)",
        "WITH a AS (SELECT * FROM assets_asset) SELECT count(*) FROM a",
        "with recursive a(n) as (select 0 union all select n + 1 from a where n < 0) select count(*) from assets_asset",
        "SELECT (SELECT count(*) FROM assets_asset) WHERE 'x' LIKE 'x%'",
    ],
)
@pytest.mark.parametrize("with_params", [True, False])
def test_every_form_of_reading_has_the_past(alice_user, portfolio, statement, with_params):
    create_asset(portfolio, "50%")
    instant = timezone.now()
    Asset.objects.all().update(name="later")
    create_asset(portfolio, "new")
    with as_known_at(instant, alice_user), connection.cursor() as cursor:
        if with_params:
            cursor.execute(f"{statement.replace('%', '%%')}", [])
        else:
            cursor.execute(statement)
        assert cursor.fetchall() == [(1,)]


@pytest.mark.on_postgresql
def test_explained_statement_has_the_past(alice_user, portfolio):
    with as_known_at(timezone.now(), alice_user):
        assert "known_since" not in Category.objects.all().explain()
        assert "created_at <= " in Category.objects.all().explain(verbose=True)


@pytest.mark.on_postgresql
def test_images_of_an_asset_are_one_group(alice_user, portfolio, read_by):
    """Without groups each of the many lookups of a report would read the images of all assets."""
    read_by("grouped")
    asset = create_asset(portfolio, "a")
    AssetSnapshot.objects.create(asset=asset, value="1", on="2026-01-31", observed_at=timezone.now())
    instant = timezone.now()
    AssetSnapshot.objects.update(value="2")
    with as_known_at(instant, alice_user):
        rows = with_current_value(Asset.objects.filter(portfolio=portfolio), instant.date())
        assert [row.current_value for row in rows] == [1]
        plan = rows.order_by().explain()
    assert "CTE Scan on images_of_assets_assetsnapshot grouped" in plan
    assert "Filter: (asset_id = assets_asset.id)" in plan  # of the groups, before their images are read
    assert "Function Scan on unnest image" in plan


def test_every_table_of_the_past_is_recognised():
    names = {model._meta.db_table: model for model in temporal_models()}
    for name, model in names.items():
        assert statements.models_named(f'SELECT * FROM "{name}" WHERE 1') == {model}
        assert statements.models_named(f"SELECT x FROM {name}, other") == {model}
    assert statements.models_named("SELECT 1 FROM my_assets_asset, assets_asset_x") == frozenset()


def test_every_calculated_table_of_a_household_is_derived():
    in_their_folder = {
        model
        for model in apps.get_models()
        if issubclass(model, Owned) and model.__module__.startswith("assets.models.derived.")
    }
    assert in_their_folder == {*derived_models()}
    assert not {*derived_models()} & {*temporal_models()}


@pytest.mark.parametrize("model", derived_models(), ids=lambda model: model.__name__)
def test_no_statement_reads_a_derived_table_under_known_at(alice_user, portfolio, model):
    """Whatever it is written by, and also where the table is a part of it."""
    table = model._meta.db_table
    with as_known_at(timezone.now(), alice_user), connection.cursor() as cursor:
        with pytest.raises(DerivedDataHasNoPast):
            list(model._base_manager.all())
        with pytest.raises(DerivedDataHasNoPast):
            cursor.execute(f"SELECT a.id FROM assets_asset a WHERE EXISTS (SELECT 1 FROM {table})")
        assert Asset.objects.count() == 0
    assert list(model._base_manager.all()) == []


@pytest.mark.on_sqlite
@pytest.mark.django_db(transaction=True)
def test_images_of_sqlite_are_in_a_file(alice_user):
    """In memory, 365,000 images are 120 MB."""

    def place() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA temp_store")
            return cursor.fetchone()[0]

    assert place() == IN_MEMORY
    with pytest.raises(ZeroDivisionError), as_known_at(timezone.now(), alice_user):
        assert place() == IN_FILE
        raise ZeroDivisionError
    assert place() == IN_MEMORY
