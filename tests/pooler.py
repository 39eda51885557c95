"""Debian's PgBouncer with the shipped deploy/pgbouncer.ini and TLS, on a free port, in front of a PostgreSQL server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

import psycopg

from tests.databases import PostgresqlServer, free_port
from tests.nginx import is_open
from tests.serving import ROOT, TIMEOUT_SECONDS, wait_for

SHIPPED = ROOT / "deploy" / "pgbouncer.ini"
CERTIFICATE, KEY = "server.crt", "server.key"


def program() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@dataclass
class Pooler:
    port: int
    folder: Path
    process: subprocess.Popen

    def url_of(self, url: str) -> str:
        """The URL of the same database through the pooler, whose certificate is verified, with its address."""
        parts = urlsplit(url)
        tls = urlencode({"sslmode": "verify-full", "sslrootcert": self.folder / CERTIFICATE})
        query = "&".join(filter(None, (parts.query, tls)))
        login = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{login}@127.0.0.1:{self.port}", query=query).geturl()

    def point_to(self, server: PostgresqlServer) -> None:
        """As the callback of a failover does: another server in its file, RELOAD, and RECONNECT."""
        file = self.folder / "pgbouncer.ini"
        file.write_text(
            re.sub(r"(^\* = .*port=)[0-9]+", rf"\g<1>{server.port}", file.read_text(), flags=re.M)
        )
        for command in ("RELOAD", "RECONNECT"):
            self.order(command)

    def order(self, command: str) -> list[tuple]:
        """Runs a command of PgBouncer's console."""
        url = self.url_of("postgres://postgres@/pgbouncer")
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(command)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def pooling(url: str, *, size: int) -> Iterator[Pooler]:
    """Runs PgBouncer before the server of the URL for the duration of the block. It does not run as root."""
    pgbouncer = program()
    assert pgbouncer, "pgbouncer is not installed: apt install pgbouncer"
    port, server = free_port(), urlsplit(url)
    with TemporaryDirectory(prefix="strata-pgbouncer-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "userlist.txt").write_text(userlist(server))
        (folder / "pgbouncer.ini").write_text(adapted_config(folder, port, server, size))
        make_certificate(folder)
        identity = {"user": "postgres", "group": "postgres", "extra_groups": []} if not os.getuid() else {}
        if identity:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, identity["user"], identity["group"])
        with subprocess.Popen([pgbouncer, "-q", folder / "pgbouncer.ini"], cwd=folder, **identity) as process:
            try:
                wait_for(lambda: process.poll() is not None or is_open(port))
                assert process.poll() is None, (folder / "pgbouncer.log").read_text()
                yield Pooler(port, folder, process)
            finally:
                process.kill()
                process.wait(TIMEOUT_SECONDS)


def userlist(server: SplitResult) -> str:
    """The administrator of the console, and who logs in to the server."""
    users = {"postgres": "", unquote(server.username or "postgres"): unquote(server.password or "")}
    return "".join(f'"{name}" "{password}"\n' for name, password in users.items())


def adapted_config(folder: Path, port: int, server: SplitResult, size: int) -> str:
    """The shipped file with the edits that an administrator makes too. Each text to replace must be there."""
    text = SHIPPED.read_text()
    replacements = {
        "host=127.0.0.1 port=5432": f"host={server.hostname} port={server.port or 5432}",
        "listen_port = 6432": f"listen_port = {port}",
        "unix_socket_dir = /run/postgresql": "unix_socket_dir =",
        "auth_type = scram-sha-256": "auth_type = trust\nadmin_users = postgres",
        ";client_tls_": "client_tls_",
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


def make_certificate(folder: Path) -> None:
    """A certificate of this address that signs itself, so that clients can verify it without another file."""
    out = ["-keyout", folder / KEY, "-out", folder / CERTIFICATE]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=pgbouncer", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *key, *name, *out], check=True, capture_output=True)
