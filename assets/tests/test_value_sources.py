"""Several value sources: an asset has one of them, and every reader follows. Derived data has no past."""

from __future__ import annotations

import ast
import inspect
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from assets import valuation
from assets.classification.seeds import TypeId
from assets.doctor import (
    deltas_are_what_the_values_give,
    gaps_are_what_the_values_give,
    monthly_values_are_what_the_values_give,
)
from assets.models import Asset, AssetSnapshot, MonthlyDeltas, MonthlyValues, ValueGap
from assets.prices import store
from assets.services.entries.disposal import dispose
from assets.valuation import deltas, gaps, months, quantities, reading, registry, upkeep
from assets.valuation.protocol import EditTarget, Gap, MissingPrice, Window
from assets.valuation.sources.snapshots import Snapshots
from assets.valuation.sql import deltas as deltas_sql
from assets.valuation.sql import forgotten as forgotten_sql
from assets.valuation.sql import gaps as gaps_sql
from assets.valuation.sql import months as months_sql
from strata.audit import clock
from strata.doctor import Level
from strata.fields.ids import uuid7
from tests.factories import add_value, create_asset, day
from tests.fake_source import FakeSource, register
from tests.strata_apps import APPS

EURO = 10_000
PAST = datetime(2024, 6, 1, tzinfo=UTC)
WEEKS = [day(number) for number in (0, 7, 14, 21)]
DAYS = [day(number) for number in range(22)]


@pytest.fixture
def recorded(portfolio):
    """An asset with a snapshot of 5 on day 3."""
    asset = create_asset(portfolio, "Recorded")
    add_value(asset, 5, day(3))
    return asset


@pytest.fixture
def loan(portfolio, source):
    """An asset of the other source: -100 from day 2 on, -90 from day 14 on. Its snapshot of 7 counts nothing."""
    asset = create_asset(portfolio, "Loan", asset_type=TypeId.MORTGAGE)
    add_value(asset, 7, day(5))
    source.value_assets({asset.pk: {day(2): -100 * EURO, day(14): -90 * EURO}})
    return asset


def levels_of(findings) -> set[Level]:
    return {level for level, _ in findings}


def assert_in_step(portfolio) -> None:
    assert not upkeep.is_outdated(portfolio.pk)


# --- the registry ---


def test_each_asset_has_the_source_that_it_names(db, source, django_assert_num_queries):
    first, second = uuid7(), uuid7()
    with django_assert_num_queries(0):
        split = [(each.name, ids) for each, ids in registry.by_source({first: "fake", second: "manual"})]
    assert split == [("fake", [first]), ("manual", [second])]
    assert list(registry.by_source({})) == []
    assert registry.is_stored("fake") is source.is_stored


@pytest.mark.parametrize("is_stored", [True, False])
def test_name_of_a_source_is_its_own(source, is_stored):
    with pytest.raises(TypeError, match="'fake'"):
        register(FakeSource(is_stored=is_stored))


def test_reports_of_assets_that_are_valued_by_hand_ask_for_no_others(
    portfolio, recorded, source, django_assert_num_queries
):
    with django_assert_num_queries(1):
        valuation.totals_on([portfolio.pk], DAYS)
    with django_assert_num_queries(1):
        valuation.amounts_on([portfolio.pk], day(7))
    with django_assert_num_queries(1):
        list(valuation.with_current_value(Asset.objects.select_related("portfolio"), day(9)))
    with django_assert_num_queries(1):
        list(valuation.with_first_value(Asset.objects.all()))


# --- what the public functions say with two sources ---


@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
@pytest.mark.parametrize("group_by", [None, "asset"])
@pytest.mark.parametrize("derived", [True, False])
def test_totals_have_each_asset_from_its_source(portfolio, recorded, loan, days, group_by, derived):
    totals = valuation.totals_on([portfolio.pk], days, group_by=group_by, derived=derived)
    at = [days.index(week) for week in WEEKS]
    owned, owed = (
        [sum(getattr(column, side)[n] for column in totals.columns.values()) for n in at]
        for side in ("owned", "owed")
    )
    assert owned == [0, 5 * EURO, 5 * EURO, 5 * EURO]
    assert owed == [0, -100 * EURO, -90 * EURO, -90 * EURO]


