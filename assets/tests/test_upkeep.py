"""Daily deltas and monthly values are what the values give, after any writes by any channel, and nothing more."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from importlib import import_module
from itertools import count
from operator import attrgetter
from random import Random

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from assets import valuation
from assets.classification.seeds import TypeId
from assets.doctor import daily_deltas_are_what_the_values_give, monthly_values_are_what_the_values_give
from assets.models import Asset, AssetSnapshot, AssetTag, MonthlyDeltas, MonthlyValues, Tag
from assets.services.disposal import reinstate
from assets.services.value_batches import ValueRow, record_values
from assets.valuation import months, reading, registry
from assets.valuation.delta_codec import encode_deltas, encode_numbers
from assets.valuation.deltas import calculated, stored
from assets.valuation.series import ValueSeries, money, ten_thousandths
from assets.valuation.sources.snapshots import values_around
from assets.valuation.upkeep import rebuild
from portfolios.models import Household, Portfolio
from strata.doctor import Level
from strata.tenancy.batches import AllRowsRefused, IfExists, OnError
from tests import factories
from tests.factories import add_value, create_asset
from tests.fake_source import FakeSource, register

FIRST = date(2024, 1, 27)  # a month ends on the sixth day
NOON = datetime(2024, 1, 27, 12, tzinfo=UTC)
LONGEST = 12
day = partial(factories.day, first=FIRST)


def valuations() -> dict:
    return dict(Asset.objects.values_list("pk", "valuation"))


def assert_in_step() -> None:
    for portfolio_id in Portfolio.objects.values_list("pk", flat=True):
        assert stored(portfolio_id) == calculated(portfolio_id)
    assets = valuations()
    assert months.stored(assets) == months.calculated(assets)
    assert not MonthlyValues.objects.exclude(asset__in=assets).exists()


def value_on(amounts: dict[date, int], on: date, disposed_on: date | None) -> int | None:
    days = sorted(amounts)
    return ValueSeries("", days, [amounts[day] for day in days], disposed_on).value_on(on)


def is_in_deltas(asset: Asset) -> bool:
    return asset.counts_in_net_worth and registry.is_stored(asset.valuation)


def without_zeros(amounts: dict) -> dict:
    totals = {pk: {code: amount for code, amount in by.items() if amount} for pk, by in amounts.items()}
    return {pk: by_currency for pk, by_currency in totals.items() if by_currency}


NUMBERS = st.integers(0, LONGEST)
TYPES = st.sampled_from([TypeId.CASH, TypeId.CHECKING_ACCOUNT, TypeId.SAVINGS_ACCOUNT])
VALUES = st.sampled_from([-30, -1, 0, 1, 20, Decimal("99999999999999.9999"), Decimal("-99999999999999.9999")])


@contextmanager
def unless_instants_meet() -> Iterator[None]:
    """A write by set may give an asset two values of one instant: the database refuses it, and nothing changes."""
    with suppress(IntegrityError), transaction.atomic():
        yield


class Writes(RuleBasedStateMachine):
    """Three portfolios, and every kind of write to their assets and values, in any order."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        household = Household.objects.create(name="H")
        self.portfolios = [
            Portfolio.objects.create(household=household, name=name, time_zone="UTC") for name in "abc"
        ]
        self.tag = Tag.objects.create(household=household, name="t")
        self.moments = count(1)
        self.new_asset(number=0, asset_type=TypeId.CHECKING_ACCOUNT, currency="EUR")

    def teardown(self):
        try:
            self.totals_are_the_same_by_every_reader()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    @invariant()
    def in_step(self):
        assert_in_step()

    def totals_are_the_same_by_every_reader(self):
        ids = [portfolio.pk for portfolio in self.portfolios]
        days = [day(number) for number in range(-1, LONGEST + 2)]
        for group_by in reading.DELTA_KEY_COLUMNS:
            self.all_assets_are_added_to_those_that_count(ids, days, group_by)
            refs = valuation.asset_refs(ids, group_by, {})
            series = [reading.from_series(refs, days, derived=derived) for derived in (True, False)]
            by_deltas, by_sql = (
                reading.from_deltas(ids, days, group_by, {}),
                reading.from_values_in_sql(refs, days),
            )
            deltas, grid, monthly, values = map(reading.drop_zeros, [by_deltas, by_sql, *series])
            assert deltas == grid == monthly == values
        self.assets_have_the_same_values_by_every_reader()

    def all_assets_are_added_to_those_that_count(self, ids, days, group_by):
        """With include_all: by the deltas and the others' months, and by the values of all assets alone."""
        refs = valuation.asset_refs(ids, group_by, {}, counts=None)
        assert {ref.id for ref in refs} == set(Asset.objects.values_list("pk", flat=True))
        expected = reading.drop_zeros(reading.from_series(refs, days, derived=False))
        for derived in (True, False):
            totals = valuation.totals_on(ids, days, group_by=group_by, include_all=True, derived=derived)
            assert totals == expected

    def assets_have_the_same_values_by_every_reader(self):
        """Against the values in plain words."""
        assets = {asset.pk: asset for asset in Asset.objects.all()}
        expected = {pk: self.values_of(pk) for pk in assets}
        read = registry.values(valuations(), date.min, date.max)
        assert {pk: dict(zip(days, amounts, strict=True)) for pk, days, amounts in read} == {
            pk: values for pk, values in expected.items() if values
        }
        assert valuation.value_days(valuations()) == {
            pk: (min(values), max(values)) for pk, values in expected.items() if values
        }
        first_days = valuation.with_first_value(Asset.objects.all()).values_list("pk", "first_value_on")
        recorded = {pk: self.days_recorded(pk) for pk in assets}  # they are anchors of other sources
        assert dict(first_days) == {
            pk: min({*values, *recorded[pk]}, default=None) for pk, values in expected.items()
        }
        on = day(LONGEST // 2)
        current = {pk: value_on(values, on, assets[pk].disposed_on) for pk, values in expected.items()}
        for in_sql in (False, True):
            rows = valuation.with_current_value(Asset.objects.order_by("pk"), on, in_sql=in_sql)
            read = {row.pk: row.current_value for row in rows}
            shown = {pk: None if value is None else ten_thousandths(value) for pk, value in read.items()}
            assert shown == current
        columns = dict(rows.values_list("pk", "current_value"))  # in the SQL itself
        assert columns == read
        ids = [portfolio.pk for portfolio in self.portfolios]
        for include_all in (False, True):
            amounts: dict = {}
            for pk, asset in assets.items():
                is_held = current[pk] is not None and not (asset.disposed_on and asset.disposed_on <= on)
                if is_held and (include_all or asset.counts_in_net_worth):
                    by_currency = amounts.setdefault(asset.portfolio_id, {})
                    by_currency[asset.currency] = by_currency.get(asset.currency, 0) + money(current[pk])
            assert valuation.amounts_on(ids, on, include_all=include_all) == without_zeros(amounts)
            first_days = [
                min(days)
                for pk, asset in assets.items()
                if include_all or asset.counts_in_net_worth
                if (days := set(expected[pk]) | (set() if is_in_deltas(asset) else recorded[pk]))
            ]
            assert valuation.first_value_day(ids, include_all=include_all) == min(first_days, default=None)

    def values_of(self, asset_id) -> dict[date, int]:
        """The asset's amounts by day."""
        snapshots = AssetSnapshot.objects.filter(asset=asset_id).order_by("on", "observed_at")
        return {row.on: ten_thousandths(row.value) for row in snapshots}

    def days_recorded(self, asset_id) -> set[date]:
        return set(AssetSnapshot.objects.filter(asset=asset_id).values_list("on", flat=True))

    # --- what there is ---

    def an_asset(self, number: int) -> Asset:
        assets = list(Asset.objects.order_by("pk"))
        return assets[number % len(assets)]

    def a_snapshot(self, number: int) -> AssetSnapshot:
        snapshots = list(AssetSnapshot.objects.order_by("pk"))
        return snapshots[number % len(snapshots)]

    def at(self, on: int) -> datetime:
        """A moment near the day's noon, before or after all others: none is taken twice."""
        number = next(self.moments)
        noon = NOON + timedelta(days=on)
        return noon + timedelta(seconds=number if number % 2 else -number)

    def value(self, asset: Asset, on: int, value) -> AssetSnapshot:
        return AssetSnapshot(asset=asset, value=value, observed_at=self.at(on), on=day(on))

    # --- values ---

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, on=NUMBERS, value=VALUES)
    def save_a_value(self, number, on, value):
        self.value(self.an_asset(number), on, value).save()

    @precondition(lambda self: Asset.objects.exists())
    @rule(values=st.lists(st.tuples(NUMBERS, NUMBERS, VALUES), max_size=6))
    def save_many_values(self, values):
        AssetSnapshot.objects.bulk_create(
            self.value(self.an_asset(number), on, value) for number, on, value in values
        )

    @precondition(lambda self: Asset.objects.exists())
    @rule(
        rows=st.lists(st.tuples(NUMBERS, NUMBERS, VALUES, st.booleans()), max_size=8),
        if_exists=st.sampled_from(IfExists),
    )
    def record_a_batch(self, rows, if_exists):
        """Of days and of instants, in several portfolios; what is refused is left out."""
        sent = {
            number: ValueRow(
                self.an_asset(asset).pk,
                Decimal(value),
                **({"on": day(on)} if by_day else {"observed_at": NOON + timedelta(days=on, hours=2)}),
            )
            for number, (asset, on, value, by_day) in enumerate(rows)
        }
        with suppress(AllRowsRefused):
            batch = record_values(sent, if_exists=if_exists, on_error=OnError.SKIP)
            stored = AssetSnapshot.objects.in_bulk(value.snapshot.pk for value in batch.values.values())
            assert all(stored[v.snapshot.pk].value == v.snapshot.value for v in batch.values.values())

    @precondition(lambda self: AssetSnapshot.objects.exists())
    @rule(number=NUMBERS, other=NUMBERS, on=NUMBERS, value=VALUES)
    def change_a_value(self, number, other, on, value):
        snapshot = self.a_snapshot(number)
        snapshot.asset, snapshot.value, snapshot.on = self.an_asset(other), value, day(on)
        snapshot.observed_at = self.at(on)
        snapshot.save()

    @rule(first=NUMBERS, value=VALUES)
    def change_values_by_set(self, first, value):
        AssetSnapshot.objects.filter(on__gte=day(first)).update(value=value)

    @rule(first=NUMBERS, on=NUMBERS)
    def move_values_to_another_day_by_set(self, first, on):
        with unless_instants_meet():
            AssetSnapshot.objects.filter(on=day(first)).update(on=day(on))

    @precondition(lambda self: Asset.objects.exists())
    @rule(first=NUMBERS, number=NUMBERS)
    def give_values_to_another_asset_by_set(self, first, number):
        with unless_instants_meet():
            AssetSnapshot.objects.filter(on=day(first)).update(asset=self.an_asset(number))

    @rule(on=NUMBERS, value=VALUES)
    def change_many_values_and_days(self, on, value):
        snapshots = list(AssetSnapshot.objects.order_by("pk")[:4])
        for number, snapshot in enumerate(snapshots):
            snapshot.value, snapshot.on = value, day((on + number) % LONGEST)
        with unless_instants_meet():
            AssetSnapshot.objects.bulk_update(snapshots, ["value", "on"])

    @precondition(lambda self: AssetSnapshot.objects.exists())
    @rule(number=NUMBERS)
    def delete_a_value(self, number):
        self.a_snapshot(number).delete()

    @rule(first=NUMBERS)
    def delete_values_by_set(self, first):
        AssetSnapshot.objects.filter(on__gte=day(first)).delete()

    # --- assets ---

    @rule(number=NUMBERS, asset_type=TYPES, currency=st.sampled_from(["EUR", "USD"]))
    def new_asset(self, number, asset_type, currency):
        asset = create_asset(self.a_portfolio(number), asset_type=asset_type, currency=currency)
        if number % 2:
            AssetTag.objects.create(asset=asset, tag=self.tag)

    def a_portfolio(self, number: int) -> Portfolio:
        return self.portfolios[number % len(self.portfolios)]

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, place=NUMBERS, asset_type=TYPES)
    def change_an_asset(self, number, place, asset_type):
        asset = self.an_asset(number)
        asset.portfolio, asset.asset_type_id = self.a_portfolio(place), asset_type
        asset.save()

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS)
    def count_an_asset_or_leave_it_out(self, number):
        asset = self.an_asset(number)
        asset.counts_in_net_worth = not asset.counts_in_net_worth
        asset.save()

    @rule(currency=st.sampled_from(["EUR", "USD"]), counts=st.booleans())
    def count_assets_by_set(self, currency, counts):
        Asset.objects.filter(currency=currency).update(counts_in_net_worth=counts)

    @rule(number=NUMBERS, place=NUMBERS)
    def move_assets_by_set(self, number, place):
        Asset.objects.filter(portfolio=self.a_portfolio(number)).update(portfolio=self.a_portfolio(place))

    @rule(asset_type=TYPES, currency=st.sampled_from(["EUR", "USD"]))
    def change_types_and_currencies_by_set(self, asset_type, currency):
        Asset.objects.filter(currency=currency).update(asset_type_id=asset_type, currency="USD")

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, on=NUMBERS)
    def dispose_of_an_asset(self, number, on):
        asset = self.an_asset(number)
        asset.disposed_on = day(on)  # before its first value too, as values may be deleted
        asset.save()

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS)
    def reinstate_an_asset(self, number):
        reinstate(self.an_asset(number).pk)

    @rule(on=st.none() | NUMBERS)
    def dispose_by_set(self, on):
        Asset.objects.filter(asset_type=TypeId.CHECKING_ACCOUNT).update(
            disposed_on=None if on is None else day(on)
        )

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS)
    def delete_an_asset(self, number):
        self.an_asset(number).delete()

    @rule()
    def delete_assets_by_their_tag(self):
        Asset.objects.filter(tags=self.tag).delete()
        assert not Asset.objects.filter(tags=self.tag).exists()

    @precondition(lambda self: len(self.portfolios) > 1)
    @rule(number=NUMBERS)
    def delete_a_portfolio(self, number):
        portfolio = self.portfolios.pop(number % len(self.portfolios))
        key = portfolio.pk
        portfolio.delete()
        assert not MonthlyDeltas.objects.filter(portfolio_id=key).exists()


