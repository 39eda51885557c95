"""Debian's PgBouncer with the shipped deploy/pgbouncer.ini, on a free port, in front of a test's PostgreSQL server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit

import psycopg

from tests.databases import PostgresqlServer, free_port
from tests.nginx import is_open
from tests.serving import PATIENCE, ROOT, wait_for

SHIPPED = ROOT / "deploy" / "pgbouncer.ini"


def pooled_url(url: str, port: int) -> str:
    """The URL of the same database through the pooler."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}").geturl()


@dataclass
class Pooler:
    port: int
    folder: Path
    process: subprocess.Popen

    def point_to(self, server: PostgresqlServer) -> None:
        """As the callback of a failover does: another server in its file, RELOAD, and RECONNECT."""
        file = self.folder / "pgbouncer.ini"
        file.write_text(
            re.sub(r"(^\* = .*port=)[0-9]+", rf"\g<1>{server.port}", file.read_text(), flags=re.M)
        )
        console = f"postgres://postgres@127.0.0.1:{self.port}/pgbouncer"
        with psycopg.connect(console, autocommit=True) as connection:
            for command in ("RELOAD", "RECONNECT"):
                connection.execute(command)


@contextmanager
def pooling(server: PostgresqlServer, *, size: int) -> Iterator[Pooler]:
    """Runs PgBouncer for the duration of the block. It runs as the server's user, not as root."""
    pgbouncer = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert pgbouncer, "pgbouncer is not installed: apt install pgbouncer"
    folder, port = Path(mkdtemp(prefix="strata-pgbouncer-")), free_port()
    (folder / "userlist.txt").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(adapted_config(folder, port, server.port, size))
    if server.as_user:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, server.as_user["user"], server.as_user["group"])
    with subprocess.Popen(
        [pgbouncer, "-q", folder / "pgbouncer.ini"], cwd=folder, **server.as_user
    ) as process:
        try:
            wait_for(lambda: process.poll() is not None or is_open(port))
            assert process.poll() is None, (folder / "pgbouncer.log").read_text()
            yield Pooler(port, folder, process)
        finally:
            process.kill()
            process.wait(PATIENCE)
            shutil.rmtree(folder)


def adapted_config(folder: Path, port: int, server: int, size: int) -> str:
    """The shipped file with the edits that an administrator makes too. Each text to replace must be there."""
    text = SHIPPED.read_text()
    replacements = {
        "port=5432": f"port={server}",
        "listen_port = 6432": f"listen_port = {port}",
        "unix_socket_dir = /run/postgresql": "unix_socket_dir =",
        "auth_type = scram-sha-256": "auth_type = trust\nadmin_users = postgres",
        "/etc/pgbouncer/": f"{folder}/",
        "/var/log/postgresql/": f"{folder}/",
        "pidfile = /run/postgresql/": f"pidfile = {folder}/",
        "default_pool_size = 20\n": f"default_pool_size = {size}\n",
    }
    for shipped, replacement in replacements.items():
        assert shipped in text, shipped
        text = text.replace(shipped, replacement)
    assert "ignore_startup_parameters" not in text
    return text


def suite_environment(url: str) -> dict[str, str]:
    """The environment for a run of the suite inside a test."""
    return {**os.environ, "TEST_DATABASE_URL": url, "RANDOM_SEED": os.environ.get("RANDOM_SEED", "1")}
