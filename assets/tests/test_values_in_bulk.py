"""Many new values are inserted at once: what the database gets, and what it has afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from assets.models import AssetSnapshot
from strata.audit.models import JournalEntry
from strata.audit.tracking import MANY_ROWS
from strata.db import bulk

pytestmark = pytest.mark.django_db
FIRST = date(1800, 1, 1)


@pytest.fixture
def snapshots(flat_bought_in_march) -> list[AssetSnapshot]:
    """Of the first days that there may be, with microseconds."""
    days = [FIRST + timedelta(number) for number in range(MANY_ROWS)]
    return [
        AssetSnapshot(
            asset=flat_bought_in_march,
            value=Decimal("1.2345"),
            on=on,
            observed_at=datetime(on.year, on.month, on.day, 12, 30, 5, 123456, tzinfo=UTC),
            note="a\tb\nc\\N" if on == FIRST else "",
        )
        for on in days
    ]


def test_rows_are_as_they_were_given_and_each_has_its_entry(snapshots):
    AssetSnapshot.objects.bulk_create(snapshots)
    stored = AssetSnapshot.objects.in_bulk([row.pk for row in snapshots])
    for row in snapshots:
        again = stored[row.pk]
        assert (again.on, again.observed_at, again.note) == (row.on, row.observed_at, row.note)
        assert (again.created_at, again.created_by_id) == (row.created_at, row.created_by_id)
    (entry,) = JournalEntry.objects.filter(model="assets.AssetSnapshot", packed__isnull=False)
    assert entry.packed == sorted(stored)


def test_nothing_is_left_that_the_driver_would_convert_by_a_function_of_python(snapshots, monkeypatch):
    """For each id, day and instant of each row it took three times as long as all the others."""
    inserted = []
    monkeypatch.setattr(
        bulk, "insert_rows", lambda model, names, rows: inserted.extend(list(rows)), raising=True
    )
    bulk.insert_instances(snapshots)
    assert len(inserted) == MANY_ROWS
    assert {type(value) for row in inserted for value in row} <= {str, int, type(None)}
