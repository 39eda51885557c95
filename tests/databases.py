"""Databases that server tests own and may damage: SQLite files, and a PostgreSQL server started for the tests.

A test uses the database of its pass (see conftest.py) and inspects it without going through Strata.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic, sleep
from urllib.parse import urlsplit

import psycopg

from tests.serving import TIMEOUT_SECONDS, environment, manage
from tests.template_database import copy_sqlite_template, postgresql_template

PASSWORD = "correct horse battery staple"
TEMPLATE = "template_of_strata"
SERVER = "TEST_SERVER_URL"  # the server of the pass, where TEST_DATABASE_URL is that of a pooler before it
BINARIES = "/usr/lib/postgresql"  # as Debian lays them out
ROLE_DEFAULTS = {"lock_timeout": "10s", "statement_timeout": "20s", "jit": "off"}  # of `migrate`
FOREIGN_KEYS = """
    SELECT con.conrelid::regclass::text, a.attname, con.confrelid::regclass::text, b.attname
    FROM pg_constraint con
    JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
    JOIN pg_attribute b ON b.attrelid = con.confrelid AND b.attnum = con.confkey[1]
    WHERE con.contype = 'f'
"""


def populate(url: str) -> str:
    """Migrates the database and creates the superuser alice. Returns her token."""
    manage(environment(url), "migrate", "--verbosity", "0")
    return add_alice(url)


def add_alice(url: str) -> str:
    """Creates the superuser alice. Returns her token."""
    env = environment(url)
    manage(env, "create_user", "alice", "--superuser", "--password-stdin", input=PASSWORD)
    return manage(env, "create_token", "alice").stdout.strip()


class SqliteFiles:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        copy_sqlite_template(folder / f"{TEMPLATE}.db")
        self.token = add_alice(self._url(folder / f"{TEMPLATE}.db"))

    def _url(self, path: Path) -> str:
        return f"sqlite:///{path}"

    def fresh(self, name: str, folder: Path | None = None) -> str:
        return self._url(shutil.copy(self.folder / f"{TEMPLATE}.db", (folder or self.folder) / f"{name}.db"))

    def rows(self, url: str, query: str) -> list[tuple]:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=TIMEOUT_SECONDS)) as connection:
            return connection.execute(query).fetchall()

    def damage(self, url: str) -> list[tuple]:
        """What SQLite's own checks report: nothing for an intact database."""
        report = self.rows(url, "PRAGMA integrity_check") + self.rows(url, "PRAGMA foreign_key_check")
        return [row for row in report if row != ("ok",)]


