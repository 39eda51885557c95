"""COMMIT on PostgreSQL: one message, as without us; where a standby may hold it up, with a timeout of its own."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connection, connections, transaction

from strata.db.backends.postgresql.base import COMMIT_SECONDS, BoundedConnection

pytestmark = [pytest.mark.on_postgresql, pytest.mark.django_db(transaction=True)]
TIMEOUT_SECONDS = 22
NOBODY = UUID(int=1)


@pytest.fixture
def waits(monkeypatch):
    """How long the client is ready to wait for each of its messages."""
    seconds, wait = [], BoundedConnection.wait

    def noting(bounded, steps, *arguments, **options):
        if steps.__name__ != "_set_autocommit_gen":  # which sends nothing
            seconds.append(bounded.wait_seconds)
        return wait(bounded, steps, *arguments, **options)

    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "wait_seconds", TIMEOUT_SECONDS)
    monkeypatch.setattr(BoundedConnection, "wait", noting)
    return seconds


@pytest.fixture
def with_standby(monkeypatch, settings):
    monkeypatch.setitem(settings.DATABASES, "replica", {})


def run_a_transaction(using: str = "default") -> None:
    with transaction.atomic(using), connections[using].cursor() as cursor:
        cursor.execute("SELECT 1")


def test_transaction_has_three_messages_with_nothing_set(waits):
    run_a_transaction()
    assert waits == [TIMEOUT_SECONDS] * 3  # BEGIN, SELECT, COMMIT


def test_commit_that_a_standby_may_hold_up_has_a_timeout_of_its_own(waits, with_standby):
    run_a_transaction()
    assert waits == [
        TIMEOUT_SECONDS,
        TIMEOUT_SECONDS,
        TIMEOUT_SECONDS,
        COMMIT_SECONDS,
    ]  # the third is for the deferred checks
    assert connection.connection.wait_seconds == TIMEOUT_SECONDS


def test_transaction_on_the_standby_has_three_messages(waits, with_standby, monkeypatch):
    monkeypatch.setattr(connections["default"], "alias", "replica")
    connections["replica"] = connections["default"]
    try:
        run_a_transaction(using="replica")
    finally:
        del connections["replica"]
    assert waits == [TIMEOUT_SECONDS] * 3


@pytest.mark.parametrize("has_standby", [True, False])
def test_deferred_constraint_is_checked_either_way(request, waits, has_standby):
    if has_standby:
        request.getfixturevalue("with_standby")
    with pytest.raises(IntegrityError), transaction.atomic():
        LogEntry.objects.bulk_create([LogEntry(user_id=NOBODY, action_flag=1)])
    run_a_transaction()
    assert not LogEntry.objects.exists()
    assert connection.connection.wait_seconds == TIMEOUT_SECONDS
