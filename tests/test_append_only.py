"""Journal entries and rates cannot be changed: not by the ORM, its private methods, the admin or SQL."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, models, transaction

from assets.models import ExchangeRate, Tag
from strata.accounts.models import User
from strata.audit.models import HistoryEntry, JournalEntry, JournalWrite
from strata.audit.recording import SHARED_FROM


@pytest.fixture
def entry(household):
    Tag.objects.create(household=household, name="x")
    return JournalEntry.objects.latest("id")


def copy_of(entry):
    return JournalEntry(pk=entry.pk, at=entry.at, model="x", object_id=entry.object_id, action="create")


WRITE_PATHS = {
    "save": lambda entry: entry.save(),
    "save as new": lambda entry: copy_of(entry).save(),
    "delete": lambda entry: entry.delete(),
    "queryset update": lambda entry: JournalEntry.objects.update(channel=""),
    "queryset delete": lambda entry: JournalEntry.objects.filter(pk=entry.pk).delete(),
    "bulk_update": lambda entry: JournalEntry.objects.bulk_update([entry], ["channel"]),
    "upsert": lambda entry: JournalEntry.objects.bulk_create(
        [copy_of(entry)], update_conflicts=True, unique_fields=["id"], update_fields=["channel"]
    ),
    "update_or_create": lambda entry: JournalEntry.objects.update_or_create(
        pk=entry.pk, defaults={"channel": ""}
    ),
    "base manager": lambda entry: JournalEntry._base_manager.filter(pk=entry.pk).update(channel=""),
    "base manager's delete": lambda entry: JournalEntry._base_manager.filter(pk=entry.pk).delete(),
    "raw delete": lambda entry: JournalEntry.objects.filter(pk=entry.pk)._raw_delete("default"),
    "inner update": lambda entry: JournalEntry.objects.filter(pk=entry.pk)._update(
        [(JournalEntry._meta.pk, None, 9)]
    ),
    "unsaved copy's delete": lambda entry: models.Model.delete(entry),
}


@pytest.mark.parametrize("write_path", WRITE_PATHS)
def test_orm_cannot_change_a_journal_entry(entry, write_path):
    before = JournalEntry.objects.filter(pk=entry.pk).values().get()
    with pytest.raises((TypeError, DatabaseError)), transaction.atomic():
        WRITE_PATHS[write_path](entry)
    assert JournalEntry.objects.filter(pk=entry.pk).values().get() == before


@pytest.fixture
def write(household):
    Tag.objects.bulk_create([Tag(household=household, name=str(number)) for number in range(SHARED_FROM)])
    return JournalWrite.objects.latest("id")


STATEMENTS_ON_WRITES = [
    "UPDATE strata_write SET actor_name = 'eve'",
    "DELETE FROM strata_write",
    "INSERT OR REPLACE INTO strata_write SELECT * FROM strata_write"
    if connection.vendor == "sqlite"
    else "TRUNCATE strata_write",
]


@pytest.mark.parametrize("statement", STATEMENTS_ON_WRITES)
def test_database_refuses_to_change_what_entries_share(write, statement):
    before = list(JournalWrite.objects.values().order_by("id"))
    with pytest.raises(DatabaseError, match="The history cannot be changed"), transaction.atomic():
        connection.cursor().execute(statement)
    assert list(JournalWrite.objects.values().order_by("id")) == before


@pytest.mark.parametrize("model", [JournalWrite, HistoryEntry])
def test_orm_cannot_change_what_entries_share_nor_the_view(write, model):
    row = model.objects.filter(actor_name=write.actor_name).latest("id")
    for change in (
        row.save,
        row.delete,
        model.objects.all().delete,
        lambda: model.objects.update(channel=""),
    ):
        with pytest.raises(TypeError):
            change()


STATEMENTS = [
    "UPDATE strata_change SET actor_name = 'eve'",
    "DELETE FROM strata_change",
    "INSERT OR REPLACE INTO strata_change SELECT * FROM strata_change"
    if connection.vendor == "sqlite"
    else "TRUNCATE strata_change",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_database_refuses_to_change_the_journal(entry, statement):
    before = list(JournalEntry.objects.values().order_by("id"))
    with pytest.raises(DatabaseError, match="The history cannot be changed"), transaction.atomic():
        connection.cursor().execute(statement)
    assert list(JournalEntry.objects.values().order_by("id")) == before


@pytest.mark.django_db(transaction=True)
def test_new_entries_can_still_be_written(entry):
    Tag.objects.all().delete()
    assert JournalEntry.objects.latest("id").action == "delete"


def test_superuser_can_only_read_entries_in_the_admin(entry, client):
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    page = f"/admin/strata/journalentry/{entry.pk}/"
    assert client.get(f"{page}change/").status_code == 200
    for path in (f"{page}change/", f"{page}delete/", "/admin/strata/journalentry/add/"):
        assert client.post(path, {"channel": "", "post": "yes"}).status_code == 403
    deletion = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    client.post("/admin/strata/journalentry/", deletion)
    assert JournalEntry.objects.filter(pk=entry.pk).exists()


@pytest.fixture
def rate(db):
    return ExchangeRate.objects.create(currency="USD", on="2026-01-01", units_per_euro="1.1")


def copy_of_rate(rate):
    return ExchangeRate(pk=rate.pk, currency="USD", on=rate.on, units_per_euro="9")


RATES = ExchangeRate.objects
RATE_WRITE_PATHS = {
    "save": lambda rate: rate.save(),
    "save as new": lambda rate: copy_of_rate(rate).save(),
    "delete": lambda rate: rate.delete(),
    "queryset update": lambda rate: RATES.update(currency="CHF"),
    "queryset delete": lambda rate: RATES.all().delete(),
    "bulk_update": lambda rate: RATES.bulk_update([rate], ["currency"]),
    "upsert": lambda rate: RATES.bulk_create(
        [copy_of_rate(rate)], update_conflicts=True, unique_fields=["id"], update_fields=["units_per_euro"]
    ),
    "update_or_create": lambda rate: RATES.update_or_create(pk=rate.pk, defaults={"currency": "CHF"}),
    "base manager": lambda rate: ExchangeRate._base_manager.update(currency="CHF"),
    "base manager's delete": lambda rate: ExchangeRate._base_manager.all().delete(),
    "raw delete": lambda rate: RATES.all()._raw_delete("default"),
    "unsaved copy's save": lambda rate: models.Model.save(rate),
    "unsaved copy's delete": lambda rate: models.Model.delete(rate),
}


@pytest.mark.parametrize("write_path", RATE_WRITE_PATHS)
def test_orm_cannot_change_a_rate(rate, write_path):
    before = list(ExchangeRate.objects.values())
    with pytest.raises((TypeError, DatabaseError)), transaction.atomic():
        RATE_WRITE_PATHS[write_path](rate)
    assert list(ExchangeRate.objects.values()) == before


@pytest.mark.parametrize("model", [JournalEntry, ExchangeRate])
def test_base_managers_refuse_changes_without_a_query(model, entry, rate):
    with pytest.raises(TypeError):
        model._base_manager.update(id=None)
    with pytest.raises(TypeError):
        model._base_manager.all().delete()


STATEMENTS_ON_RATES = [
    "UPDATE assets_exchangerate SET currency = 'CHF'",
    "DELETE FROM assets_exchangerate",
    "INSERT OR REPLACE INTO assets_exchangerate SELECT * FROM assets_exchangerate"
    if connection.vendor == "sqlite"
    else "TRUNCATE assets_exchangerate",
]


@pytest.mark.parametrize("statement", STATEMENTS_ON_RATES)
def test_database_refuses_to_change_a_rate(rate, statement):
    before = list(ExchangeRate.objects.values())
    with pytest.raises(DatabaseError, match="A rate cannot be changed"), transaction.atomic():
        connection.cursor().execute(statement)
    assert list(ExchangeRate.objects.values()) == before
