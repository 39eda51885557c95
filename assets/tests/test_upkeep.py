"""Deltas, monthly values and gaps are what the values give, after any writes by any channel, and nothing more."""

from __future__ import annotations

import io
from array import array
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from importlib import import_module
from operator import attrgetter
from random import Random

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from assets import valuation
from assets.classification.seeds import TypeId
from assets.doctor import deltas_are_what_the_values_give, monthly_values_are_what_the_values_give
from assets.models import Asset, AssetSnapshot, MonthlyDeltas, MonthlyValues
from assets.rates.readers import quotes_in
from assets.rates.writer import add_rates
from assets.tests.upkeep import FIRST, NOON, assert_in_step, day
from assets.valuation import months
from assets.valuation.codecs.deltas import encode_deltas, encode_numbers
from assets.valuation.deltas import calculated, stored
from assets.valuation.sources import snapshot_upkeep, snapshots_sql
from assets.valuation.sources.snapshot_upkeep import values_around
from assets.valuation.upkeep import rebuild
from portfolios.models import Portfolio
from strata.audit.locating import ids_of
from strata.doctor import Level
from strata.fields.ids import uuid7
from tests.factories import add_value, create_asset

# --- writers at the same time ---


def at_once(work, things) -> None:
    def turn(thing):
        try:
            work(thing)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(turn, things))


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_leave_the_table_in_step(portfolio):
    asset = create_asset(portfolio)
    at_once(lambda on: add_value(asset, on * 7 % 5 - 2, day(on)), range(40))
    assert AssetSnapshot.objects.count() == 40
    assert_in_step()


@pytest.mark.django_db(transaction=True)
def test_assets_that_change_places_do_not_wait_for_each_other(portfolio, household):
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    assets = [create_asset(place, str(number)) for number in range(4) for place in (portfolio, other)]
    for asset in assets:
        add_value(asset, 5, day(0))

    def swap(asset):
        for _ in range(5):
            asset.portfolio = other if asset.portfolio == portfolio else portfolio
            asset.save()

    at_once(swap, assets)
    assert_in_step()


# --- the channels of users ---


@pytest.mark.django_db
def test_demo_leaves_the_table_in_step(db):
    add_rates(*quotes_in(b"Date,USD,CHF,\n2024-01-02,1.1,0.9,\n"))
    call_command("demo", verbosity=0)
    assert MonthlyDeltas.objects.exists()
    assert_in_step()


@pytest.mark.django_db
def test_seed_benchmark_leaves_the_table_in_step(db):
    call_command("seed_benchmark", assets=12, snapshots=9, span_days=5, verbosity=0)
    assert MonthlyDeltas.objects.exists()
    assert_in_step()


def test_api_leaves_the_table_in_step(alice, portfolio, household):
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    body = {
        "portfolio_id": str(portfolio.pk),
        "asset_type_id": TypeId.CHECKING_ACCOUNT,
        "name": "x",
        "value": "5",
        "on": "2024-01-01",
    }
    path = f"/api/v1/assets/{alice.post('/api/v1/assets', body).json()['id']}"
    late = alice.post(f"{path}/snapshots", {"value": "9", "on": "2024-02-01"}).json()
    alice.post(f"{path}/snapshots", {"value": "-3", "on": "2024-01-15"})
    assert_in_step()
    assert alice.patch(f"{path}/snapshots/{late['id']}", {"on": "2024-01-10"}).status_code == 200
    assert (
        alice.patch(path, {"portfolio_id": str(other.pk), "asset_type_id": TypeId.STOCKS}).status_code == 200
    )
    assert_in_step()
    assert alice.post(f"{path}/dispose", {"on": "2024-01-12", "proceeds": "4"}).status_code == 200
    assert_in_step()
    assert alice.post(f"{path}/reinstate").status_code == 200
    assert alice.delete(f"{path}/snapshots/{late['id']}").status_code == 204
    assert stored(other.pk)
    assert_in_step()
    assert alice.delete(f"/api/v1/portfolios/{other.pk}").status_code == 204
    assert not MonthlyDeltas.objects.filter(portfolio=other).exists()


