"""A database of the first release, with a row of every model, migrates up, down and up again without a loss."""

from __future__ import annotations

import gc
from contextlib import suppress
from datetime import UTC, date, datetime
from importlib import import_module
from itertools import count
from unittest.mock import patch

import pytest
import time_machine
from django.db import DatabaseError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.transaction import atomic

from strata.fields.names import name_key
from strata.migrations._name_keys import WRITTEN_BY, first_name_key
from tests.release_databases import (
    ALIAS,
    FIRST_RELEASE,
    ROWS,
    dump,
    load,
    migrate,
    schema,
    unsquashed,
)
from tests.strata_apps import APPS


@pytest.fixture(autouse=True)
def _no_garbage_collection():
    """Each migration makes models that refer to each other. To look at all of them each time is a fifth of the CPU."""
    gc.disable()
    yield
    gc.enable()


def test_first_release_goes_up_down_and_up(first_release, newest):
    migrated = dump(newest)
    migrate(newest, FIRST_RELEASE)
    assert dump(newest) == first_release.rows
    migrate(newest)
    assert dump(newest) == migrated
    with pytest.raises(DatabaseError, match="cannot be changed"):
        newest.cursor().execute("DELETE FROM strata_change")


@time_machine.travel("2026-11-28T12:00Z", tick=False)
def test_squashed_migrations_and_the_others_make_the_same_database(fresh):
    migrate(fresh)
    squashed = schema(fresh), dump(fresh)
    executor = unsquashed(fresh)
    executor.migrate([(app, None) for app in APPS])
    assert not [table for table in dump(fresh) if table.startswith(APPS)]
    executor = unsquashed(fresh)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert (schema(fresh), dump(fresh)) == squashed
    assert len(squashed[1]["assets_assettype"]) > 10 and len(squashed[1]["assets_exchangerate"]) == 21
    # The database of the others has nothing left to migrate.
    executor = MigrationExecutor(fresh)
    leaves = executor.loader.graph.leaf_nodes()
    assert executor.migration_plan(leaves) == []
    executor.migrate(leaves)  # which notes that the squashed ones are applied
    assert MigrationRecorder(fresh).applied_migrations().keys() >= executor.loader.disk_migrations.keys()


def test_fixture_has_one_of_everything_and_reads_back_as_written(fresh):
    apps = migrate(fresh, FIRST_RELEASE)
    load(apps)
    ours = {model._meta.label for app, _ in FIRST_RELEASE for model in apps.get_app_config(app).get_models()}
    assert set(ROWS) == {label for label in ours if not label.startswith("strata.User_")}
    for label, rows in ROWS.items():
        model = apps.get_model(label)
        for row in rows:
            stored = model._base_manager.using(ALIAS).get(pk=row["id"])
            for name, value in row.items():
                field = next(field for field in model._meta.concrete_fields if field.attname == name)
                read, written = getattr(stored, name), field.to_python(value)
                assert (
                    bytes(read) == bytes(written) if isinstance(written, memoryview) else read == written
                ), name


def test_foreign_keys_are_valid_after_migrating(newest):
    newest.check_constraints()


def test_usernames_that_would_become_equal_stop_the_migration(fresh):
    users = migrate(fresh, FIRST_RELEASE).get_model("strata", "User").objects.using(ALIAS)
    for number, name in enumerate(("Straße", "STRASSE", "dora")):
        users.create(username=name, email=str(number))
    with pytest.raises(RuntimeError, match="one from now on.*: STRASSE, Straße"):
        migrate(fresh)
    users.filter(email="1").update(username="other")
    apps = migrate(fresh)
    migrated = apps.get_model("strata", "User").objects.using(ALIAS).order_by("email")
    assert list(migrated.values_list("username_key", flat=True)) == ["strasse", "other", "dora"]


