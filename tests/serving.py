"""A real gunicorn on a loopback address, started with the project's own gunicorn.conf.py, for tests that need one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60
_LISTENING = re.compile(r"Listening at: http://(127\.0\.0\.1|\[::1\]):([0-9]+)")


@dataclass
class Server:
    process: subprocess.Popen
    lines: list[str] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0
    _listening: Event = field(default_factory=Event)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def follow(self) -> None:
        """Keep what it writes, and learn its port from it."""
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if found := _LISTENING.search(line):
                self.host, self.port = found[1].strip("[]"), int(found[2])
                self._listening.set()
        self._listening.set()

    def workers(self) -> list[int]:
        """Their process ids, as they are just now."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def wait_until_listening(self) -> None:
        """From then on a request waits for the workers to start, and is answered."""
        Thread(target=self.follow, daemon=True).start()
        assert self._listening.wait(PATIENCE) and self.port, "\n".join(self.lines)

    def logged(self, logger: str) -> list[dict]:
        return [line for line in map(json.loads, list(self.lines)) if line["logger"] == logger]

    def ask(
        self, method: str, path: str, body=None, headers=(), timeout: float = PATIENCE
    ) -> tuple[HTTPResponse, bytes]:
        """One request on a connection of its own: the response and its whole body."""
        connection = HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()


def wait_for(happened: Callable[[], object]) -> None:
    """Looks again and again until it is so; fails the test where it never is."""
    deadline = monotonic() + PATIENCE
    while not happened():
        assert monotonic() < deadline
        sleep(0.02)


def environment(database_url: str, **given: str) -> dict[str, str]:
    """What a server or command of a test runs with: a database of its own, and no settings of the developer's."""
    inherited = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")
    }
    return (
        inherited
        | {"DATABASE_URL": database_url, "ALLOWED_HOSTS": "127.0.0.1,localhost", "API_THROTTLE": "off"}
        | given
    )


def manage(env: dict[str, str], *arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True, **options)


def started(env: dict[str, str], port: int = 0, *application: str, folder: Path = ROOT) -> Server:
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", *application]
    env = env | {"PORT": str(port)}
    return Server(subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True))


@contextmanager
def serving(env: dict[str, str], port: int = 0, *application: str, folder: Path = ROOT) -> Iterator[Server]:
    """gunicorn on a free port for the length of a block; it is stopped by its own process id."""
    server = started(env, port, *application, folder=folder)
    process = server.process
    try:
        server.wait_until_listening()
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
