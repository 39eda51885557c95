"""Databases that the server tests own, and may break: SQLite files, and a PostgreSQL server started for them alone.

A test runs on the database of its pass (see tests/conftest.py), and looks at it from outside of Strata.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic, sleep

import psycopg

from tests.serving import PATIENCE, environment, manage

PASSWORD = "correct horse battery staple"
TEMPLATE = "template_of_strata"
BINARIES = "/usr/lib/postgresql"  # as Debian lays them out
TIMEOUTS = {"lock_timeout": "10s", "statement_timeout": "20s"}
ORPHANS = """
    SELECT con.conrelid::regclass::text, a.attname, con.confrelid::regclass::text, b.attname
    FROM pg_constraint con
    JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
    JOIN pg_attribute b ON b.attrelid = con.confrelid AND b.attnum = con.confkey[1]
    WHERE con.contype = 'f'
"""


def populate(url: str) -> str:
    """Migrated, with the user alice, who may log in to the admin; her token."""
    env = environment(url)
    manage(env, "migrate", "--verbosity", "0")
    manage(env, "create_user", "alice", "--superuser", "--password-stdin", input=PASSWORD)
    return manage(env, "create_token", "alice").stdout.strip()


class SqliteFiles:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = populate(self._url(folder / f"{TEMPLATE}.db"))

    def _url(self, path: Path) -> str:
        return f"sqlite:///{path}"

    def fresh(self, name: str, folder: Path | None = None) -> str:
        return self._url(shutil.copy(self.folder / f"{TEMPLATE}.db", (folder or self.folder) / f"{name}.db"))

    def rows(self, url: str, query: str) -> list[tuple]:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=PATIENCE)) as connection:
            return connection.execute(query).fetchall()

    def damage(self, url: str) -> list[tuple]:
        """What SQLite's own checks find; nothing in a sound database."""
        found = self.rows(url, "PRAGMA integrity_check") + self.rows(url, "PRAGMA foreign_key_check")
        return [row for row in found if row != ("ok",)]


class PostgresqlServer:
    """A cluster in a folder of its own, on a free port of 127.0.0.1, as Debian would set it up: fsync is on."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="strata-postgresql-"))
        self.as_user = (
            {"user": "postgres", "group": "postgres", "extra_groups": []} if not os.getuid() else {}
        )
        if self.as_user:
            shutil.chown(self.folder, "postgres", "postgres")
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--pgdata", self.data)
        self.start()
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        self.token = populate(self._url(TEMPLATE))

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [binary(name), *arguments], check=True, capture_output=True, cwd=self.folder, **self.as_user
        )

    def _url(self, name: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, query: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(query)

    def start(self) -> None:
        # The folder for its socket file is its own: the machine's PostgreSQL has one of that name elsewhere.
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder}
        command = [binary("postgres"), "-D", self.data]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(command, stderr=log, stdout=log, cwd=self.folder, **self.as_user)
        deadline = monotonic() + PATIENCE
        while True:
            try:
                return psycopg.connect(self._url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None and monotonic() < deadline, (
                    self.folder / "log"
                ).read_text()
                sleep(0.05)

    def processes(self) -> list[int]:
        """The server's and its children's."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def kill(self) -> None:
        """All of it at once, as a power cut would, as far as its own memory goes."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        stopped = self.processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)

    def remove(self) -> None:
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder)

    def fresh(self, name: str, tablespace: str = "pg_default") -> str:
        """A copy of the template. Until a checkpoint a crash would set its sequences back to where it was copied.

        That is PostgreSQL's own, of copies alone, and no affair of Strata's: see pgsql-hackers, "Fix sequence value may
        rollback after CREATE DATABASE TEMPLATE with WAL_LOG strategy".
        """
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} TABLESPACE {tablespace}')
        for timeout, value in TIMEOUTS.items():  # as `migrate` does, which belongs to no copy
            self.execute(f"ALTER ROLE postgres IN DATABASE \"{name}\" SET {timeout} = '{value}'")
        self.execute("CHECKPOINT")
        return self._url(name)

    @contextmanager
    def on_disk(self, name: str, folder: Path) -> Iterator[str]:
        """A database whose files are in that folder, for as long as the block."""
        if self.as_user:
            shutil.chown(folder, "postgres", "postgres")
        self.execute(f"CREATE TABLESPACE elsewhere LOCATION '{folder}'")
        try:
            yield self.fresh(name, "elsewhere")
        finally:
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            self.execute("DROP TABLESPACE elsewhere")
            self.execute("CHECKPOINT")  # a recovery that begins before it would look for the folder

    @contextmanager
    def set_to(self, setting: str, value: str) -> Iterator[None]:
        """A setting of the whole server, as its administrator sets it while it runs; as it was after the block."""
        try:
            self.execute(f"ALTER SYSTEM SET {setting} = {value}")
            self.execute("SELECT pg_reload_conf()")
            yield
        finally:
            self.execute(f"ALTER SYSTEM RESET {setting}")
            self.execute("SELECT pg_reload_conf()")

    def sessions(self, url: str) -> list[int]:
        """The process ids of those who are connected to it and stay."""
        name = url.rpartition("/")[2]
        others = f"datname = '{name}' AND pid <> pg_backend_pid()"
        return [pid for (pid,) in self.rows(url, f"SELECT pid FROM pg_stat_activity WHERE {others}")]

    def set_read_only(self, url: str, switch: str) -> None:
        """For every session from now on: those that there are end."""
        name = url.rpartition("/")[2]
        self.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {switch}')
        for pid in self.sessions(url):
            self.execute(f"SELECT pg_terminate_backend({pid}, 10000)")

    def rows(self, url: str, query: str) -> list[tuple]:
        with psycopg.connect(url) as connection:
            return connection.execute(query).fetchall()

    def damage(self, url: str) -> list[tuple]:
        """Rows that point at a row that is not there; nothing in a sound database."""
        found = []
        for table, column, other, key in self.rows(url, ORPHANS):
            there = f"EXISTS (SELECT 1 FROM {other} other WHERE other.{key} = one.{column})"
            lost = f"FROM {table} one WHERE one.{column} IS NOT NULL AND NOT {there}"
            found += self.rows(url, f"SELECT '{table}.{column}', one.{column}::text {lost}")
        return found


def binary(name: str) -> str:
    found = shutil.which(name) or max(map(str, Path(BINARIES).glob(f"*/bin/{name}")), default=None)
    assert found, f"PostgreSQL's {name} is not installed: the pass on PostgreSQL needs its server"
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