@pytest.mark.on_postgresql
@pytest.mark.parametrize(
    "fresh", ["TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de'"], indirect=True, ids=["German"]
)
def test_names_in_a_database_with_another_locale_get_the_common_order(fresh):
    load(migrate(fresh, FIRST_RELEASE))
    migrate(fresh)
    portfolios = migrate(fresh, FIRST_RELEASE).get_model("portfolios.Portfolio").objects.using(ALIAS)
    household = portfolios.values_list("household", flat=True)[0]
    for name in ("10", "9", "_x", "zoo", "Äpfel"):
        portfolios.create(household_id=household, name=name, base_currency="EUR")
    new_portfolios = portfolios.exclude(name__in=[row["name"] for row in ROWS["portfolios.Portfolio"]])
    in_order = new_portfolios.order_by("name_key").values_list("name", flat=True)
    assert list(in_order) == ["_x", "10", "9", "Äpfel", "zoo"]
    migrate(fresh)
    assert list(in_order.all()) == ["10", "9", "_x", "zoo", "Äpfel"]


BEFORE_NORMAL_FORM = [
    ("strata", "0008_keys_of_usernames_go_by_code_point"),
    ("assets", "0014_keys_and_codes_go_by_code_point"),
    ("portfolios", "0003_keys_and_currencies_go_by_code_point"),
]
EQUAL_NAMES = ("ｆiles", "Files", "fi\u200bles", "files (2)")


def create_rows_with_equal_names(apps):
    """Rows whose names become equal. Their order by age is not their order by id."""
    household = apps.get_model("portfolios.Household").objects.using(ALIAS).get(name="Empty")
    ages = [datetime(2026, 1, 1 + number, tzinfo=UTC) for number in range(len(EQUAL_NAMES))]
    for label in ("assets.Tag", "assets.Category", "portfolios.Portfolio"):
        rows = apps.get_model(label).objects.using(ALIAS)
        for name, at in reversed(list(zip(EQUAL_NAMES, ages, strict=True))):
            rows.create(household=household, name=name, created_at=at)
    categories = apps.get_model("assets.Category").objects.using(ALIAS)
    top = categories.get(name="Files")
    for name in EQUAL_NAMES[:2]:
        categories.create(household=household, parent=top, name=name)
    for number, name in enumerate(("fiona", "ｆiona", "\u1160fiona")):
        users = apps.get_model("strata.User").objects.using(ALIAS)
        users.create(username=name, email=f"{number}", date_joined=ages[number])


def test_rows_whose_names_become_equal_are_renamed_and_journalled(first, capsys):
    with patch("strata.fields.names.name_key", first_name_key):
        create_rows_with_equal_names(migrate(first, BEFORE_NORMAL_FORM))
    apps = migrate(first)
    journal = apps.get_model("strata.JournalEntry").objects.using(ALIAS).filter(channel="migrate")
    for label in ("assets.Tag", "assets.Category", "portfolios.Portfolio"):
        rows = apps.get_model(label).objects.using(ALIAS).filter(household__name="Empty").exclude(name="X")
        rows = rows.filter(parent=None) if label == "assets.Category" else rows
        named = dict(rows.order_by("created_at").values_list("name", "name_key"))
        assert list(named) == ["ｆiles", "Files (3)", "fi\u200bles (4)", "files (2)"]
        assert all(key == name_key(name) for name, key in named.items())
        for name, before in (("Files (3)", "Files"), ("fi\u200bles (4)", "fi\u200bles")):
            entry = journal.get(object_id=rows.get(name=name).pk)
            assert (entry.model, entry.action, entry.before["name"]) == (label, "update", before)
            assert entry.household_id == rows.get(name=name).household_id
        assert (
            f"{label}: 'Files' is called 'Files (3)' now" in capsys.readouterr().out or label != "assets.Tag"
        )
    below = apps.get_model("assets.Category").objects.using(ALIAS).exclude(parent=None)
    assert set(below.filter(parent__name="Files (3)").values_list("name", flat=True)) == {
        "ｆiles",
        "Files (2)",
    }
    users = apps.get_model("strata.User").objects.using(ALIAS).filter(email__in="012").order_by("email")
    assert list(users.values_list("username_key", flat=True)) == ["fiona", "fiona-2", "fiona-3"]
    assert journal.filter(model="strata.User").first().before["username"] == "\u1160fiona"
    migrated = dump(first)
    migrate(first, BEFORE_NORMAL_FORM)
    migrate(first)
    assert dump(first) == migrated


