"""The engine for PostgreSQL, with a server that accepts logins and then never answers."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import contextmanager, suppress
from threading import Thread

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from strata.db.backends.postgresql import base
from strata.db.backends.postgresql.base import DatabaseWrapper
from strata.environment.database_url import database

WELCOME = b"".join(
    [
        b"R" + struct.pack("!ii", 8, 0),  # logged in
        *(
            b"S" + struct.pack("!i", 4 + len(pair)) + pair
            for pair in (
                b"server_version\x0017.0\x00",
                b"client_encoding\x00UTF8\x00",
                b"TimeZone\x00UTC\x00",
            )
        ),
        b"Z" + struct.pack("!i", 5) + b"I",  # ready for a question
    ]
)


DONE = b"C" + struct.pack("!i", 4 + 9) + b"SELECT 1\x00" + b"Z" + struct.pack("!i", 5) + b"I"


def answer_all(connection: socket.socket) -> None:
    """Read and ignore everything until the connection is closed."""
    with suppress(OSError):
        while connection.recv(4096):
            connection.sendall(DONE)


@contextmanager
def silent_server(*, welcomes: int, answers_others: bool = False):
    """A port of 127.0.0.1, and the list of connections to it. The first `welcomes` connections are logged in.

    Statements on the first connection are never answered. With `answers_others` those on the others are.
    """
    connections: list[socket.socket] = []

    def welcome():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            if len(connections) <= welcomes:
                connection.recv(4096)
                connection.sendall(WELCOME)
                if answers_others and len(connections) > 1:
                    Thread(target=answer_all, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=welcome, daemon=True).start()
        yield listener.getsockname()[1], connections
        listener.shutdown(socket.SHUT_RDWR)
    for accepted in connections:
        accepted.close()


def wrapper(port: int) -> DatabaseWrapper:
    wanted = database(f"postgres://u:p@127.0.0.1:{port}/strata?sslmode=disable&gssencmode=disable")
    defaults = {"TIME_ZONE": None, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "TEST": {}}
    return DatabaseWrapper(defaults | wanted, alias="silent")


@pytest.fixture(autouse=True)
def _open(monkeypatch):
    monkeypatch.setattr(DatabaseWrapper, "closed_until", {})


def seconds(call) -> float:
    started = time.monotonic()
    with pytest.raises(OperationalError):
        call()
    return time.monotonic() - started


@pytest.mark.django_db
def test_a_statement_that_is_never_answered_ends_and_its_connection_with_it(settings):
    settings.STATEMENT_TIMEOUT = 1
    with silent_server(welcomes=100) as (port, _):
        connection = wrapper(port)
        connection.ensure_connection()
        with connection.cursor() as cursor:
            assert seconds(lambda: cursor.execute("SELECT 1")) < 10
        assert connection.connection.closed


@pytest.mark.django_db
def test_a_statement_ends_early_where_the_server_answers_nobody(settings, monkeypatch):
    """Before the timeout of the statement, and new connections fail at once."""
    monkeypatch.setattr(base, "CHECK_SECONDS", 0.5)
    settings.STATEMENT_TIMEOUT = 600
    with silent_server(welcomes=1) as (port, connections):
        connection = wrapper(port)
        connection.ensure_connection()
        with connection.cursor() as cursor:
            assert seconds(lambda: cursor.execute("SELECT 1")) < 60
        assert connection.connection.closed
        assert len(connections) == 2
    assert DatabaseWrapper.closed_until.keys() == {"silent"}


@pytest.mark.django_db
def test_a_statement_ends_early_where_others_are_let_in_and_not_answered(settings, monkeypatch):
    """Like a pooler whose server hangs."""
    monkeypatch.setattr(base, "CHECK_SECONDS", 0.5)
    settings.STATEMENT_TIMEOUT = 600
    with silent_server(welcomes=100) as (port, connections):
        connection = wrapper(port)
        connection.ensure_connection()
        with connection.cursor() as cursor:
            assert seconds(lambda: cursor.execute("SELECT 1")) < 60
        assert len(connections) == 2


@pytest.mark.django_db
def test_a_statement_goes_on_where_the_server_answers_others(settings, monkeypatch):
    monkeypatch.setattr(base, "CHECK_SECONDS", 0.1)
    settings.STATEMENT_TIMEOUT = 1
    with silent_server(welcomes=100, answers_others=True) as (port, connections):
        connection = wrapper(port)
        connection.ensure_connection()
        with connection.cursor() as cursor, pytest.raises(OperationalError) as ended:
            cursor.execute("SELECT 1")
        assert isinstance(ended.value.__cause__, psycopg.errors._WaitTimeout)
        assert len(connections) > 3


@pytest.mark.django_db
def test_a_kept_connection_is_checked_for_two_seconds_and_no_longer(settings):
    settings.STATEMENT_TIMEOUT = 600
    with silent_server(welcomes=100) as (port, _):
        connection = wrapper(port)
        connection.ensure_connection()
        started = time.monotonic()
        assert connection.is_usable() is False
        assert time.monotonic() - started < 10


@pytest.mark.django_db
def test_after_a_connection_that_timed_out_the_next_fails_at_once(monkeypatch):
    with silent_server(welcomes=0) as (port, connections):
        assert seconds(wrapper(port).ensure_connection) < 10
        assert len(connections) == 1
        monkeypatch.setitem(DatabaseWrapper.closed_until, "silent", time.monotonic() + 60)
        assert seconds(wrapper(port).ensure_connection) < 1
        assert len(connections) == 1


@pytest.mark.django_db
def test_a_server_that_hangs_closes_the_way_to_no_other(monkeypatch):
    monkeypatch.setitem(DatabaseWrapper.closed_until, "silent", time.monotonic() + 60)
    with silent_server(welcomes=1) as (port, connections):
        other = wrapper(port)
        other.alias = "other"
        other.get_new_connection(other.get_connection_params()).close()
        assert len(connections) == 1


@pytest.mark.django_db
def test_a_refused_connection_closes_the_way_to_nobody():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert seconds(wrapper(port).ensure_connection) < 1
    assert DatabaseWrapper.closed_until == {}


SHOWN = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('jit')"


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_settings_come_with_each_begin_and_end_with_it(settings):
    def shown():
        with connection.cursor() as cursor:
            cursor.execute(SHOWN)
            return cursor.fetchone()

    settings.STATEMENT_TIMEOUT = 7
    # `migrate` set these for the role, which created the tests' database.
    assert shown() == ("20s", "10s", "off")
    with transaction.atomic():
        assert shown() == ("7s", "10s", "off")
        with transaction.atomic():
            assert shown() == ("7s", "10s", "off")
    assert shown() == ("20s", "10s", "off")


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_begin_that_fails_leaves_no_transaction_behind(monkeypatch):
    monkeypatch.setattr(base, "begin", lambda: "BEGIN; SELECT 1/0")
    with pytest.raises(DatabaseError), transaction.atomic():
        pass
    monkeypatch.undo()
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_server_keeps_a_cursor_for_the_length_of_a_transaction_alone():
    with connection.chunked_cursor() as cursor:
        assert not hasattr(cursor.cursor, "withhold")
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.cursor.withhold is False
        with connection.cursor() as other:
            other.execute("SELECT is_holdable FROM pg_cursors WHERE name LIKE '_django_curs_%'")
            assert other.fetchall() == [(False,)]
