"""A name that is taken is distinguished from an error in another table of the same write."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from assets.models import Asset, Tag
from strata.audit.models import JournalEntry
from strata.db.errors.uniqueness import is_unique_violation

pytestmark = pytest.mark.django_db


def refused(write) -> IntegrityError:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()
    return caught.value


def test_a_constraint_is_its_own_tables(household):
    Tag.objects.create(household=household, name="x")
    error = refused(lambda: Tag.objects.create(household=household, name="x"))
    assert is_unique_violation(error, Tag)
    assert not is_unique_violation(error, Asset)


def test_what_is_no_question_of_uniqueness_is_not_taken(household):
    error = refused(lambda: Tag.objects.filter(household=household).bulk_create([Tag(name="x")]))
    assert not is_unique_violation(error, Tag)


def test_a_fault_in_the_journal_is_not_reported_as_a_name_that_is_taken(alice, household, monkeypatch):
    line = JournalEntry.objects.latest("id")

    def again(change, *args, **kwargs):
        change.pk = line.pk
        super(JournalEntry, change).save(*args, **kwargs)

    monkeypatch.setattr(JournalEntry, "save", again)
    answer = alice.post("/api/v1/tags", {"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert not Tag.objects.exists()