# --- rebuilt ---


FORMER_TABLE = {
    vendor: f"""CREATE TEMPORARY TABLE assets_dailystep (id {key}, portfolio_id {uuid}, "on" date, currency varchar(3),
        asset_type_id {uuid}, owned_high bigint, owned_low bigint, owed_high bigint, owed_low bigint)"""
    for vendor, key, uuid in (
        ("sqlite", "integer PRIMARY KEY", "char(32)"),
        ("postgresql", "bigserial", "uuid"),
    )
}


class FormerApps:
    """The models by the names that they had when the migration was written."""

    def get_model(self, app, name):
        return MonthlyValues if name == "PackedMonth" else apps.get_model(app, name)


def test_migrations_fill_the_tables_as_a_rebuild_does(portfolio):
    things = [
        create_asset(portfolio, str(n), asset_type=list(TypeId)[n % 3], currency="EUR" if n % 2 else "USD")
        for n in range(5)
    ]
    for turn in range(40):
        at = NOON + timedelta(hours=7 * turn % 200)
        AssetSnapshot.objects.create(
            asset=things[turn % 5], value=turn * 13 % 7 - 3, observed_at=at, on=at.date()
        )
    Asset.objects.filter(pk=things[1].pk).update(disposed_on=day(3))
    Asset.objects.filter(pk=things[2].pk).update(disposed_on=day(-1))
    MonthlyValues.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(FORMER_TABLE[connection.vendor])
        for sql in import_module("assets.migrations.0005_fill_daily_steps").Migration.operations[0].sql:
            cursor.execute(sql)
    import_module("assets.migrations.0009_fill_packed_months").fill(FormerApps(), connection.schema_editor())
    add_value(create_asset(portfolio, counts_in_net_worth=False), 7, day(-5))
    MonthlyDeltas.objects.all().delete()
    fill = import_module("assets.migrations.0039_fill_monthly_deltas")
    apps_then = MigrationLoader(connection).project_state([("assets", "0039_fill_monthly_deltas")]).apps
    daily_deltas = apps_then.get_model("assets", "DailyDelta").objects
    before = set(daily_deltas.values_list("asset_type_id", "on", "owned_low", "owed_low"))
    fill.forwards(apps_then, connection.schema_editor())
    assert stored(portfolio.pk) == calculated(portfolio.pk) != {}
    assert len({month for _, month in months.stored([thing.pk for thing in things])}) == 2
    assert valuation.first_value_day([portfolio.pk]) == FIRST
    assert_in_step()
    fill.backwards(apps_then, connection.schema_editor())
    assert set(daily_deltas.values_list("asset_type_id", "on", "owned_low", "owed_low")) == before


@pytest.fixture
def wrong(portfolio):
    """The portfolio, its table not being what its values give: one delta is wrong, and one was invented."""
    add_value(create_asset(portfolio), 5, day(3))
    MonthlyDeltas.objects.update(owned=encode_numbers([1]), owned_low=1)
    invented = {day(1): (0, -1, 0)}
    MonthlyDeltas.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CASH, currency="USD", month=day(1).replace(day=1),
        owned_high=0, owned_low=0, owed_high=0, owed_low=-1, **encode_deltas(invented)._asdict(),
    )  # fmt: skip
    return portfolio


def rebuilt(*options: str) -> str:
    out = io.StringIO()
    call_command("rebuild", *options, stdout=out)
    return out.getvalue()


def test_rebuild_fixes_what_is_wrong_and_says_so(wrong):
    assert rebuilt() == f"Rebuilt 1; 1 needed repair.\n{wrong.pk}\n"
    assert_in_step()
    assert rebuilt() == "Rebuilt 1; 0 needed repair.\n"


def test_rebuild_can_be_tried_first(wrong):
    assert rebuilt("--dry-run") == f"Would rebuild 1; 1 needed repair.\n{wrong.pk}\n"
    assert stored(wrong.pk) != calculated(wrong.pk)


def test_rebuild_of_one_portfolio_leaves_the_others(wrong, household):
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    assert rebuilt("--portfolio", str(other.pk)) == "Rebuilt 1; 0 needed repair.\n"
    assert stored(wrong.pk) != calculated(wrong.pk)


