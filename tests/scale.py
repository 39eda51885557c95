"""Strata on two app machines without Docker: what the profile `scale` of compose.yaml starts, on ports of 127.0.0.1.

nginx, two app machines with folders of their own, PgBouncer, a primary, a standby and Redis, with the settings of
compose.yaml and the scripts of deploy/. `make scale` runs them until it is interrupted, and then deletes their data.
Each process is ended by its id.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.compose import compose
from tests.databases import PASSWORD, ROLE_DEFAULTS, PostgresqlServer, PostgresqlStandby, binary, free_port
from tests.nginx import Nginx, is_open, proxying
from tests.pooler import program
from tests.redis_server import RedisServer
from tests.serving import ROOT, TIMEOUT_SECONDS, Server, environment, serving, wait_for

DEPLOY = ROOT / "deploy"
KEY = "of-two-machines-" * 4
SECRETS = {"SECRET_KEY": KEY, "POSTGRES_PASSWORD": "of-strata"}
# What an app machine runs. The second one has a copy, so that it has a .data of its own.
CODE = ("strata", "portfolios", "assets", "investments", "reports", "imports", "archives", "demo", "locale",
        "manage.py", "gunicorn.conf.py")  # fmt: skip


@dataclass
class Topology:
    nginx: Nginx
    machines: list[Server]
    primary: PostgresqlServer
    standby: PostgresqlStandby
    redis: RedisServer


def services(addresses: dict[str, str]) -> dict[str, Any]:
    """The services of compose.yaml with the variables of deploy/scale.env, at other addresses."""
    lines = [line for line in (DEPLOY / "scale.env").read_text().splitlines() if not line.startswith("#")]
    variables = SECRETS | {name: text.strip('"') for name, _, text in (line.partition("=") for line in lines)}
    document = compose(**variables)["services"]
    return {name: replaced(service, addresses) for name, service in document.items()}


def replaced(part: Any, addresses: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: replaced(value, addresses) for name, value in part.items()}
    if isinstance(part, str):
        for shipped, address in addresses.items():
            part = part.replace(shipped, address)
    return part


class ShippedStandby(PostgresqlStandby):
    """A standby that deploy/standby.sh makes and starts."""

    def __init__(self, primary: PostgresqlServer, settings: dict[str, str]) -> None:
        self.make_folder()
        script = self.folder / "standby.sh"
        shutil.copy(DEPLOY / script.name, script)  # the server's user may not reach the tree
        path = f"{Path(binary('postgres')).parent}:{os.environ['PATH']}"
        variables = settings | {"PGDATA": self.data, "PATH": path}
        self.script = ["env", *(f"{name}={text}" for name, text in variables.items()), "sh", str(script)]
        self.start()

    def command(self) -> list[str]:
        return self.script


@contextmanager
def shipped_pooler(settings: dict[str, str], identity: dict[str, Any]) -> Iterator[int]:
    """PgBouncer as deploy/pgbouncer.sh starts it, on a free port, which it yields."""
    pgbouncer = program()
    assert pgbouncer, "pgbouncer is not installed: apt install pgbouncer"
    with TemporaryDirectory(prefix="strata-pgbouncer-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        for file in ("pgbouncer.sh", "pgbouncer.ini"):
            shutil.copy(DEPLOY / file, folder)
        if identity:
            shutil.chown(folder, identity["user"], identity["group"])
        env = settings | {
            "PATH": f"{Path(pgbouncer).parent}:{os.environ['PATH']}",
            "SHIPPED": str(folder / "pgbouncer.ini"),
            "FOLDER": str(folder / "used"),
            "ADDRESS": "127.0.0.1",
            "PORT": str(port),
        }
        command = ["sh", folder / "pgbouncer.sh"]
        with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, **identity) as process:
            try:
                wait_for(lambda: process.poll() is not None or is_open(port))
                assert process.poll() is None
                yield port
            finally:
                process.kill()
                process.wait(TIMEOUT_SECONDS)


def copied_code(folder: Path) -> Path:
    """The code of a second machine, with what Python has compiled of it."""
    folder.mkdir()
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("tests"))
        else:
            shutil.copy2(source, folder)
    return folder


@contextmanager
def topology(primary: PostgresqlServer, database: str, folder: Path, **settings: str) -> Iterator[Topology]:
    """All of it around the database of the primary, for the duration of the block."""
    url = primary._url(database)
    primary.execute(
        "DO $$ BEGIN CREATE ROLE strata SUPERUSER LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"
    )
    for setting, value in ROLE_DEFAULTS.items():  # as `migrate` does
        primary.execute(f"ALTER ROLE strata IN DATABASE \"{database}\" SET {setting} = '{value}'")
    with ExitStack() as stack:
        redis = RedisServer(folder)
        redis.start()
        stack.callback(redis.stop)
        server = f"host=127.0.0.1 port={primary.port}"
        shipped = services({"host=postgres port=5432": server, "host=postgres": server})
        standby = ShippedStandby(primary, shipped["standby"]["environment"])
        stack.callback(standby.remove)
        port = stack.enter_context(shipped_pooler(shipped["pgbouncer"]["environment"], primary.as_user))
        addresses = {
            "pgbouncer:6432/strata": f"127.0.0.1:{port}/{database}",
            "standby:5432/strata": f"127.0.0.1:{standby.port}/{database}",
            "redis://redis:6379/0": redis.url,
            "10.83.0.2": "127.0.0.1",
        }
        app = services(addresses)["strata"]["environment"]
        env = environment(url, WEB_CONCURRENCY="1", WEB_THREADS="4") | app | settings
        folders = (ROOT, copied_code(folder / "second"))
        machines = [stack.enter_context(serving(env, folder=code)) for code in folders]
        nginx = stack.enter_context(proxying(folder / "nginx", *(server.port for server in machines)))
        yield Topology(nginx, machines, primary, standby, redis)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with TemporaryDirectory(prefix="strata-scale-") as folder, ExitStack() as stack:
        primary = PostgresqlServer()
        stack.callback(primary.remove)
        database = "strata"
        primary.fresh(database)
        running = stack.enter_context(topology(primary, database, Path(folder)))
        sys.stdout.write(
            f"nginx https://127.0.0.1:{running.nginx.port}/admin/ (alice, {PASSWORD}), before "
            f"{' and '.join(server.base for server in running.machines)}.\n"
            f"Token: {primary.token}\nprimary {primary._url(database)}, standby {running.standby._url(database)}, "
            f"{running.redis.url}. Ctrl-C ends all of them.\n"
        )
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
