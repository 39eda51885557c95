"""Databases of Strata's first release: made, copied, migrated, filled and read as text. A plugin of pytest."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch
from uuid import UUID, uuid4

import psycopg
import pytest
from django.core.management.color import no_style
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import StateApps
from django.utils.functional import SimpleLazyObject

from strata.migrations._name_keys import WRITTEN_BY, first_name_key
from tests.template_database import end_sessions

ALIAS = "first_release"
FIRST_RELEASE = [
    ("strata", "0001_users_tokens_and_the_journal"),
    ("assets", "0003_moments_may_be_left_empty"),
    ("portfolios", "0001_initial"),
]
ADDED_SINCE = ("imports", "reports")  # apps that had no tables in the first release
LATER_TYPES = ("PENSION", "FUND", "INSURANCE", "STUDENT_LOAN")
ROWS = json.loads(Path(__file__).with_name("first_release.json").read_text(encoding="utf-8"))


class Databases:
    """Databases of the same vendor as the suite's: files in the folder, or on the server of PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.default = folder, connections.settings["default"]

    def create(self, *, copy_of: str = "", options: str = "") -> str:
        """Creates a database, empty or a copy, and returns its name. `options` are added to CREATE DATABASE."""
        name = f"strata_release_{uuid4().hex[:12]}"
        if not is_postgresql(self.default):
            name = str(self.folder / f"{name}.db")
            if copy_of:
                shutil.copyfile(copy_of, name)
            return name
        template = f'TEMPLATE "{copy_of}"' if copy_of else ""
        with at_server(self.default) as server:
            end_sessions(server, copy_of)
            server.execute(f'CREATE DATABASE "{name}" {template} {options}')
        return name

    def remove(self, name: str) -> None:
        if is_postgresql(self.default):
            with at_server(self.default) as server:
                server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # a pooler keeps connections to it

    @contextmanager
    def connected(self, name: str) -> Iterator[BaseDatabaseWrapper]:
        """A connection to the database, which is closed after the block."""
        connections.settings[ALIAS] = {**self.default, "NAME": name}
        try:
            yield connections[ALIAS]
        finally:
            connections[ALIAS].close()
            del connections[ALIAS], connections.settings[ALIAS]


def is_postgresql(config):
    return "postgresql" in config["ENGINE"]


def at_server(config) -> psycopg.Connection:
    """A connection to the server of PostgreSQL."""
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    options = {option: config[name] for option, name in names.items() if config[name]}
    return psycopg.connect(dbname="postgres", autocommit=True, **options)


class UnsquashedMigrations(MigrationLoader):
    """The migrations without the squashed ones, which have none of the states between those that they replace."""

    def load_disk(self):
        super().load_disk()
        self.disk_migrations = {
            key: migration for key, migration in self.disk_migrations.items() if not migration.replaces
        }


def unsquashed(connection):
    executor = MigrationExecutor(connection)
    executor.loader = UnsquashedMigrations(connection)
    return executor


def migrate(connection, targets=None):
    """Migrates to the targets, or as the command does to the newest state. Returns the models of that state."""
    executor = unsquashed(connection) if targets else MigrationExecutor(connection)
    strata_apps = {app for app, _ in FIRST_RELEASE} | set(ADDED_SINCE)
    leaves = executor.loader.graph.leaf_nodes()
    goals = [leaf for leaf in leaves if not (targets and leaf[0] in strata_apps)] + (targets or [])
    executor.migrate([*goals, *((app, None) for app in ADDED_SINCE if targets)])
    return SimpleLazyObject(lambda: models_of(executor.loader, tuple(goals)))


_models: dict[tuple[type, tuple[tuple[str, str], ...]], StateApps] = {}


def models_of(loader, goals):
    """The models of a state, made once for all tests: they belong to no connection."""
    key = (type(loader), goals)
    if key not in _models:
        _models[key] = loader.project_state(goals).apps
    return _models[key]


