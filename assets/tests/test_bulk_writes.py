"""bulk_create of many rows, by COPY or executemany, writes what Django's own statements would."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from assets.models import Asset, AssetSnapshot, HeldQuantities, MonthlyDeltas, Transaction
from assets.services.entries.stored_values import Moment
from assets.services.entries.value_batches import ValueRow, new_value
from assets.tests.upkeep import NOON, assert_in_step, day
from portfolios.models import Portfolio
from strata.audit import actor, tracking
from strata.audit.models import HistoryEntry, JournalEntry
from strata.db import bulk
from strata.db.errors.uniqueness import is_unique_violation
from strata.db.params import any_array_text
from tests.factories import create_asset

TEXTS = ("", "plain", "tab\tand\nline\r\nend", r"back\slash \N \. \t", "'\"", "Ünï 資 🙂", " ")
NUMBERS = ("0", "-0.0001", "99999999999999.9999", "12.5", "1.00")


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio)


def snapshots_of(assets, count):
    return [
        AssetSnapshot(
            asset=assets[number % len(assets)],
            value=Decimal(NUMBERS[number % len(NUMBERS)]),
            observed_at=NOON + timedelta(hours=number, microseconds=number),
            on=day(number // 24),
            note=TEXTS[number % len(TEXTS)],
        )
        for number in range(count)
    ]


def transactions_of(assets, count):
    return [
        Transaction(
            asset=assets[number % len(assets)],
            type="INCOME",
            amount=None if number % 3 else Decimal("12.3456"),
            quantity=Decimal("0.000000000000000001") if number % 2 else None,
            currency="EUR",
            occurred_at=NOON,
            on=NOON.date(),
            position=number,
            lots=[{"transaction_id": "x\ty", "quantity": "1.5"}] if number % 5 == 0 else None,
            note=TEXTS[number % len(TEXTS)],
            source="test",
            external_id=f"{number}" if number % 4 else None,
        )
        for number in range(count)
    ]


def assets_of(first, count):
    return [
        Asset(portfolio=first.portfolio, asset_type=first.asset_type, name=f"Straße {number}", currency="EUR")
        for number in range(count)
    ]


MADE = {
    AssetSnapshot: snapshots_of,
    Transaction: transactions_of,
    Asset: lambda assets, count: assets_of(assets[0], count),
}
OWN = ("id", "object_id", "first_id", "last_id", "at", "created_at", "updated_at")


def stored(rows):
    """The rows as they are read, their journal, and how often the revision was raised, without ids and times."""
    model, ids = type(rows[0]), [row.pk for row in rows]
    images = model._base_manager.filter(pk__among=ids).order_by("pk").values()
    lines = HistoryEntry.objects.of(ids).order_by("object_id").values()
    assert [row["id"] for row in images] == sorted(ids) == [line["object_id"] for line in lines]
    return [[{key: row[key] for key in row if key not in OWN} for row in each] for each in (images, lines)]


@pytest.mark.parametrize("model", MADE)
def test_many_rows_are_written_as_few_are(portfolio, alice_user, model, monkeypatch):
    assets, written = [create_asset(portfolio, name) for name in "abc"], []
    for least in (1, 1_000):
        monkeypatch.setattr(tracking, "MANY_ROWS", least)
        before = Portfolio.objects.get(pk=portfolio.pk).revision
        with actor.acting(user=alice_user, request_id="r", channel="api"), transaction.atomic():
            rows = model.objects.bulk_create(MADE[model](assets, 40))
            written.append((stored(rows), Portfolio.objects.get(pk=portfolio.pk).revision - before))
            assert not any(row._state.adding for row in rows)
            assert {row.created_by for row in rows} == {alice_user}
            assert len({(row.created_at, row.updated_at) for row in rows}) == 1
            assert_in_step()
            rows[0].delete()  # its guards are noted
            model.objects.filter(pk__in=[row.pk for row in rows]).delete()
    assert written[0] == written[1]


def test_the_rows_in_memory_have_what_was_stored(asset):
    rows = AssetSnapshot.objects.bulk_create(
        AssetSnapshot(
            asset=asset, value="1.5", observed_at=f"2026-01-01T00:00:00.{number:06}Z", on="2026-01-01"
        )
        for number in range(tracking.MANY_ROWS)
    )
    again = {row.pk: row for row in AssetSnapshot.objects.all()}
    names = ("value", "observed_at", "on", "note", "created_at")
    assert all(getattr(row, name) == getattr(again[row.pk], name) for row in rows for name in names)
    assert rows[1].on == date(2026, 1, 1)


def test_a_bad_value_among_many_writes_nothing(asset):
    rows = snapshots_of([asset], tracking.MANY_ROWS)
    rows[150].value = Decimal("1e14")
    lines = JournalEntry.objects.count()
    with pytest.raises(ValidationError), transaction.atomic():
        AssetSnapshot.objects.bulk_create(rows)
    assert (AssetSnapshot.objects.count(), JournalEntry.objects.count()) == (0, lines)


def test_two_equal_keys_among_many_are_a_unique_violation(asset):
    rows = snapshots_of([asset], tracking.MANY_ROWS)
    rows[150].observed_at, rows[150].on = rows[7].observed_at, rows[7].on
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        AssetSnapshot.objects.bulk_create(rows)
    assert is_unique_violation(error.value, AssetSnapshot)
    assert AssetSnapshot.objects.count() == 0  # the connection still works


def test_a_related_row_that_is_not_saved_is_refused(portfolio, asset):
    rows = assets_of(asset, tracking.MANY_ROWS)
    rows[3].portfolio = Portfolio(id=None, name="new", household=portfolio.household)
    with pytest.raises(ValueError, match="unsaved related object"), transaction.atomic():
        Asset.objects.bulk_create(rows)


def test_the_number_of_statements_is_that_of_few_rows(asset):
    counts = []
    for first, count in ((0, 5), (1, 600)):  # from 5 on, entries share a write
        rows = snapshots_of([asset], count)
        for row in rows:
            row.on += timedelta(days=400 * first)
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            AssetSnapshot.objects.bulk_create(rows)
        counts.append(len(queries))
    # PostgreSQL's COPY is no query of Django's
    assert counts[1] <= counts[0]


def test_a_new_value_has_each_column_in_its_place(asset):
    value = new_value(ValueRow(asset.pk, Decimal(5), note="x"), Moment(asset, day(1), NOON))
    named = AssetSnapshot(
        pk=value.pk,
        asset=asset,
        value=Decimal(5),
        on=day(1),
        observed_at=NOON,
        note="x",
        created_at=NOON,
        updated_at=NOON,
    )
    assert (vars(value).keys(), value.asset) == (vars(named).keys(), asset)
    assert {name: value for name, value in vars(value).items() if name != "_state"} == {
        name: value for name, value in vars(named).items() if name != "_state"
    }


@pytest.mark.parametrize(
    ("first", "step", "reads"),
    [
        (-400, 1, 1),  # before all others
        (400, 1, 1),  # after all others
        (2, 1, 1),  # January has another value too, which is read with them
        (-3, 6, 3),  # another value is between them
    ],
)
def test_new_values_are_read_again_only_where_others_are_between_them(asset, first, step, reads):
    AssetSnapshot.objects.create(asset=asset, value=7, on=day(0), observed_at=NOON)
    rows = [
        AssetSnapshot(asset=asset, value=number, on=day(first + step * number), observed_at=NOON)
        for number in range(60)
    ]
    with CaptureQueriesContext(connection) as queries:
        AssetSnapshot.objects.bulk_create(rows)
    # the journal's statement and Django's have the table in quotes
    assert sum("FROM assets_assetsnapshot" in query["sql"] for query in queries) == reads
    assert_in_step()


def test_of_several_new_values_of_a_day_the_last_instant_counts(asset):
    hours = (9, 23, 15)
    AssetSnapshot.objects.bulk_create(
        AssetSnapshot(asset=asset, value=hour, on=day(0), observed_at=NOON.replace(hour=hour))
        for hour in hours
    )
    assert_in_step()


def test_rows_are_inserted_or_replace_those_with_the_same_key(portfolio, monkeypatch):
    """Some hundred at a time: here three."""
    monkeypatch.setattr(bulk, "REPLACED_AT_ONCE", 3)
    keys = [create_asset(portfolio, f"{number}").pk for number in range(7)]

    def write(pks, days, units):
        rows = ((pk.hex, days, units) for pk in pks)
        bulk.replace_rows(HeldQuantities, ("asset", "days", "units"), rows, unique=("asset",))

    def stored():
        rows = HeldQuantities.objects.values_list("asset_id", "days", "units")
        return {pk: (bytes(days), units) for pk, days, units in rows}

    write(keys[:4], b"\0'\xff", "1,'2'")
    write(keys[3:], b"", "%s")
    assert stored() == {pk: (b"\0'\xff", "1,'2'") for pk in keys[:3]} | {pk: (b"", "%s") for pk in keys[3:]}
    with CaptureQueriesContext(connection) as seen:
        write([], b"", "")
    assert not seen


@pytest.mark.parametrize("text", [*TEXTS, "NULL", "{1,2}", "a,b", r"\x00", '\\"', "%s %% %(name)s"])
def test_replaced_rows_have_texts_and_bytes_as_they_were_given(portfolio, text):
    """On PostgreSQL they are elements of arrays, in which some characters are others."""
    keys = [create_asset(portfolio, f"{number}").pk for number in range(2)]
    stored_bytes = [text.encode(), bytes(range(256))]
    rows = [(pk.hex, own, text) for pk, own in zip(keys, stored_bytes, strict=True)]
    for _ in ("inserted", "replaced"):
        bulk.replace_rows(HeldQuantities, ("asset", "days", "units"), rows, unique=("asset",))
        stored = HeldQuantities.objects.order_by("asset").values_list("asset_id", "days", "units")
        assert {pk: (bytes(days), units) for pk, days, units in stored} == {
            pk: (own, text) for pk, own in zip(keys, stored_bytes, strict=True)
        }


@pytest.mark.on_postgresql
def test_replaced_rows_with_a_text_that_is_too_long_are_refused_and_not_cut(portfolio):
    columns = {
        field.name: "00" if field.name != "currency" else "EURO"
        for field in MonthlyDeltas._meta.concrete_fields
    }
    key = ("portfolio", "asset_type", "month", "currency")
    columns |= {"portfolio": portfolio.pk.hex, "asset_type": portfolio.pk.hex, "month": "2025-01-01"}
    with pytest.raises(DataError, match="too long"):
        bulk.replace_rows(MonthlyDeltas, [*columns], [[*columns.values()]], unique=key)


@pytest.mark.on_postgresql
def test_array_of_mixed_values_is_read_as_these_values(db):
    texts = [*TEXTS, None, "NULL", "{}", '"', "\\", ","]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::text[], %s::bytea[], %s::bigint[], %s::date[]",
            [
                any_array_text(texts),
                any_array_text([b"", b"\0\xff", bytearray(b"a"), memoryview(b"b"), None]),
                any_array_text([1, None, -(2**63)]),
                any_array_text([date.min, date.max, None]),
            ],
        )
        row = cursor.fetchone()
    assert row[0] == texts
    assert [None if each is None else bytes(each) for each in row[1]] == [b"", b"\0\xff", b"a", b"b", None]
    assert row[2:] == ([1, None, -(2**63)], [date.min, date.max, None])
