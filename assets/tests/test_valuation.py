"""The value of assets on days: by the grid and by the fold, in groups, and in a fixed number of queries."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from assets import valuation
from assets.classification.seeds import TypeId
from assets.models import (
    Asset,
    AssetCategory,
    AssetSnapshot,
    AssetTag,
    Category,
    MonthlyDeltas,
    MonthlyValues,
    Tag,
)
from assets.valuation import GROUPINGS, reading, totals_on
from assets.valuation.codecs.deltas import encode_numbers
from assets.valuation.reading import drop_zeros, from_series, from_values_in_sql
from assets.valuation.series import Column, ValueSeries
from assets.valuation.sql import months
from portfolios.models import Household, Portfolio
from strata.audit import clock
from tests.factories import FIRST_DAY, add_value, create_asset, day

EURO = 10_000
WEEKS = [day(number) for number in (0, 7, 14, 21)]
DAYS = [day(number) for number in range(22)]


@pytest.fixture
def checking(portfolio):
    asset = create_asset(portfolio, "Checking")
    add_value(asset, "100", day(3))
    add_value(asset, "-40", day(14))
    return asset


@pytest.fixture
def shares(portfolio):
    asset = create_asset(portfolio, "Shares", asset_type=TypeId.STOCKS, currency="USD", disposed_on=day(18))
    add_value(asset, "5", day(0))
    return asset


@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
def test_each_day_has_the_newest_values_owned_and_owed_apart(portfolio, checking, shares, days):
    totals = totals_on([portfolio.pk], days)
    euros, dollars = totals.columns[(), "EUR"], totals.columns[(), "USD"]
    at = [days.index(week) for week in WEEKS]
    assert [euros.owned[n] for n in at] == [0, 100 * EURO, 0, 0]
    assert [euros.owed[n] for n in at] == [0, 0, -40 * EURO, -40 * EURO]
    assert [dollars.owned[n] for n in at] == [5 * EURO, 5 * EURO, 5 * EURO, 0]


@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
def test_later_instant_of_a_day_wins(portfolio, days):
    asset = create_asset(portfolio)
    add_value(asset, "2", day(7), hour=20)
    add_value(asset, "1", day(7), hour=8)
    assert totals_on([portfolio.pk], days).columns[(), "EUR"].owned[days.index(day(7))] == 2 * EURO


def test_keys_are_ids_and_codes(portfolio, checking, shares):
    totals_by_grouping = {
        group_by: {keys for keys, _ in totals_on([portfolio.pk], WEEKS, group_by=group_by).columns}
        for group_by in valuation.COLUMNS
    }
    assert totals_by_grouping == {
        "type": {(UUID(TypeId.CHECKING_ACCOUNT),), (UUID(TypeId.STOCKS),)},
        "group": {("FINANCIAL",)},
        "liquidity": {(True,)},
        "institution": {("",)},
        "currency": {("EUR",), ("USD",)},
        "portfolio": {(portfolio.pk,)},
        "asset": {(checking.pk,), (shares.pk,)},
    }


@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
def test_asset_with_several_tags_stands_in_one_column_of_all_of_them(portfolio, checking, shares, days):
    tags = [Tag.objects.create(household=portfolio.household, name=name) for name in "ab"]
    for tag in tags:
        AssetTag.objects.create(asset=checking, tag=tag)
    totals = totals_on([portfolio.pk], days, group_by="tag")
    assert {tuple(sorted(keys)) for keys, _ in totals.columns} == {tuple(sorted(t.pk for t in tags)), ()}
    assert totals.overlap


def test_key_map_rolls_categories_up(portfolio, checking):
    top = Category.objects.create(household=portfolio.household, name="Top")
    below = [Category.objects.create(household=portfolio.household, name=n, parent=top) for n in "ab"]
    for category in below:
        AssetCategory.objects.create(asset=checking, category=category)
    key_map = {category.pk: top.pk for category in below}
    totals = totals_on([portfolio.pk], WEEKS, group_by="category", key_map=key_map)
    assert set(totals.columns) == {((top.pk,), "EUR")}


def test_group_that_is_zero_throughout_is_left_out(portfolio, checking):
    create_asset(portfolio, "Nothing", asset_type=TypeId.REAL_ESTATE)
    add_value(create_asset(portfolio, "Empty", asset_type=TypeId.STOCKS), "0", day(0))
    for days in (WEEKS, DAYS):
        assert set(totals_on([portfolio.pk], days, group_by="type").columns) == {
            ((UUID(TypeId.CHECKING_ACCOUNT),), "EUR")
        }


def test_sum_beyond_a_bigint_is_exact(portfolio):
    """A thousand of the largest values: more than 2**63 ten-thousandths."""
    assets = Asset.objects.bulk_create(
        Asset(portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name=f"Rich {n}", currency="EUR")
        for n in range(1000)
    )
    most = Decimal("99999999999999.9999")
    at = datetime(2024, 1, 1, 12, tzinfo=UTC)
    AssetSnapshot.objects.bulk_create(
        AssetSnapshot(asset=asset, value=sign * most, observed_at=at + timedelta(days=on), on=day(on))
        for asset in assets
        for on, sign in ((0, 1), (7, -1))
    )
    for days in (WEEKS[:2], DAYS[:8]):
        column = totals_on([portfolio.pk], days).columns[(), "EUR"]
        assert column == Column(
            (*[1000 * (10**18 - 1)] * (len(days) - 1), 0), (*[0] * (len(days) - 1), -1000 * (10**18 - 1))
        )


def test_portfolios_not_asked_for_count_nothing(portfolio, checking, household):
    other = Portfolio.objects.create(household=household, name="Other", time_zone="UTC")
    add_value(create_asset(other), "7", day(0))
    assert totals_on([other.pk], WEEKS).columns[(), "EUR"].owned == (7 * EURO,) * 4
    assert totals_on([], WEEKS).columns == {}


def test_no_days_no_columns(portfolio, checking):
    assert totals_on([portfolio.pk], []).columns == {}


@pytest.mark.parametrize("group_by", [None, *GROUPINGS])
@pytest.mark.parametrize("days", [WEEKS, DAYS], ids=["weeks", "days"])
def test_totals_of_values_take_a_fixed_number_of_queries(
    portfolio, checking, shares, group_by, days, django_assert_num_queries
):
    with django_assert_num_queries(3 if group_by in valuation.LABELS else 2):
        totals_on([portfolio.pk], days, group_by=group_by, derived=False)


@pytest.mark.parametrize("group_by", reading.DELTA_KEY_COLUMNS)
def test_totals_of_deltas_take_one_query_and_groups_one_more(
    portfolio, checking, shares, group_by, django_assert_num_queries
):
    with django_assert_num_queries(2 if group_by in ("group", "liquidity") else 1):
        totals_on([portfolio.pk], DAYS, group_by=group_by)


@pytest.mark.parametrize("group_by", sorted(reading.DELTAS_OF_TYPES, key=str))
def test_deltas_tell_apart_what_is_liquid(portfolio, checking, shares, group_by, django_assert_num_queries):
    add_value(create_asset(portfolio, "Car", asset_type=TypeId.VEHICLE), "9", day(2))
    with django_assert_num_queries(2):
        by_deltas = totals_on([portfolio.pk], DAYS, group_by=group_by, liquid_apart=True)
    assert {keys[0] for keys, _ in by_deltas.columns} == {True, False}
    assert by_deltas == totals_on([portfolio.pk], DAYS, group_by=group_by, liquid_apart=True, derived=False)


@pytest.mark.parametrize("days", [DAYS, [day(30 * number) for number in range(5)]], ids=["days", "months"])
def test_deltas_of_all_types_are_found_by_the_index(portfolio, checking, days):
    plans = []

    def explained(execute, sql, params, many, context):
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        execute(f"{explain} {sql}", params, many, context)
        plans.append(str(context["cursor"].fetchall()))
        return execute(sql, params, many, context)

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    with connection.execute_wrapper(explained):
        totals_on([portfolio.pk], days)
    index = (
        "assets_monthlydeltas_pkey" if connection.vendor == "postgresql" else "autoindex_assets_monthlydeltas"
    )
    assert plans[-1].count(index) == 2
    assert "asset_type_id=?" in plans[-1] or "asset_type_id = " in plans[-1]


def test_what_is_stored_is_not_read_where_it_is_not_wanted(portfolio, checking):
    MonthlyDeltas.objects.update(owned=encode_numbers([1, 0]))
    from_table, from_values = (totals_on([portfolio.pk], DAYS, derived=derived) for derived in (True, False))
    assert from_table != from_values
    assert from_values.columns[(), "EUR"].owned[3] == 100 * EURO


def value_series_of(portfolio, *, start: int, end: int, **options) -> dict:
    refs = valuation.asset_refs([portfolio.pk], None, {})
    pairs = valuation.value_series(refs, start=day(start), end=day(end), **options)
    return {asset.id: series for asset, series in pairs}


def test_value_series_open_with_the_newest_value_before_the_start(portfolio, checking, shares):
    series_of = value_series_of(portfolio, start=5, end=14)
    assert series_of[checking.pk] == ValueSeries(
        "EUR", (day(3), day(14)), array("q", [100 * EURO, -40 * EURO])
    )
    assert series_of[shares.pk] == ValueSeries("USD", (day(0),), array("q", [5 * EURO]), day(18))


def test_value_series_leave_out_what_comes_after_the_end(portfolio, checking):
    assert value_series_of(portfolio, start=1, end=13)[checking.pk].days == (day(3),)
    assert value_series_of(portfolio, start=1, end=2)[checking.pk].days == ()


def test_value_series_take_a_fixed_number_of_queries(portfolio, checking, shares, django_assert_num_queries):
    for end, queries in ((9, 2), (99, 3)):
        with django_assert_num_queries(queries):
            value_series_of(portfolio, start=0, end=end, reported_in="EUR")


def test_value_series_in_the_currency_reported_in_have_the_months_at_their_ends_only(portfolio, monkeypatch):
    kept, gone = create_asset(portfolio, "Kept"), create_asset(portfolio, "Gone", disposed_on=day(70))
    for asset in (kept, gone):
        for on in range(9, 100, 10):  # 9, 19 and 29 are in January, 99 alone in April
            add_value(asset, on, day(on))

    def days(asset, start, end):
        monkeypatch.setattr(reading, "A_MONTH", 0)
        series = value_series_of(portfolio, start=start, end=end, reported_in="EUR")[asset.pk]
        return [(on - FIRST_DAY).days for on in series.days]

    assert days(kept, 25, 95) == [19, 29, 69, 79, 89]
    assert days(kept, 5, 99) == [9, 19, 29, 99]
    assert days(kept, -9, 8) == []
    assert days(kept, 30, 40) == [29, 39]
    assert days(gone, 25, 69) == [19, 29, 69]
    assert days(gone, 25, 95) == [19, 29, 39, 49, 59, 69, 79, 89]  # the eve of the disposal may be in any
    assert days(gone, 25, 70) == [19, 29, 39, 49, 59, 69]
    assert days(gone, 75, 99) == [69, 79, 89, 99]


@pytest.mark.parametrize(
    "start, end, wanted", [(40, 99, [31, 91]), (31, 60, [31]), (30, 60, [31]), (32, 90, [31])]
)
def test_value_series_open_with_the_month_of_the_newest_value(portfolio, start, end, wanted):
    asset = create_asset(portfolio, currency="USD")
    for on in (31, 91):  # the first days of February and April, in a leap year
        add_value(asset, on, day(on))
    assert list(value_series_of(portfolio, start=start, end=end)[asset.pk].days) == [day(on) for on in wanted]


def test_month_that_came_to_nothing_opens_no_series(portfolio):
    asset = create_asset(portfolio, currency="USD")
    add_value(asset, 5, day(0))
    add_value(asset, 6, day(40)).delete()
    assert list(value_series_of(portfolio, start=60, end=90)[asset.pk].values) == [5 * EURO]
    assert list(value_series_of(portfolio, start=60, end=90, reported_in="USD")[asset.pk].values) == [
        5 * EURO
    ]


def test_month_that_came_to_nothing_is_not_the_first(portfolio):
    asset = create_asset(portfolio)
    add_value(asset, 5, day(0)).delete()
    for on in (40, 70, 100):
        add_value(asset, on, day(on))
    series = value_series_of(portfolio, start=-1, end=120, reported_in="EUR")[asset.pk]
    assert series.days == (day(40), day(100))


@pytest.mark.parametrize("reported_in", [None, "EUR"])
def test_many_months_are_read_as_few_are(portfolio, checking, shares, monkeypatch, reported_in):
    few = value_series_of(portfolio, start=2, end=99, reported_in=reported_in)
    monkeypatch.setattr(months, "MONTHS_AT_ONCE", 0)
    monkeypatch.setattr(months, "fetch_rows", None)  # all at once
    assert value_series_of(portfolio, start=2, end=99, reported_in=reported_in) == few != {}


def test_value_series_come_from_the_monthly_values_but_not_under_known_at(portfolio, checking):
    MonthlyValues.objects.update(days=0b11)
    assert value_series_of(portfolio, start=0, end=20)[checking.pk].days == (day(0), day(1))
    with clock.set_back(datetime(2024, 6, 1, tzinfo=UTC)):
        assert value_series_of(portfolio, start=0, end=20)[checking.pk].days == (day(3), day(14))


VALUES = st.lists(
    st.tuples(st.integers(0, 21), st.integers(0, 23), st.integers(-3, 3)),
    max_size=6,
    unique_by=lambda v: v[:2],
)
ASSETS = st.lists(
    st.tuples(
        st.sampled_from([TypeId.CHECKING_ACCOUNT, TypeId.REAL_ESTATE]),
        st.sampled_from(["EUR", "USD"]),
        st.none() | st.integers(0, 21),
        VALUES,
    ),
    max_size=4,
)


class GridAndFold(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(ASSETS, st.lists(st.integers(-2, 23), min_size=1, max_size=6, unique=True))
    def test_agree(self, assets, numbers):
        portfolio = Portfolio.objects.create(
            household=Household.objects.create(name="H"), name="P", time_zone="UTC"
        )
        for asset_type, currency, gone, values in assets:
            asset = create_asset(
                portfolio,
                asset_type=asset_type,
                currency=currency,
                disposed_on=None if gone is None else day(gone),
            )
            for on, hour, value in values:
                add_value(asset, value, day(on), hour=hour)
        days = sorted(map(day, numbers))
        for group_by in (None, *GROUPINGS):
            refs = valuation.asset_refs([portfolio.pk], group_by, {})
            grid, folded = (drop_zeros(read(refs, days)) for read in (from_values_in_sql, from_series))
            assert grid == folded


@pytest.mark.django_db
def test_no_assets_no_value_series():
    assert list(valuation.value_series([], start=day(0), end=day(9))) == []