@pytest.mark.parametrize("given", ["x", "0190a5b0-5f2c-7c3e-8a51-3f1f2b1c9d10"])
def test_rebuild_of_an_unknown_portfolio_is_refused(db, given):
    with pytest.raises(CommandError, match="There is no portfolio with this id"):
        rebuilt("--portfolio", given)


def test_doctor_names_where_the_table_is_wrong(wrong):
    ((level, text),) = deltas_are_what_the_values_give()
    assert level is Level.FAIL
    assert str(wrong.pk) in text and str(day(1)) in text and "manage.py rebuild" in text
    rebuild(wrong.pk)
    assert [level for level, _ in deltas_are_what_the_values_give()] == [Level.OK]


@pytest.mark.parametrize("broken", [{"owned_low": 1}, {"owned": b"odd"}, {"days": 0}, {"begun": b""}])
def test_doctor_finds_a_row_that_contradicts_itself(portfolio, broken):
    add_value(create_asset(portfolio), 5, day(3))
    MonthlyDeltas.objects.update(**broken)
    assert [level for level, _ in deltas_are_what_the_values_give()] == [Level.FAIL]
    rebuild(portfolio.pk)
    assert_in_step()


def test_what_has_come_to_nothing_is_not_wrong(portfolio):
    snapshot = add_value(create_asset(portfolio), 5, day(3))
    snapshot.delete()
    assert MonthlyDeltas.objects.exists()
    assert stored(portfolio.pk) == calculated(portfolio.pk) == {}


def test_of_several_values_of_a_day_the_last_is_stored_whichever_was_written_last(portfolio):
    asset = create_asset(portfolio)
    for hours in (3, 9, 6):
        at = NOON + timedelta(hours=hours)
        AssetSnapshot.objects.create(asset=asset, value=hours, observed_at=at, on=FIRST)
    assert MonthlyValues.objects.get().amounts == array("q", [90_000]).tobytes()
    AssetSnapshot.objects.filter(value=9).delete()
    assert MonthlyValues.objects.get().amounts == array("q", [60_000]).tobytes()


@pytest.mark.parametrize("seed", range(8))
def test_values_around_some_are_those_of_their_days_and_of_the_days_beside(portfolio, seed):
    """Against the rule in plain words, with several values on most days."""
    random = Random(seed)
    assets = [create_asset(portfolio, name) for name in "ab"]
    moments = random.sample([(on, hour) for on in range(0, 24, 3) for hour in range(6)], 20)
    rows = [
        AssetSnapshot(
            asset=random.choice(assets),
            value=random.randint(1, 99),
            observed_at=NOON + timedelta(hours=hour),
            on=day(on),
        )
        for on, hour in moments
    ]
    AssetSnapshot.objects.bulk_create(rows)
    given = random.sample(rows, random.randint(1, 4))
    by_asset = dict(values_around(ids_of(given)))
    assert by_asset.keys() == {row.asset_id for row in given}
    for pk, around in by_asset.items():
        touched = {row.on for row in given if row.asset_id == pk}
        days = sorted({row.on for row in rows if row.asset_id == pk})
        near = days[max(days.index(min(touched)) - 1, 0) : days.index(max(touched)) + 2]
        of_asset = sorted((row for row in rows if row.asset_id == pk), key=attrgetter("observed_at"))
        assert around.with_them.touched == around.without.touched == touched
        assert around.with_them.amounts == {row.on: row.value * 10_000 for row in of_asset if row.on in near}
        assert around.without.amounts == {
            row.on: row.value * 10_000 for row in of_asset if row.on in near and row not in given
        }


