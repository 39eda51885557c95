"""Dumps a PostgreSQL database, and restores backups of both databases into scratch ones, to see whether they are good.

Passwords are in the environment of the tools that are called, never on their command line, which other users see.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess  # nosemgrep: no-shell - PostgreSQL's own programs, and no shell # nosec B404
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import DatabaseError, connection

from strata.db.backends.postgresql.timeouts import LOCK_SECONDS
from strata.db.private_files import files_of, make_private_database

VARIABLES = {
    "HOST": "PGHOST",
    "PORT": "PGPORT",
    "USER": "PGUSER",
    "PASSWORD": "PGPASSWORD",
    "NAME": "PGDATABASE",
}


class ToolFailed(Exception):
    """A program that was called did not do its work."""


class NotTried(ToolFailed):
    """It could not begin: a program or a scratch database is missing, which says nothing about a backup."""


def connection_environment(database: str | None = None) -> dict[str, str]:
    """The environment in which PostgreSQL's programs reach the database as we do: by the same TLS, for example."""
    # loads libpq, which other commands do not need on SQLite
    from psycopg.pq import Conninfo

    stored: Mapping[str, Any] = connection.settings_dict
    own = {variable: str(stored[name]) for name, variable in VARIABLES.items() if stored.get(name)}
    options = stored.get("OPTIONS") or {}
    for option in Conninfo.get_defaults():
        if option.envvar and (name := option.keyword.decode()) in options:
            own[option.envvar.decode()] = str(options[name])
    return {**os.environ, **own, **({"PGDATABASE": database} if database else {})}


def is_behind_pooler() -> bool:
    """Whether there is a pooler before the server: it gives its clients other process ids than the server has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        own: int = cursor.fetchone()[0]
    seen: int = connection.connection.info.backend_pid
    return own != seen


def call(*command: str, environment: Mapping[str, str]) -> str:
    """The program's output. Raises ToolFailed with the last line of its errors."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words, without a shell # nosec B603
            command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise NotTried(f"{command[0]} is not installed") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{command[0]} ended with {done.returncode}"]
        raise ToolFailed(lines[-1])
    return done.stdout


def dump_database(path: Path) -> None:
    """Write the PostgreSQL database into the file, which exists and is private."""
    arguments = ("--format=custom", "--no-password", f"--file={path}")
    call("pg_dump", *arguments, environment=connection_environment())
    call("pg_restore", "--list", str(path), environment=connection_environment())
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def restored_sqlite(backup: Path) -> Iterator[str]:
    """A copy of the backup in a private folder, as a URL. The backup itself stays as it is."""
    with tempfile.TemporaryDirectory(prefix="strata-verify-") as folder:
        copy = Path(folder) / "scratch.sqlite3"
        make_private_database(copy)
        shutil.copyfile(backup, copy)
        try:
            yield f"sqlite:///{copy}"
        finally:
            for file in files_of(copy):
                file.unlink(missing_ok=True)


@contextmanager
def restored_postgresql(backup: Path) -> Iterator[str]:
    """A new database with the content of the backup, as a URL. It is dropped in any case."""
    name = f"strata_verify_{secrets.token_hex(6)}"
    quoted = connection.ops.quote_name(name)
    try:
        with connection.cursor() as cursor:
            # nosemgrep: no-raw-sql - a name of our own, quoted
            cursor.execute(f"CREATE DATABASE {quoted}")
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        raise NotTried(f"the role may not create a scratch database ({reason})") from error
    try:
        arguments = ("--exit-on-error", "--no-owner", "--no-password", f"--dbname={name}", str(backup))
        call("pg_restore", *arguments, environment=connection_environment(name))
        yield url_of(name)
    finally:
        with connection.cursor() as cursor:
            # nosemgrep: no-raw-sql - a name of our own, quoted
            cursor.execute(f"DROP DATABASE {quoted} WITH (FORCE)")


def url_of(database: str) -> str:
    stored = connection.settings_dict
    user, password = (quote(str(stored.get(name) or ""), safe="") for name in ("USER", "PASSWORD"))
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    host = quote(str(stored.get("HOST") or ""), safe="")
    port = f":{stored['PORT']}" if stored.get("PORT") else ""
    return f"postgres://{login}{host}{port}/{database}"


def defaults_of_role() -> str:
    """The scratch database has none of the defaults that doctor looks for in the live one."""
    return f"-c lock_timeout={LOCK_SECONDS}s -c statement_timeout={settings.SERVER_STATEMENT_TIMEOUT}s -c jit=off"


def failures_of_doctor(url: str) -> list[str]:
    """What doctor finds broken in the database, each in a line."""
    done = subprocess.run(  # noqa: S603 - this Python and our own file # nosec B603
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "doctor"],
        env={**connection_environment(), "DATABASE_URL": url, "PGOPTIONS": defaults_of_role()},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if not done.returncode:
        return []
    lines = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    return lines or done.stderr.strip().splitlines()[-1:]
