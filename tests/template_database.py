"""A migrated database that each test process copies, because migrating takes longer than most test files.

It is stored in .data (SQLite) or on the server (PostgreSQL). Its name has a hash of the migrations and of the modules
that they import, so a new migration makes a new template. test_migrations.py tests the migrations themselves.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.conf import settings

from tests.strata_apps import APPS

IMPORTED = re.compile(rf"^(?:import|from) ((?:{'|'.join(APPS)})[\w.]*)", re.MULTILINE)


def use(connection) -> None:
    """Makes Django create the test database as a copy of the template. Its `migrate` then has nothing to do."""
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = postgresql_template(os.environ["TEST_DATABASE_URL"])
        connection.creation._destroy_test_db = partial(drop_postgresql, connection)
        return
    create = connection.creation._create_test_db

    def create_by_copy(*args, **kwargs):
        name = create(*args, **kwargs)
        copy_sqlite_template(name)
        return name

    connection.creation._create_test_db = create_by_copy


def drop_postgresql(connection, name: str, verbosity: int) -> None:
    """Drops it although a pooler keeps connections to it, which Django's own way does not."""
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def end_sessions(server: psycopg.Connection, name: str) -> None:
    """Ends the connections that a pooler keeps to the database: it cannot be renamed or copied while there are any."""
    server.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name])


def copy_sqlite_template(path: Path | str) -> None:
    """Makes a migrated SQLite file."""
    shutil.copyfile(sqlite_template(), path)
    os.chmod(path, 0o600)


def sqlite_template() -> Path:
    path = settings.DATA_DIR / f"test-template-{version()}.db"
    with TemplateLock():
        if not path.exists():
            for old in settings.DATA_DIR.glob("test-template-*"):
                old.unlink()
            unfinished = path.with_suffix(".part")
            migrate(f"sqlite:///{unfinished}")
            unfinished.rename(path)
    return path


def postgresql_template(url: str) -> str:
    parts = urlsplit(url)
    name, unfinished = f"test_template_{version()}", f"test_template_unfinished_{os.getpid()}"
    with (
        TemplateLock(),
        psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as server,
    ):
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            server.execute(f'CREATE DATABASE "{unfinished}"')
            migrate(parts._replace(path=f"/{unfinished}").geturl())
            end_sessions(server, unfinished)
            server.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return name


def migrate(url: str) -> None:
    environment = {name: text for name, text in os.environ.items() if name != "TEST_DATABASE_URL"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, check=True, cwd=settings.BASE_DIR, env={**environment, "DATABASE_URL": url})


def version() -> str:
    digest = hashlib.sha256()
    for path in sorted(sources()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def sources() -> Iterator[Path]:
    """The migrations, Strata's modules that they import, and the list of installed packages."""
    yield settings.BASE_DIR / "requirements.txt"
    modules = set()
    for app in APPS:
        for path in (settings.BASE_DIR / app / "migrations").glob("*.py"):
            yield path
            modules |= set(IMPORTED.findall(path.read_text()))
    for module in modules:
        base = settings.BASE_DIR.joinpath(*module.split("."))
        yield from (path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file())


class TemplateLock:
    """Lets one process make the template while the others wait."""

    def __enter__(self):
        settings.DATA_DIR.mkdir(mode=0o700, exist_ok=True)
        self.file = (settings.DATA_DIR / "test-template.lock").open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *error):
        self.file.close()