@pytest.mark.parametrize("seed", range(4))
def test_many_values_that_are_deleted_or_changed_leave_the_tables_in_step(portfolio, monkeypatch, seed):
    """Of some assets all that there are from the first to the last, of others not; and with several on a day."""
    random = Random(seed)
    monkeypatch.setattr(snapshot_upkeep, "MANY", 2)
    assets = [create_asset(portfolio, name) for name in "abcd"]
    assets[3].disposed_on = day(50)
    assets[3].save()
    rows = [
        AssetSnapshot(
            asset=asset, value=random.randint(-9, 99), observed_at=NOON + timedelta(n), on=day(n // 2)
        )
        for asset in assets
        for n in random.sample(range(120), 60)
    ]
    AssetSnapshot.objects.bulk_create(rows)
    starts = {asset.pk: day(random.randint(0, 30)) for asset in assets}
    between = [row for row in rows if starts[row.asset_id] <= row.on < starts[row.asset_id] + timedelta(25)]
    given = [row for row in between if row.asset_id != assets[1].pk or random.random() < 0.7]
    for row in given:
        row.value += random.randint(-50, 50)
    AssetSnapshot.objects.update_each(given, ["value"])
    assert_in_step()
    AssetSnapshot.objects.filter(pk__among=[row.pk for row in given]).delete()
    assert_in_step()
    assert AssetSnapshot.objects.count() == len(rows) - len(given)


def test_values_whose_neighbours_stay_are_deleted_without_reading_these(portfolio, monkeypatch):
    monkeypatch.setattr(snapshot_upkeep, "MANY", 2)
    asset = create_asset(portfolio)
    rows = [
        AssetSnapshot(asset=asset, value=n, observed_at=NOON + timedelta(n), on=day(n)) for n in range(40)
    ]
    AssetSnapshot.objects.bulk_create(rows)
    monkeypatch.setattr(snapshots_sql, "values_around", None)
    AssetSnapshot.objects.filter(on__range=(day(10), day(29))).delete()
    assert_in_step()


# --- monthly values that are wrong ---


def wrong_months(portfolio, count: int) -> Asset:
    """An asset with a value in each of some months, all of them stored wrongly."""
    asset = create_asset(portfolio)
    for number in range(count):
        add_value(asset, 5, day(31 * number))
    MonthlyValues.objects.update(days=1)
    MonthlyValues.objects.create(asset=asset, month=date(1999, 1, 1), days=1, amounts=bytes(8))
    return asset


def test_rebuild_fixes_monthly_values_and_says_so(portfolio):
    asset = wrong_months(portfolio, 2)
    assert rebuilt("--dry-run") == f"Would rebuild 1; 1 needed repair.\n{portfolio.pk}\n"
    assert rebuilt() == f"Rebuilt 1; 1 needed repair.\n{portfolio.pk}\n"
    assert_in_step()
    assert MonthlyValues.objects.filter(asset=asset).count() == 2


def test_months_of_an_asset_that_is_gone_are_named_and_removed(portfolio):
    add_value(create_asset(portfolio), 5, day(0))
    gone = uuid7()
    for month in (1, 2):
        MonthlyValues.objects.create(asset_id=gone, month=date(1999, month, 1), days=1, amounts=bytes(8))
    (finding,) = monthly_values_are_what_the_values_give()
    assert finding == (
        Level.FAIL,
        f"asset {gone} is gone, but has months. Run: python manage.py rebuild",
    )
    rebuilt("--portfolio", str(portfolio.pk))
    assert MonthlyValues.objects.filter(asset=gone).exists()
    rebuilt()
    assert MonthlyValues.objects.filter(asset=gone).count() == 0
    assert MonthlyValues.objects.count() == 1


def test_doctor_names_the_first_months_that_are_wrong(portfolio):
    asset = wrong_months(portfolio, 6)
    findings = list(monthly_values_are_what_the_values_give())
    assert {level for level, _ in findings} == {Level.FAIL}
    assert len(findings) == 6
    assert f"asset {asset.pk} is wrong in 1999-01. Run: python manage.py rebuild" in findings[0][1]
    assert "and 2 more months" in findings[-1][1]
    rebuild(portfolio.pk)
    assert [level for level, _ in monthly_values_are_what_the_values_give()] == [Level.OK]


def test_a_month_that_has_come_to_nothing_is_not_wrong(portfolio):
    snapshot = add_value(create_asset(portfolio), 5, day(3))
    snapshot.delete()
    assert MonthlyValues.objects.get().days == 0
    assert_in_step()