class WritesWithAnotherSource(Writes):
    """The same where some assets have their values from another source, whether these are stored or not."""

    @initialize(is_stored=st.booleans())
    def another_source(self, is_stored):
        self.source = FakeSource(is_stored=is_stored)
        register(self.source)

    def teardown(self):
        try:
            super().teardown()
        finally:
            registry.unregister(self.source)

    def values_of(self, asset_id) -> dict[date, int]:
        return (
            self.source.amounts[asset_id] if asset_id in self.source.amounts else super().values_of(asset_id)
        )

    def of_source(self) -> list:
        return sorted(Asset.objects.filter(pk__in=self.source.amounts).values_list("pk", flat=True))

    @precondition(lambda self: Asset.objects.exists())
    @rule(number=NUMBERS, values=st.dictionaries(NUMBERS, st.none() | VALUES, min_size=1, max_size=4))
    def give_an_asset_to_the_other_source(self, number, values):
        """A value of None is a gap."""
        amounts = {
            day(on): value if value is None else ten_thousandths(value) for on, value in values.items()
        }
        self.source.value_assets({self.an_asset(number).pk: amounts})

    @rule()
    def take_assets_from_the_other_source(self):
        self.source.leave_assets(self.of_source()[:1])

    @rule(
        values=st.dictionaries(NUMBERS, st.none() | VALUES, min_size=1, max_size=3), count=st.integers(1, 3)
    )
    def change_values_of_the_other_source(self, values, count):
        amounts = {
            day(on): value if value is None else ten_thousandths(value) for on, value in values.items()
        }
        self.source.change(self.of_source()[:count], amounts)