class PostgresqlServer:
    """A cluster in its own folder, on a free port of 127.0.0.1, with Debian's settings: fsync is on."""

    settings: dict[str, str] = {}

    def __init__(self) -> None:
        self.make_folder()
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--pgdata", self.data)
        self.start()
        of_pass = os.environ.get(SERVER) or os.environ.get("TEST_DATABASE_URL")
        if of_pass is None:  # no test: `make scale`, or a benchmark
            self.execute(f"CREATE DATABASE {TEMPLATE}")
            self.token = populate(self._url(TEMPLATE))
            return
        self.execute(f'CREATE DATABASE {TEMPLATE} TEMPLATE "{self.copy_migrated(of_pass)}"')
        self.token = add_alice(self._url(TEMPLATE))

    def copy_migrated(self, url: str) -> str:
        """Copies the migrated database that the pass has made on its server. Returns its name, here as there."""
        name = postgresql_template(url)
        self.execute(f'CREATE DATABASE "{name}"')
        source = urlsplit(url)._replace(path=f"/{name}").geturl()
        dump = [binary("pg_dump"), "--no-owner", "--no-privileges", f"--dbname={source}"]
        restore = [binary("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", self._url(name)]
        dumped = subprocess.run(dump, check=True, capture_output=True).stdout
        subprocess.run(restore, check=True, capture_output=True, input=dumped)
        return name

    def make_folder(self) -> None:
        self.folder = Path(mkdtemp(prefix="strata-postgresql-"))
        self.as_user = (
            {"user": "postgres", "group": "postgres", "extra_groups": []} if not os.getuid() else {}
        )
        if self.as_user:
            shutil.chown(self.folder, "postgres", "postgres")
        self.port = free_port()
        self.process: subprocess.Popen | None = None

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

    def command(self) -> list[str]:
        """What starts it, which takes options of postgres."""
        return [binary("postgres"), "-D", self.data]

    def start(self) -> None:
        # Its socket file is in its own folder, so that it does not clash with the machine's PostgreSQL.
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder}
        options |= self.settings
        command = self.command()
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(command, stderr=log, stdout=log, cwd=self.folder, **self.as_user)
        deadline = monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                return psycopg.connect(self._url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None and monotonic() < deadline, (
                    self.folder / "log"
                ).read_text()
                sleep(0.05)

    def processes(self) -> list[int]:
        """The process ids of the server and its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    @staticmethod
    def _signal(pids: list[int], number: signal.Signals) -> None:
        """To each that still runs: a connection's process ends when its client goes."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """Kills all its processes at once. Their memory is lost, as in a power cut; the kernel's is not."""
        self._signal(self.processes(), signal.SIGKILL)
        self.process.wait(TIMEOUT_SECONDS)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        stopped = self.processes()
        self._signal(stopped, signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(stopped, signal.SIGCONT)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(TIMEOUT_SECONDS)

    def remove(self) -> None:
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder)

    def fresh(self, name: str, tablespace: str = "pg_default") -> str:
        """A copy of the template, followed by a checkpoint.

        Without it a crash would reset the copy's sequences. That is a defect of PostgreSQL, not of Strata: see
        pgsql-hackers, "Fix sequence value may rollback after CREATE DATABASE TEMPLATE with WAL_LOG strategy".
        """
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} TABLESPACE {tablespace}')
        for setting, value in ROLE_DEFAULTS.items():  # as `migrate` does; a copy does not inherit it
            self.execute(f"ALTER ROLE postgres IN DATABASE \"{name}\" SET {setting} = '{value}'")
        self.execute("CHECKPOINT")
        return self._url(name)

    @contextmanager
    def on_disk(self, name: str, folder: Path) -> Iterator[str]:
        """A database whose files are in the folder, for the duration of the block."""
        if self.as_user:
            shutil.chown(folder, "postgres", "postgres")
        self.execute(f"CREATE TABLESPACE elsewhere LOCATION '{folder}'")
        try:
            yield self.fresh(name, "elsewhere")
        finally:
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            self.execute("DROP TABLESPACE elsewhere")
            self.execute("CHECKPOINT")  # or a recovery would look for the folder

    @contextmanager
    def with_setting(self, setting: str, value: str) -> Iterator[None]:
        """Changes a setting of the running server, as its administrator can, for the duration of the block."""
        try:
            self.execute(f"ALTER SYSTEM SET {setting} = {value}")
            self.execute("SELECT pg_reload_conf()")
            yield
        finally:
            self.execute(f"ALTER SYSTEM RESET {setting}")
            self.execute("SELECT pg_reload_conf()")

    def sessions(self, url: str) -> list[int]:
        """The process ids of the sessions on the database, without this one."""
        name = url.rpartition("/")[2]
        condition = f"datname = '{name}' AND pid <> pg_backend_pid()"
        return [pid for (pid,) in self.rows(url, f"SELECT pid FROM pg_stat_activity WHERE {condition}")]

    def set_read_only(self, url: str, switch: str) -> None:
        """Switches read-only mode for new sessions, and ends the present ones."""
        name = url.rpartition("/")[2]
        self.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {switch}')
        for pid in self.sessions(url):
            self.execute(f"SELECT pg_terminate_backend({pid}, 10000)")

    def rows(self, url: str, query: str) -> list[tuple]:
        with psycopg.connect(url) as connection:
            return connection.execute(query).fetchall()

    def damage(self, url: str) -> list[tuple]:
        """Foreign keys without the row that they point to: none in an intact database."""
        orphans = []
        for table, column, target, key in self.rows(url, FOREIGN_KEYS):
            exists = f"EXISTS (SELECT 1 FROM {target} target WHERE target.{key} = source.{column})"
            missing = f"FROM {table} source WHERE source.{column} IS NOT NULL AND NOT {exists}"
            orphans += self.rows(url, f"SELECT '{table}.{column}', source.{column}::text {missing}")
        return orphans


class PostgresqlStandby(PostgresqlServer):
    """A streaming standby of a server, made of a base backup. A primary knows it by the name NAME."""

    NAME = "standby"
    settings = {"fsync": "off"}  # it is thrown away

    def __init__(self, primary: PostgresqlServer) -> None:
        self.make_folder()
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self.NAME}"
        self._run(
            "pg_basebackup", "--no-sync", "--checkpoint=fast", "--write-recovery-conf", f"--dbname={source}",
            "--pgdata", self.data,
        )  # fmt: skip
        self.start()

    def url_of(self, url: str) -> str:
        """The URL of the same database here."""
        return self._url(url.rpartition("/")[2])

    def promote(self) -> None:
        self.execute("SELECT pg_promote()")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Receives, and does not replay."""
        self.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.execute("SELECT pg_wal_replay_resume()")

    def remove(self) -> None:
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)


def binary(name: str) -> str:
    path = shutil.which(name) or max(map(str, Path(BINARIES).glob(f"*/bin/{name}")), default=None)
    assert path, f"PostgreSQL's {name} is not installed: the pass on PostgreSQL needs its server"
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