def load(apps):
    """Loads the rows of the first release, with name keys as that release made them."""
    with patch("strata.fields.names.name_key", first_name_key):
        load_rows(apps)
    connection = connections[ALIAS]
    for statement in connection.ops.sequence_reset_sql(no_style(), [apps.get_model("strata.Change")]):
        connection.cursor().execute(statement)


def load_rows(apps):
    for label, rows in ROWS.items():
        model = apps.get_model(label)
        fields = {field.attname: field for field in model._meta.concrete_fields}
        objects = [
            model(**{name: fields[name].to_python(value) for name, value in row.items()}) for row in rows
        ]
        model._base_manager.using(ALIAS).bulk_create(objects)


def dump(connection):
    """Every row of every table as text that is the same on both databases, without Django's table of migrations.

    Journal entries of migrations are left out: the journal keeps them when a migration is reversed.
    """
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows_by_table = {}
        for table in sorted(set(tables) - {"django_migrations", "sqlite_sequence"}):
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            rows = [without_recording_time(row) for row in rows if row.get("road") != WRITTEN_BY]
            rows_by_table[table] = sorted(json.dumps(row, sort_keys=True, default=canonical) for row in rows)
    return rows_by_table


def without_recording_time(row):
    """Lasting rates and later types are recorded when the migration runs, which differs in each run."""
    if row.get("code") in LATER_TYPES:
        row = row | dict.fromkeys(("created_at", "updated_at"), "by a migration")
    return row | {"recorded_at": "by a migration"} if row.get("lasting") else row


def canonical(value):
    if isinstance(value, UUID):
        return value.hex
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)


SCHEMA = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name <> 'django_migrations'"],
    "postgresql": [
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, collation_name,"
        " column_default FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    ],
}
# The next column or constraint in a CREATE TABLE of SQLite.
NEXT_COLUMN = re.compile(r', (?="\w+" [a-z]|CONSTRAINT)')


def schema(connection):
    """Everything in the database but its rows. The order of columns may differ."""
    lines = []
    with connection.cursor() as cursor:
        for query in SCHEMA[connection.vendor]:
            cursor.execute(query)
            lines += [tuple(map(str, row)) for row in cursor.fetchall()]
    if connection.vendor == "sqlite":
        lines = [(*row, *sorted(NEXT_COLUMN.split(sql[:-1]))) for *row, sql in lines]
    return sorted(lines)


# --- fixtures ---


@pytest.fixture(scope="module")
def databases(tmp_path_factory, django_db_setup):
    return Databases(tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="module")
def first_release(databases, django_db_blocker):
    """A database of the first release with its rows. Tests get a copy, as `first`."""
    name = databases.create()
    with django_db_blocker.unblock(), databases.connected(name) as connection:
        load(migrate(connection, FIRST_RELEASE))
        rows = dump(connection)
    yield SimpleNamespace(name=name, rows=rows)
    databases.remove(name)


@pytest.fixture(scope="module")
def migrated_release(databases, django_db_blocker, first_release):
    """A copy of it that is migrated to the newest state. Tests get a copy, as `newest`."""
    name = databases.create(copy_of=first_release.name)
    with django_db_blocker.unblock(), databases.connected(name) as connection:
        migrate(connection)
    yield SimpleNamespace(name=name)
    databases.remove(name)


@pytest.fixture
def connected(databases, db, django_db_blocker):
    """A function that makes a database for this test and returns a connection to it."""
    with ExitStack() as stack:

        def connect(**options):
            name = databases.create(**options)
            stack.callback(databases.remove, name)
            return stack.enter_context(databases.connected(name))

        stack.enter_context(django_db_blocker.unblock())
        yield connect


@pytest.fixture
def fresh(request, connected):
    """A connection to a new, empty database. The fixture's parameter is added to CREATE DATABASE."""
    return connected(options=getattr(request, "param", ""))


@pytest.fixture
def first(connected, first_release):
    """A connection to a database of the first release, with a row of every model."""
    return connected(copy_of=first_release.name)


@pytest.fixture
def newest(connected, migrated_release):
    """A connection to such a database that was migrated to the newest state."""
    return connected(copy_of=migrated_release.name)
