"""A version that cannot write the database's format answers reads, refuses writes, and reports it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.state import ProjectState
from django.test import Client

from assets.models import Tag
from conftest import PEOPLE, client_of, member, portfolio_of
from portfolios.models import Household
from strata import doctor
from strata.accounts.services import issue_token
from strata.command_line import outages_as_sentences
from strata.db.consistent_read import consistent_read
from strata.db.write_format import check
from strata.db.write_format.models import DatabaseFormat
from strata.migrations._format import RaiseFormat
from tests.admin_forms import staff

TAGS = "/api/v1/tags"


@pytest.fixture
def alice(transactional_db):
    household = Household.objects.create(name="Household")
    portfolio_of(household)
    user = member(household, "alice", PEOPLE["alice"])
    user.household = household
    yield user
    with as_the_newer_version():
        DatabaseFormat.objects.all().delete()


def raise_format(number: int = check.WRITTEN_FORMAT + 1, *, backwards: bool = False) -> None:
    operation, state = RaiseFormat(number), ProjectState()
    apply = operation.database_backwards if backwards else operation.database_forwards
    with as_the_newer_version(), connection.schema_editor() as editor:
        apply("strata", editor, state, state)


def as_the_newer_version():
    return patch.object(check, "WRITTEN_FORMAT", check.WRITTEN_FORMAT + 1)


def test_newer_format_leaves_reads_and_refuses_writes(alice):
    client = client_of(alice)
    tag = {"household_id": str(alice.household.pk), "name": "Old"}
    assert client.post(TAGS, tag).status_code == 201
    raise_format()

    assert [row["name"] for row in client.get(TAGS).json()["results"]] == ["Old"]
    assert client.get(f"{TAGS}?format=csv").status_code == 200
    for headers in ({}, {"Idempotency-Key": "twice"}):
        refused = client.post(TAGS, tag | {"name": "New"}, headers=headers)
        assert (refused.status_code, refused["Retry-After"]) == (503, "5")
        assert (refused.json()["code"], refused.json()["message"]) == ("UNAVAILABLE", check.REFUSAL)
    assert client.delete(f"{TAGS}/{Tag.objects.get().pk}").status_code == 503

    # The same request is answered once a version that may write gets it.
    raise_format(backwards=True)
    assert client.post(TAGS, tag | {"name": "New"}, headers={"Idempotency-Key": "twice"}).status_code == 201
    assert set(Tag.objects.values_list("name", flat=True)) == {"Old", "New"}


def test_token_still_opens_what_can_be_read(alice):
    secret = issue_token(alice, name="phone")[1]
    raise_format()
    answer = Client().get(TAGS, headers={"Authorization": f"Bearer {secret}"})  # its use cannot be noted
    assert answer.status_code == 200


def test_admin_shows_pages_and_refuses_forms(alice):
    browser = staff(alice)
    browser.raise_request_exception = False
    raise_format()
    assert browser.get("/admin/assets/tag/").status_code == 200
    refused = browser.post("/admin/assets/tag/add/", {"household": alice.household.pk, "name": "New"})
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert "newer version" in refused.content.decode()
    assert not Tag.objects.exists()


def test_readiness_and_doctor_say_that_nothing_can_be_written(alice):
    raise_format()
    answer = Client().get("/api/v1/health/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["writes"]) == (
        200,
        "ready",
        "unavailable",
    )
    findings = [finding.message for finding in doctor.examine() if finding.subject == "migrations"]
    assert findings[1:] == ["the database has format 2, and this version writes 1: it only reads."]
    with pytest.raises(SystemExit, match="format 2, and this version writes 1"), outages_as_sentences():
        call_command("create_token", "alice")


def test_reading_transaction_does_not_ask(alice):
    raise_format()
    with consistent_read():
        assert Household.objects.get() == alice.household
    with pytest.raises(check.NewerFormat), transaction.atomic():
        Household.objects.update(name="Other")
    assert not connection.in_atomic_block and Household.objects.get().name == "Household"


def test_format_is_read_without_a_row_and_before_its_table_is_there(alice):
    assert not DatabaseFormat.objects.exists() and check.stored_format() == 1
    raise_format(check.WRITTEN_FORMAT)
    Household.objects.update(name="Written")
    with connection.schema_editor() as editor:
        editor.delete_model(DatabaseFormat)
    try:
        Household.objects.update(name="Written before the first migration")
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(DatabaseFormat)
    assert Household.objects.get().name == "Written before the first migration"


@pytest.mark.on_postgresql
def test_who_raises_the_format_waits_for_those_who_write(alice):
    def in_a_thread():
        try:
            raise_format()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            raising = threads.submit(in_a_thread)
            wait_until_it_waits()
            Household.objects.update(name="Written before")
            assert not raising.done()
        raising.result(10)
    with pytest.raises(check.NewerFormat):
        Household.objects.update(name="Written after")
    assert Household.objects.get().name == "Written before"


def wait_until_it_waits():
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'strata_databaseformat'::regclass"
    )
    with connection.cursor() as cursor:
        while True:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