@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
def test_totals_without_derived_data_read_none_of_any_source(portfolio, loan, days):
    before = valuation.totals_on([portfolio.pk], days)
    MonthlyValues.objects.all().delete()
    MonthlyDeltas.objects.all().delete()
    assert valuation.totals_on([portfolio.pk], days, derived=False) == before


def test_amounts_have_each_asset_from_its_source(portfolio, recorded, loan):
    assert valuation.amounts_on([portfolio.pk], day(1)) == {}
    assert valuation.amounts_on([portfolio.pk], day(7)) == {portfolio.pk: {"EUR": Decimal(-95)}}
    Asset.objects.filter(pk=loan.pk).update(disposed_on=day(20))
    assert valuation.amounts_on([portfolio.pk], day(19)) == {portfolio.pk: {"EUR": Decimal(-85)}}
    assert valuation.amounts_on([portfolio.pk], day(20)) == {portfolio.pk: {"EUR": Decimal(5)}}
    Asset.objects.update(disposed_on=day(20))
    assert valuation.amounts_on([portfolio.pk], day(20)) == {}


def test_current_values_can_be_sorted_by_whatever_they_come_from(recorded, loan):
    rows = valuation.with_current_value(Asset.objects.all(), day(9), in_sql=True).order_by("current_value")
    assert list(rows.values_list("name", "current_value", "current_value_on")) == [
        ("Loan", Decimal(-100), day(2)),
        ("Recorded", Decimal(5), day(3)),
    ]


def test_days_with_values_are_those_of_the_source(recorded, loan):
    add_value(recorded, 6, day(8))
    assert valuation.value_days({recorded.pk: "manual", loan.pk: "fake"}) == {
        recorded.pk: (day(3), day(8)),
        loan.pk: (day(2), day(14)),
    }
    rows = valuation.with_first_value(Asset.objects.all())
    assert dict(rows.values_list("name", "first_value_on")) == {"Recorded": day(3), "Loan": day(2)}


def test_no_asset_is_disposed_of_before_its_first_value(loan):
    with pytest.raises(ValidationError, match="first value"):
        dispose(loan.pk, on=day(1))
    assert dispose(loan.pk, on=day(2)).disposed_on == day(2)


def test_row_to_edit_is_that_of_the_source(recorded, loan):
    last = add_value(recorded, 6, day(3), hour=20)
    asked = [(recorded.pk, day(3)), (recorded.pk, day(4)), (loan.pk, day(2)), (loan.pk, day(5))]
    assert valuation.edit_targets(asked, {recorded.pk: "manual", loan.pk: "fake"}) == {
        (recorded.pk, day(3)): EditTarget("assets.AssetSnapshot", last.pk),
        (loan.pk, day(2)): EditTarget("assets.Asset", loan.pk),
    }


def test_missing_price_is_said_by_the_source(recorded, loan, source, django_assert_num_queries):
    source.amounts[loan.pk] |= {day(16): None}
    asked = [(recorded.pk, day(4)), (loan.pk, day(16)), (loan.pk, day(1))]
    with django_assert_num_queries(0):
        missing = registry.missing_prices(asked, {recorded.pk: "manual", loan.pk: "fake"})
    assert missing == {
        (loan.pk, day(16)): MissingPrice(None, day(14)),
        (loan.pk, day(1)): MissingPrice(None, None),
    }


# --- derived data of two sources ---


def test_snapshot_of_an_asset_of_another_source_changes_no_derived_data(portfolio, loan):
    def derived():
        return deltas.stored(portfolio.pk), months.stored([loan.pk])

    before = derived()
    late = add_value(loan, 8, day(10))
    assert derived() == before
    AssetSnapshot.objects.filter(pk=late.pk).update(on=day(11), value=9)
    assert derived() == before
    AssetSnapshot.objects.filter(asset=loan).first().delete()
    assert derived() == before


