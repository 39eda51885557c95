"""An undo of many rows takes as many statements as one of few, and a batch of values is one undo."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import AssetSnapshot
from strata.audit import actor
from tests.dumps import dump
from tests.factories import create_asset, day
from tests.undo_requests import API, add, done, undo


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Checking account")


def values(asset, count, *, first=0):
    return [
        AssetSnapshot(asset=asset, value=number, on=day(first + number), observed_at=noon(first + number))
        for number in range(count)
    ]


def noon(number):
    return timezone.datetime(2024, 1, 1, 12, tzinfo=timezone.get_default_timezone()) + timezone.timedelta(
        days=number
    )


def statements_of_a_round(alice, alice_user, asset, count):
    """How many statements it takes to undo so many new values, and to undo that."""
    request_id = f"batch{count}"
    with actor.acting(user=alice_user, request_id=request_id, channel="api"):
        AssetSnapshot.objects.bulk_create(values(asset, count, first=count * 100))
    with CaptureQueriesContext(
        connection,
    ) as first:
        undone = undo(alice, request_id)
    assert done(undone)["removed"] == count
    with CaptureQueriesContext(connection) as second:
        assert done(undo(alice, undone))["restored"] == count
    return len(first), len(second)


def test_statements_do_not_depend_on_the_number_of_rows(alice, alice_user, asset):
    statements_of_a_round(alice, alice_user, asset, 1)  # the first of a process also reads what is kept
    # From five rows on, their entries share a row of the journal, which is one statement more.
    few = statements_of_a_round(alice, alice_user, asset, 6)
    many = statements_of_a_round(alice, alice_user, asset, 60)
    assert few == many


def test_batch_of_values_is_one_undo(alice, portfolio, asset):
    other = create_asset(portfolio, "Savings")
    add(alice, asset, "1", on="2026-11-30")
    before = dump(portfolio.household)

    def rows(count):
        return [
            {"asset_id": str(pk), "on": str(day(number, first=date(2026, 11, 1))), "value": "5", "note": "x"}
            for pk in (asset.pk, other.pk)
            for number in range(count)
        ]

    few, many = (undo_of_a_batch(alice, rows(count)) for count in (30, 40))
    assert few == many
    assert dump(portfolio.household) == before
    event, batch, *_ = done(alice.get(f"{API}/portfolios/{portfolio.pk}/history"))["results"]
    assert (event["action"], event["count"], event["undo_of"]) == ("undo", 80, batch["request_id"])
    assert (batch["action"], batch["undone_by"]) == ("update_values", event["request_id"])


def undo_of_a_batch(client, rows):
    """How many statements the undo of the batch takes."""
    batch = client.post(f"{API}/values:batch", {"rows": rows, "if_exists": "replace"})
    counts = done(batch)
    with CaptureQueriesContext(connection) as queries:
        undone = done(undo(client, batch))
    assert (undone["removed"], undone["changed"]) == (counts["created"], counts["replaced"])
    assert undone["changed"] == 1
    return len(queries)


def test_more_than_ten_thousand_rows_are_not_undone(alice, alice_user, asset, monkeypatch):
    monkeypatch.setattr("strata.audit.undo.request.MOST_ROWS", 3)
    for count, outcome in ((3, 200), (4, 409)):
        with actor.acting(user=alice_user, request_id=f"batch{count}", channel="api"):
            AssetSnapshot.objects.bulk_create(values(asset, count, first=count * 100))
        assert undo(alice, f"batch{count}").status_code == outcome
