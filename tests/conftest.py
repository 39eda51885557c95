"""The database of the pass, for tests that start servers.

The suite runs once on SQLite and once, with TEST_DATABASE_URL, on PostgreSQL. A server test takes the `database` of
the pass it is in, and so runs on each of them. One that concerns a single database, or none, is marked `on_sqlite`
or `on_postgresql`: it belongs to that pass alone, and the other one deselects it (pytest counts what it deselects).
"""

from __future__ import annotations

import os
from uuid import uuid4

import pytest

from tests.databases import PostgresqlServer, SqliteFiles

PASS = "postgresql" if os.environ.get("TEST_DATABASE_URL") else "sqlite"
OTHER = {"postgresql": "on_sqlite", "sqlite": "on_postgresql"}[PASS]


def pytest_report_header() -> str:
    return f"servers: on {PASS}; tests marked {OTHER} belong to the other pass"


def pytest_collection_modifyitems(config, items) -> None:
    elsewhere = [item for item in items if item.get_closest_marker(OTHER)]
    if elsewhere:
        items[:] = [item for item in items if item not in elsewhere]
        config.hook.pytest_deselected(items=elsewhere)


def pytest_terminal_summary(terminalreporter) -> None:
    """What the tests measured, whether they passed or not."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "figures":
                    terminalreporter.write_line(
                        f"figures: {PASS}: {report.nodeid.rpartition('::')[2]}: {value}"
                    )


@pytest.fixture
def figures(record_property):
    """Call it with what is worth reading in the summary."""
    return lambda told: record_property("figures", told)


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """SqliteFiles or a PostgresqlServer, whichever this pass is on."""
    if PASS == "sqlite":
        yield SqliteFiles(tmp_path_factory.mktemp("sqlite"))
        return
    server = PostgresqlServer()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def url(database) -> str:
    """Of a database that is migrated, has the user alice in it, and is this test's own."""
    return database.fresh(f"strata_{uuid4().hex}")