def test_asset_that_changes_its_source_has_its_values_there_at_once(portfolio, loan, source):
    source.leave_assets([loan.pk])
    assert_in_step(portfolio)
    assert valuation.totals_on([portfolio.pk], DAYS).columns[(), "EUR"].owned[5:] == (7 * EURO,) * 17


def test_one_write_may_concern_assets_of_several_sources(portfolio, recorded, loan, source):
    captured = upkeep.capture([recorded.pk, loan.pk], [day(2), day(3)])
    source.amounts[loan.pk][day(2)] = -99 * EURO
    upkeep.update(captured)
    assert_in_step(portfolio)


def test_doctor_finds_and_rebuild_fixes_what_is_wrong_of_another_source(portfolio, recorded, loan):
    MonthlyDeltas.objects.update(owed_low=1)
    MonthlyValues.objects.update(days=1)
    checks = (deltas_are_what_the_values_give, monthly_values_are_what_the_values_give)
    assert [levels_of(check()) for check in checks] == [{Level.FAIL}, {Level.FAIL}]
    upkeep.rebuild(portfolio.pk)
    assert [levels_of(check()) for check in checks] == [{Level.OK}, {Level.OK}]
    assert valuation.totals_on([portfolio.pk], DAYS).columns[(), "EUR"].owed[-1] == -90 * EURO


@pytest.mark.parametrize(
    "touched, near",
    [([6], [3, 6, 9]), ([7], [6, 9]), ([1], [3]), ([3, 9], [3, 6, 9, 12]), ([12], [9, 12]), ([20], [12])],
)
def test_window_goes_from_the_value_before_to_the_value_after(portfolio, touched, near):
    asset = create_asset(portfolio)
    for on in (3, 6, 9, 12):
        add_value(asset, on, day(on), hour=20)
        add_value(asset, 1, day(on), hour=8)
    ((pk, window),) = Snapshots().windows([asset.pk], [day(on) for on in touched])
    amounts = {day(on): on * EURO for on in near}
    assert (pk, window) == (asset.pk, Window(amounts, frozenset(map(day, {*touched} & {*near}))))
    assert list(window.amounts) == sorted(window.amounts)


def test_no_window_where_nothing_is_touched(recorded, portfolio):
    assert list(Snapshots().windows([recorded.pk], [])) == []
    assert list(Snapshots().windows([create_asset(portfolio).pk], [day(3)])) == []


# --- gaps: no price counts ---


@pytest.fixture
def shares(portfolio, source):
    """An asset of the other source: 50 from day 2 on, no value from day 7 on, 60 from day 14 on."""
    asset = create_asset(portfolio, "Shares", asset_type=TypeId.STOCKS)
    source.value_assets({asset.pk: {day(2): 50 * EURO, day(7): None, day(14): 60 * EURO}})
    return asset


@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
@pytest.mark.parametrize("group_by", [None, "asset"])
@pytest.mark.parametrize("derived", [True, False])
def test_totals_name_the_gaps_of_their_days(portfolio, recorded, shares, days, group_by, derived):
    totals = valuation.totals_on([portfolio.pk], days, group_by=group_by, derived=derived)
    assert totals.gaps == (Gap(shares.pk, day(7), day(14)),)
    assert [totals.gaps[0].has(day(number)) for number in (6, 7, 13, 14)] == [False, True, True, False]
    assert valuation.totals_on([portfolio.pk], days[:1], group_by=group_by, derived=derived).gaps == ()


@pytest.mark.parametrize("group_by", [None, "asset"])
def test_totals_of_ends_of_months_name_their_gaps(portfolio, recorded, shares, source, group_by):
    source.value_assets({shares.pk: {day(2): 50 * EURO, day(70): None, day(100): 60 * EURO}})
    days = [day(0), day(30), day(59), day(90), day(120)]  # the first, and ends of months
    totals = valuation.totals_on([portfolio.pk], days, group_by=group_by)
    assert totals.gaps == (Gap(shares.pk, day(70), day(100)),)
    owned = [sum(column.owned[n] for column in totals.columns.values()) for n in range(5)]
    assert owned == [0, 55 * EURO, 55 * EURO, 5 * EURO, 65 * EURO]


