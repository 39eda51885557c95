"""The sentence for a database that cannot be used. It names the database. Faults of the program have no sentence."""

from __future__ import annotations

import errno
import io
import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InternalError, OperationalError, ProgrammingError, connection

from strata.api.errors import unavailable
from strata.command_line import outages_as_sentences
from strata.db.errors.outages import outage_sentence
from strata.server.logs import JsonLines

pytestmark = pytest.mark.on_sqlite  # no database can change it

SQLITE = {"ENGINE": "strata.db.backends.sqlite", "NAME": "/data/strata.db"}
POSTGRESQL = {"ENGINE": "strata.db.backends.postgresql", "NAME": "money", "HOST": "db.example.org"}


class Foreign(Exception):
    def __init__(self, sqlstate: str | None = None, errorname: str = "") -> None:
        super().__init__("in a server's own language")
        self.sqlstate, self.sqlite_errorname = sqlstate, errorname


def caused(error: Exception, **cause) -> Exception:
    error.__cause__ = Foreign(**cause)
    return error


def read_only_error(path: Path) -> OperationalError:
    """The error of Django where SQLite cannot write a file, with its cause."""
    path.write_bytes(b"")
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with closing(database), pytest.raises(sqlite3.OperationalError) as raised:
        database.execute("CREATE TABLE thing (name TEXT)")
    error = OperationalError(*raised.value.args)
    error.__cause__ = raised.value
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OperationalError("database or disk is full"),
            "no space left on the disk of the database /data/strata.db",
        ),
        (caused(OperationalError(), errorname="SQLITE_READONLY"), "/data/strata.db cannot be written"),
        (
            caused(OperationalError(), errorname="SQLITE_READONLY_DIRECTORY"),
            "/data/strata.db cannot be written",
        ),
        (caused(OperationalError(), errorname="SQLITE_CANTOPEN"), "/data/strata.db cannot be opened"),
        (
            caused(OperationalError(), errorname="SQLITE_IOERR_WRITE"),
            "The disk of the database /data/strata.db",
        ),
        (caused(OperationalError(), errorname="SQLITE_BUSY"), "Another process has been writing"),
        (caused(DatabaseError(), errorname="SQLITE_NOTADB"), "/data/strata.db is not a SQLite database"),
        (OSError(errno.ENOSPC, "No space", "/data/rates.csv"), "no space left to write /data/rates.csv"),
    ],
)
def test_sqlite(error, words):
    assert words in outage_sentence(error, SQLITE)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (caused(OperationalError(), sqlstate="53100"), "money on db.example.org has no space left"),
        (caused(InternalError(), sqlstate="25006"), "money on db.example.org is read-only"),
        (caused(OperationalError("deadlock"), sqlstate="40P01"), "Others kept writing the same rows"),
        (OperationalError("connection refused\nIs it running?"), "does not answer: connection refused"),
    ],
)
def test_postgresql(error, words):
    sentence = outage_sentence(error, POSTGRESQL)
    assert words in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "error",
    [
        ProgrammingError("no such column: x"),
        OperationalError("no such table: x"),
        caused(OperationalError("syntax"), sqlstate="42601"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        ValueError("x"),
    ],
)
def test_a_fault_of_the_program_has_no_sentence(error):
    assert outage_sentence(error, SQLITE) is None
    if not isinstance(error, OperationalError) or error.__cause__:  # otherwise the connection was refused
        assert outage_sentence(error, POSTGRESQL) is None


def test_what_came_of_an_outage_is_told_as_the_outage():
    """Django wraps errors of a database in its own errors, and a rollback may fail after them."""
    first = caused(OperationalError(), errorname="SQLITE_READONLY")
    later = DatabaseError("Unable to create the django_migrations table")
    later.__context__ = first
    assert "cannot be written" in outage_sentence(later, SQLITE)


def test_a_command_ends_with_the_sentence_and_any_other_error_as_itself():
    with pytest.raises(SystemExit, match="^CommandError: .*no space left"), outages_as_sentences():
        raise OSError(errno.ENOSPC, "No space", "file")
    with pytest.raises(SystemExit, match="^CommandError: ALLOWED_HOSTS"), outages_as_sentences():
        raise ImproperlyConfigured("ALLOWED_HOSTS: 'x y' has a blank.")
    with pytest.raises(ProgrammingError), outages_as_sentences():
        raise ProgrammingError("no such column: x")


def test_a_database_file_that_cannot_be_written_is_logged_by_its_name_and_without_a_trace(
    tmp_path, monkeypatch
):
    for name, value in SQLITE.items():
        monkeypatch.setitem(connection.settings_dict, name, value)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("strata.errors")
    logger.addHandler(handler)
    try:
        refusal = unavailable(read_only_error(tmp_path / "strata.db"))
    finally:
        logger.removeHandler(handler)
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert "/data/strata.db cannot be written" in line["message"]
    assert "trace" not in line
    assert refusal.status_code == 503
    assert "strata.db" not in refusal.message
