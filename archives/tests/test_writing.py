"""An archive is written in bounded memory: what is sorted is in a file, and values are looked up below their assets."""

from __future__ import annotations

import io

import pytest
from django.db import connection

from archives.rows.contents import JOURNAL, rows_of
from archives.rows.journal import NAMES
from archives.services import writing
from archives.services.writing import write_archive
from archives.tests.archives import archive_of, contents
from assets.models import AssetSnapshot, Tag
from strata.audit.models import HistoryEntry, JournalEntry

pytestmark = pytest.mark.django_db
IN_FILE, IN_MEMORY = 1, 2  # SQLite's temp_store


@pytest.fixture
def tags(household, alice):
    """Thirty in a packed entry, and one that was renamed and then deleted."""
    Tag.objects.bulk_create([Tag(household=household, name=f"t{number}") for number in range(30)])
    renamed = alice.post("/api/v1/tags", {"household_id": str(household.pk), "name": "Long"}).json()["id"]
    alice.patch(f"/api/v1/tags/{renamed}", {"name": "Short"})
    alice.delete(f"/api/v1/tags/{renamed}")


def plan_of(rows) -> str:
    sql, params = rows.query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return "\n".join(row[-1] for row in cursor.fetchall())


def test_the_journal_has_a_line_for_each_row_in_the_order_of_its_entries(household, tags):
    assert JournalEntry.objects.filter(packed__isnull=False).exists()
    lines = contents(archive_of(household))[JOURNAL]
    entries = HistoryEntry.objects.filter(household_id=household.pk).order_by("id", "object_id")
    names = [name for name in NAMES if name != "at"]
    assert [[line[name] for name in names] for line in lines] == [
        [text_of(getattr(entry, name)) for name in names] for entry in entries
    ]
    assert [
        line["before"]["name"] for line in lines if line["model"] == "assets.Tag" and "before" in line
    ] == [
        "Long",
        "Short",
    ]


def text_of(value):
    return value if value is None else str(value)


@pytest.mark.on_sqlite
def test_values_are_looked_up_below_the_assets_of_the_household(household):
    """Not by their ids, through those of all households."""
    plan = plan_of(rows_of(AssetSnapshot, household.pk))
    assert "SCAN" not in plan
    assert "(asset_id=?)" in plan


@pytest.mark.on_sqlite
@pytest.mark.django_db(transaction=True)
def test_what_is_sorted_is_in_a_file(household, monkeypatch):
    """In memory, the lines of 365,000 values are 130 MB."""

    def place() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA temp_store")
            return cursor.fetchone()[0]

    places: list[int] = []
    monkeypatch.setattr(writing, "write_members", lambda *args: places.append(place()))
    write_archive(household.pk, io.BytesIO())
    assert [*places, place()] == [IN_FILE, IN_MEMORY]