def test_part_of_a_shared_asset_is_in_totals_of_ends_of_months(portfolio, recorded):
    Asset.objects.filter(pk=recorded.pk).update(shares="0.5")
    totals = valuation.totals_on([portfolio.pk], [day(30), day(59), day(90)], group_by="asset")
    assert totals.columns[(recorded.pk,), "EUR"].owned == (25_000,) * 3


def test_gap_of_an_asset_that_does_not_count_is_named_where_it_does(portfolio, shares):
    Asset.objects.update(counts_in_net_worth=False)
    assert valuation.totals_on([portfolio.pk], WEEKS).gaps == ()
    assert len(valuation.totals_on([portfolio.pk], WEEKS, include_all=True).gaps) == 1
    assert valuation.amounts_and_gaps_on([portfolio.pk], day(8)) == ({}, ())
    assert len(valuation.amounts_and_gaps_on([portfolio.pk], day(8), include_all=True)[1]) == 1


def test_gap_ends_with_the_disposal(portfolio, shares):
    Asset.objects.update(disposed_on=day(9))
    assert valuation.totals_on([portfolio.pk], DAYS).gaps == (Gap(shares.pk, day(7), day(9)),)
    Asset.objects.update(disposed_on=day(7))
    assert valuation.totals_on([portfolio.pk], DAYS).gaps == ()


@pytest.mark.parametrize("source", [True], indirect=True, ids=["stored"])
def test_gaps_cost_a_query_where_there_are_any(portfolio, recorded, source, django_assert_num_queries):
    asset = create_asset(portfolio)
    source.value_assets({asset.pk: {day(2): 50 * EURO}})
    with django_assert_num_queries(1):
        valuation.totals_on([portfolio.pk], DAYS)
    source.change([asset.pk], {}, gaps=[day(7)])
    for days in (DAYS[:7], [day(1)]):
        with django_assert_num_queries(1):
            assert valuation.totals_on([portfolio.pk], days).gaps == ()
    with django_assert_num_queries(2):
        assert len(valuation.totals_on([portfolio.pk], DAYS).gaps) == 1


def test_doctor_finds_and_rebuild_fixes_gaps_that_are_wrong(portfolio, shares, source):
    if source.is_stored:
        ValueGap.objects.update(end_on=None)
    else:
        ValueGap.objects.create(asset=shares, start_on=day(1))
    assert levels_of(gaps_are_what_the_values_give()) == {Level.FAIL}
    assert upkeep.compare_and_rebuild(portfolio.pk)
    assert levels_of(gaps_are_what_the_values_give()) == {Level.OK}
    assert ValueGap.objects.count() == source.is_stored


# --- known_at ---


def columns(portfolio, days, group_by):
    return valuation.totals_on([portfolio.pk], days, group_by=group_by).columns


@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
@pytest.mark.parametrize("group_by", [None, "asset"])
def test_past_is_the_same_and_is_not_read_from_derived_tables(portfolio, recorded, loan, days, group_by):
    totals = columns(portfolio, days, group_by)
    amounts = valuation.amounts_on([portfolio.pk], day(9))
    MonthlyValues.objects.all().delete()
    MonthlyDeltas.objects.all().delete()
    with clock.set_back(PAST):
        assert columns(portfolio, days, group_by) == totals != {}
        assert valuation.amounts_on([portfolio.pk], day(9)) == amounts
        rows = valuation.with_current_value(Asset.objects.filter(pk=loan.pk), day(9))
        assert rows.get().current_value == -100


@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
def test_gaps_of_the_past_are_not_read_from_their_table(portfolio, shares, days):
    gaps_of_days = valuation.totals_on([portfolio.pk], days).gaps
    gaps_of_day = valuation.amounts_and_gaps_on([portfolio.pk], day(9))[1]
    ValueGap.objects.all().delete()
    with clock.set_back(PAST):
        assert valuation.totals_on([portfolio.pk], days).gaps == gaps_of_days != ()
        assert valuation.amounts_and_gaps_on([portfolio.pk], day(9))[1] == gaps_of_day != ()