def test_open_invitation_becomes_a_row_of_its_own_with_journal_entries(newest):
    (waiting,) = (row for row in ROWS["portfolios.Membership"] if row["accepted_at"] is None)
    user = next(row for row in ROWS["strata.User"] if row["id"] == waiting["user_id"])
    apps = migrate(newest)
    invitation = apps.get_model("portfolios.Invitation").objects.using(ALIAS).get()
    assert (str(invitation.pk), str(invitation.household_id)) == (waiting["id"], waiting["household_id"])
    assert (invitation.username, invitation.username_key) == (user["username"], name_key(user["username"]))
    assert (invitation.role, invitation.created_at.isoformat()) == (waiting["role"], waiting["created_at"])
    members = apps.get_model("portfolios.Membership").objects.using(ALIAS)
    assert not members.filter(pk=waiting["id"]).exists() and members.exists()
    entries = (
        apps.get_model("strata.JournalEntry").objects.using(ALIAS).filter(channel=WRITTEN_BY).order_by("id")
    )
    assert list(entries.values_list("model", "action")) == [
        ("portfolios.Membership", "delete"),
        ("portfolios.Invitation", "create"),
    ]
    assert entries[0].before["role"] == waiting["role"]


def test_existing_assets_and_types_get_their_keys(newest):
    apps = migrate(newest)
    for label, name, key in (
        ("assets.Asset", "name", "name_key"),
        ("assets.AssetType", "label", "label_key"),
    ):
        rows = apps.get_model(label).objects.using(ALIAS).values_list(name, key)
        assert rows and all(stored == name_key(text) for text, stored in rows)


class Interrupted(Exception):
    pass


def run_interrupted(connection, step, between):
    """Runs the step of a migration, which is interrupted at its first statement, then at the second, and so on, until
    it ends. Returns how many times it was interrupted. `between` is called after each.
    """
    for attempt in count(1):
        allowed = iter(range(attempt))

        def interrupt(execute, *args, allowed=allowed):
            if next(allowed, None) is None:
                raise Interrupted
            return execute(*args)

        with (
            suppress(Interrupted),
            connection.schema_editor(atomic=False) as editor,
            connection.execute_wrapper(interrupt),
        ):
            step(None, editor)
            break
        between()
    with connection.schema_editor(atomic=False) as editor:
        step(None, editor)  # as where it ended, and that could not be noted
    return attempt - 1


def test_months_lose_and_regain_their_ids_however_often_it_is_interrupted(newest, monkeypatch):
    migration = import_module("assets.migrations.0045_months_of_values_have_no_id")
    monkeypatch.setattr(migration, "BATCH", 10)
    write = (
        "INSERT INTO assets_packedmonth (asset_id, month, days, amounts) SELECT id, '{}-01-01', {}, name_bytes"
        " FROM (SELECT id, CAST({} AS {}) AS name_bytes FROM assets_asset) AS a WHERE TRUE"
        " ON CONFLICT (asset_id, month) DO UPDATE SET days = excluded.days"
    )
    text, binary = ("x'00'", "BLOB") if newest.vendor == "sqlite" else ("'\\x00'", "bytea")
    years = iter(range(1990, 2100))

    def write_as_others_do(year=None):
        with newest.cursor() as cursor:
            cursor.execute(write.format(year or next(years), 1, text, binary))
            cursor.execute(write.format(1990, 3, text, binary))

    def months():
        with newest.cursor() as cursor:
            cursor.execute("SELECT asset_id, month, days, amounts FROM assets_packedmonth ORDER BY 1, 2")
            return [(*row[:3], bytes(row[3])) for row in cursor.fetchall()]

    for _ in range(3):
        write_as_others_do()
    newest_schema, before = schema(newest), months()

    assert run_interrupted(newest, migration.add_id, write_as_others_do) > 3
    assert len(months()) > len(before) and set(months()) >= set(before)
    write_as_others_do()
    with newest.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT id), min(id) > 0 FROM assets_packedmonth")
        rows, ids, positive = cursor.fetchone()
    assert rows == ids == len(months()) and positive
    assert schema(newest) != newest_schema

    between = months()
    assert run_interrupted(newest, migration.drop_id, lambda: None) > 1
    assert (schema(newest), months()) == (newest_schema, between)