def test_after_any_writes_the_table_equals_the_rebuilt_and_totals_agree(db):
    run_state_machine_as_test(
        Writes, settings=settings(max_examples=30, stateful_step_count=20, deadline=None)
    )


def test_after_any_writes_all_of_this_is_true_with_another_source_of_values(db):
    run_state_machine_as_test(
        WritesWithAnotherSource, settings=settings(max_examples=30, stateful_step_count=20, deadline=None)
    )


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
    from assets.rates.readers import quotes_in
    from assets.rates.writer import add_rates

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
    ((level, text),) = daily_deltas_are_what_the_values_give()
    assert level is Level.FAIL
    assert str(wrong.pk) in text and str(day(1)) in text and "manage.py rebuild" in text
    rebuild(wrong.pk)
    assert [level for level, _ in daily_deltas_are_what_the_values_give()] == [Level.OK]


@pytest.mark.parametrize("broken", [{"owned_low": 1}, {"owned": b"odd"}, {"days": 0}, {"begun": b""}])
def test_doctor_finds_a_row_that_contradicts_itself(portfolio, broken):
    add_value(create_asset(portfolio), 5, day(3))
    MonthlyDeltas.objects.update(**broken)
    assert [level for level, _ in daily_deltas_are_what_the_values_give()] == [Level.FAIL]
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
    found = dict(values_around([row.pk for row in given]))
    assert found.keys() == {row.asset_id for row in given}
    for pk, around in found.items():
        touched = {row.on for row in given if row.asset_id == pk}
        days = sorted({row.on for row in rows if row.asset_id == pk})
        near = days[max(days.index(min(touched)) - 1, 0) : days.index(max(touched)) + 2]
        of_asset = sorted((row for row in rows if row.asset_id == pk), key=attrgetter("observed_at"))
        assert around.with_them.touched == around.without.touched == touched
        assert around.with_them.amounts == {row.on: row.value * 10_000 for row in of_asset if row.on in near}
        assert around.without.amounts == {
            row.on: row.value * 10_000 for row in of_asset if row.on in near and row not in given
        }


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


def test_doctor_names_the_first_months_that_are_wrong(portfolio):
    asset = wrong_months(portfolio, 6)
    found = list(monthly_values_are_what_the_values_give())
    assert {level for level, _ in found} == {Level.FAIL}
    assert len(found) == 6
    assert f"asset {asset.pk} is wrong in 1999-01. Run: python manage.py rebuild" in found[0][1]
    assert "and 2 more months" in found[-1][1]
    rebuild(portfolio.pk)
    assert [level for level, _ in monthly_values_are_what_the_values_give()] == [Level.OK]


def test_a_month_that_has_come_to_nothing_is_not_wrong(portfolio):
    snapshot = add_value(create_asset(portfolio), 5, day(3))
    snapshot.delete()
    assert MonthlyValues.objects.get().days == 0
    assert_in_step()
