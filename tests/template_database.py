"""A migrated database that each test process copies: migrating takes longer than most test files.

It is kept in .data (SQLite) or on the server (PostgreSQL) under a hash of the migrations and of the modules that they
import, so that another migration makes another template. Migrating itself is tested in test_migrations.py.
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
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.conf import settings

from tests.ours import APPS

IMPORTED = re.compile(rf"^(?:import|from) ((?:{'|'.join(APPS)})[\w.]*)", re.MULTILINE)


def use(connection) -> None:
    """Has Django's creation of the test database begin with a copy; its `migrate` then finds nothing to do."""
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = postgresql_template(os.environ["TEST_DATABASE_URL"])
        return
    create = connection.creation._create_test_db

    def create_by_copy(*args, **kwargs):
        name = create(*args, **kwargs)
        shutil.copyfile(sqlite_template(), name)
        os.chmod(name, 0o600)
        return name

    connection.creation._create_test_db = create_by_copy


def sqlite_template() -> Path:
    path = settings.DATA_DIR / f"test-template-{version()}.db"
    with locked():
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
    with locked(), psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            server.execute(f'CREATE DATABASE "{unfinished}"')
            migrate(parts._replace(path=f"/{unfinished}").geturl())
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
    """The migrations, the modules of ours that they name, and what is installed."""
    yield settings.BASE_DIR / "requirements.txt"
    named = set()
    for app in APPS:
        for path in (settings.BASE_DIR / app / "migrations").glob("*.py"):
            yield path
            named |= set(IMPORTED.findall(path.read_text()))
    for module in named:
        base = settings.BASE_DIR.joinpath(*module.split("."))
        yield from (path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file())


class locked:
    """One process at a time makes the template; the others wait for it."""

    def __enter__(self):
        settings.DATA_DIR.mkdir(mode=0o700, exist_ok=True)
        self.file = (settings.DATA_DIR / "test-template.lock").open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *error):
        self.file.close()