BEFORE_LARGER_AMOUNTS = ("assets", "0015_one_form_of_names")
AMOUNTS = [
    ("assets_assetsnapshot", "value"),
    *(("assets_transaction", column) for column in ("amount", "fee", "tax")),
]
LARGE = 10**13 * 10**4  # more than the first release accepted


def test_larger_amounts_are_accepted_after_migrating(newest):
    before = dump(newest)
    migrate(newest, [BEFORE_LARGER_AMOUNTS])
    assert [accepts(newest, *amount, LARGE) for amount in AMOUNTS] == [False] * 4
    migrate(newest)
    assert dump(newest) == before
    assert [accepts(newest, *amount, LARGE) for amount in AMOUNTS] == [True] * 4
    assert [accepts(newest, *amount, LARGE * 10) for amount in AMOUNTS] == [False] * 4


def accepts(connection, table, column, amount):
    """Whether the column's bounds accept the amount. Rows without an amount stay without one."""
    try:
        with atomic(ALIAS):
            connection.cursor().execute(f"UPDATE {table} SET {column} = {amount} WHERE {column} IS NOT NULL")
    except DatabaseError as error:
        assert column in str(error)
        return False
    return True


def test_rates_of_former_currencies_are_added_and_affected_totals_outdated(first):
    migrate(first, [("assets", "0016_amounts_may_be_larger")])
    cursor = first.cursor()
    before = revisions(cursor)
    cursor.execute(
        "UPDATE assets_asset SET currency = 'BGN' WHERE id IN (SELECT id FROM assets_asset LIMIT 1)"
    )
    cursor.execute("SELECT portfolio_id FROM assets_asset WHERE currency = 'BGN'")
    (touched,) = cursor.fetchone()
    migrate(first)
    cursor.execute("SELECT currency FROM assets_exchangerate WHERE lasting")
    assert len(cursor.fetchall()) == 21
    assert {
        pk: revision - before[pk] for pk, revision in revisions(cursor).items() if revision != before[pk]
    } == {touched: 1}
    with pytest.raises(DatabaseError, match="cannot be changed"), atomic(ALIAS):
        cursor.execute("UPDATE assets_exchangerate SET units_per_euro = '1'")
    migrate(first, [("assets", "0016_amounts_may_be_larger")])
    cursor.execute("SELECT COUNT(*) FROM assets_exchangerate")
    assert cursor.fetchone() == (len(ROWS["assets.ExchangeRate"]),)
    with pytest.raises(DatabaseError, match="cannot be changed"), atomic(ALIAS):
        cursor.execute("DELETE FROM assets_exchangerate")


def test_day_of_acquisition_after_the_disposal_is_emptied_and_journalled(first, capsys):
    apps = migrate(first, [("assets", "0029_rates_version")])
    assets = apps.get_model("assets.Asset").objects.using(ALIAS)
    same_day, day_after = assets.order_by("pk").values_list("pk", flat=True)
    for pk, acquired_on in ((same_day, "2026-03-01"), (day_after, "2026-03-02")):
        assets.filter(pk=pk).update(acquired_on=acquired_on, disposed_on="2026-03-01")
    before = revisions(first.cursor())

    apps = migrate(first)

    assets = apps.get_model("assets.Asset").objects.using(ALIAS)
    assert dict(assets.values_list("pk", "acquired_on")) == {same_day: date(2026, 3, 1), day_after: None}
    assert set(assets.values_list("disposed_on", flat=True)) == {date(2026, 3, 1)}
    journal = apps.get_model("strata.JournalEntry").objects.using(ALIAS)
    entry = journal.get(model="assets.Asset", channel=WRITTEN_BY)
    assert (entry.object_id, entry.before["acquired_on"]) == (day_after, "2026-03-02")
    raised = {pk for pk, revision in revisions(first.cursor()).items() if revision == before[pk] + 1}
    assert len(raised) == 1
    assert "bought on 2026-03-02" in capsys.readouterr().out


def revisions(cursor):
    """The revision of each portfolio by its id."""
    cursor.execute("SELECT id, revision FROM portfolios_portfolio")
    return dict(cursor.fetchall())