READERS = {
    "months_of_deltas": lambda: deltas_sql.months_of_deltas([], WEEKS),
    "first_day_of_deltas": lambda: deltas_sql.first_day_of_deltas([]),
    "values_in_months": lambda: months_sql.values_in_months([], day(0), day(9)),
    "values_at_the_ends": lambda: months_sql.values_at_the_ends([], day(0), day(9)),
    "last_values_of_months": lambda: months_sql.last_values_of_months([], day(0), day(9)),
    "gaps_between": lambda: gaps_sql.gaps_between([], day(0), day(9)),
    "gaps_of_assets": lambda: gaps_sql.gaps_of_assets([], day(0), day(9)),
}
COMPARED = {
    "deltas": lambda: deltas.stored(Asset().pk),
    "stored_deltas": lambda: deltas.stored_deltas([]),
    "months": lambda: months.stored([]),
    "gaps": lambda: gaps.stored([]),
    "quantities": lambda: quantities.stored([]),
    "packs": lambda: store.stored_packs_of([], 2024, 2024),
    "forgotten_packs": lambda: store.forgotten_among([]),
    "forgotten": lambda: forgotten_sql.forgotten_among([]),
    "is_forgotten": lambda: upkeep.is_forgotten(Asset().pk),
}


@pytest.mark.parametrize("read", [*READERS.values(), *COMPARED.values()], ids=[*READERS, *COMPARED])
def test_reader_of_a_derived_table_refuses_the_past_when_it_is_called(read):
    with clock.set_back(PAST), pytest.raises(clock.DerivedDataHasNoPast):
        read()


def test_every_reader_of_a_derived_table_is_in_the_test_above():
    public = {
        name
        for module in (deltas_sql, gaps_sql, months_sql)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and name[0] != "_"
    }
    assert public == {*READERS}


def test_no_generator_asks_for_the_present():
    """Its first line is run with its first row, perhaps after the past."""
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        text = path.read_text()
        functions = ast.walk(ast.parse(text)) if "require_present()" in text else ()
        for function in functions:
            if isinstance(function, ast.FunctionDef) and "require_present()" in ast.unparse(function):
                assert not any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function)), (
                    f"{path}: {function.name}"
                )


def test_clock_is_asked_by_the_choice_of_the_reader_alone():
    tree = ast.parse(inspect.getsource(reading))
    asking = {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and "clock." in ast.unparse(function)
    }
    assert asking == {"choose_reader"}


def test_present_has_derived_data():
    clock.require_present()
    assert reading.choose_reader((day(0), day(9))) is reading.Reader.MONTHS
    with clock.set_back(PAST):
        assert reading.choose_reader((day(0), day(9))) is reading.Reader.SOURCES
        assert reading.choose_reader(DAYS, by_deltas=True) is reading.Reader.SOURCES


# --- nobody else knows where values come from ---

ROOT = Path(__file__).resolve().parents[2]
MAY_NAME_SNAPSHOTS = (
    "assets/valuation/sources/",
    "assets/models/",
    "assets/services/",
    "assets/api/",
    "assets/admin/",
    "demo/",
    "imports/services/",  # what a file records, and its undo removes
    "reports/exports/",  # the recorded values themselves, as the import reads them
    "archives/",  # the recorded rows as they are stored
)


def names_snapshots(path: Path) -> bool:
    """Whether the file names the model or its table."""
    words = ast.walk(ast.parse(path.read_text()))
    texts = (getattr(node, field, "") for node in words for field in ("id", "name", "attr", "value"))
    named = [text for text in texts if isinstance(text, str)]
    return any(text == "AssetSnapshot" or "assets_assetsnapshot" in text for text in named)


def test_no_other_file_names_the_snapshots():
    files = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    product = [path for path in files if not {"tests", "migrations"} & set(path.parts)]
    naming = {str(path.relative_to(ROOT)) for path in product if names_snapshots(path)}
    assert "assets/valuation/sources/snapshots_sql.py" in naming
    assert {name for name in naming if not name.startswith(MAY_NAME_SNAPSHOTS)} == set()
