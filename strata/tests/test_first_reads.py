"""The first read of a request takes the place of Django's question whether the connection still works."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection

from strata.db.backends.first_reads import first_read
from strata.db.backends.postgresql.base import DatabaseWrapper

pytestmark = [pytest.mark.on_postgresql, pytest.mark.django_db]


@pytest.fixture
def own():
    """A connection from an earlier request, of which Django would ask whether it works."""
    settings = connection.settings_dict | {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 60}
    own = DatabaseWrapper(settings, alias="own")
    own.connect()
    own.close_if_unusable_or_obsolete()
    assert not own.health_check_done
    try:
        yield own
    finally:
        own.close()


def asks(own: DatabaseWrapper, statement: str = "SELECT pg_backend_pid()"):
    def read():
        with own.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]

    return read


def terminate(own: DatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [asks(own)()])
    own.health_check_done = False


def test_connection_that_works_is_asked_nothing_else(own, monkeypatch):
    monkeypatch.setattr(DatabaseWrapper, "is_usable", lambda self: pytest.fail("it was asked"))
    usual = own.connection.wait_seconds
    wait_seconds = first_read(own, lambda: asks(own)() and own.connection.wait_seconds)
    assert wait_seconds == 2
    assert own.connection.wait_seconds == usual
    asks(own)()


def test_lost_connection_is_replaced(own):
    before = asks(own)()
    terminate(own)
    assert first_read(own, asks(own)) != before
    assert own.connection.wait_seconds != 2


def test_lost_connection_is_replaced_once(own):
    reads = []

    def read():
        reads.append(1)
        with own.wrap_database_errors:
            raise psycopg.OperationalError

    with pytest.raises(OperationalError):
        first_read(own, read)
    assert len(reads) == 2


def test_refused_statement_is_not_repeated(own):
    pid = asks(own)()
    own.health_check_done = False
    with pytest.raises(ProgrammingError):
        first_read(own, asks(own, "SELECT nothing_of_the_kind"))
    own.close_if_unusable_or_obsolete()
    assert asks(own)() == pid


def test_connection_that_had_an_error_is_left_to_django(own, monkeypatch):
    asked = []
    monkeypatch.setattr(DatabaseWrapper, "is_usable", lambda self: asked.append(1) or True)
    own.errors_occurred = True
    first_read(own, asks(own))
    assert asked == [1]
