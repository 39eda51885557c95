"""Starts a real gunicorn on a loopback address with the project's gunicorn.conf.py."""

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
TIMEOUT_SECONDS = 60
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
        """Collects the server's output and reads its port from it."""
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if match := _LISTENING.search(line):
                self.host, self.port = match[1].strip("[]"), int(match[2])
                self._listening.set()
        self._listening.set()

    def workers(self) -> list[int]:
        """The process ids of the present workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def wait_until_listening(self) -> None:
        """Returns once connections are accepted; requests then wait until the workers have started."""
        Thread(target=self.follow, daemon=True).start()
        assert self._listening.wait(TIMEOUT_SECONDS) and self.port, "\n".join(self.lines)

    def logged(self, logger: str) -> list[dict]:
        """The lines that the logger has written."""
        return [line for line in map(json.loads, list(self.lines)) if line["logger"] == logger]

    def ask(
        self, method: str, path: str, body=None, headers=(), timeout: float = TIMEOUT_SECONDS
    ) -> tuple[HTTPResponse, bytes]:
        """Sends one request on a new connection. Returns the response and its whole body."""
        connection = HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()


def wait_for(condition: Callable[[], object]) -> None:
    """Polls until the condition is true; fails the test after TIMEOUT_SECONDS seconds."""
    deadline = monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert monotonic() < deadline
        sleep(0.02)


def environment(database_url: str, **extra: str) -> dict[str, str]:
    """Environment variables for a server or command of a test, without the developer's settings."""
    inherited = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")
    }
    return (
        inherited
        | {"DATABASE_URL": database_url, "ALLOWED_HOSTS": "127.0.0.1,localhost", "API_THROTTLE": "off"}
        | extra
    )


def manage(env: dict[str, str], *arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True, **options)


def start_server(env: dict[str, str], port: int = 0, *application: str, folder: Path = ROOT) -> Server:
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", *application]
    env = env | {"PORT": str(port)}
    return Server(subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True))


@contextmanager
def serving(env: dict[str, str], port: int = 0, *application: str, folder: Path = ROOT) -> Iterator[Server]:
    """gunicorn on a free port for the duration of the block. It is stopped by its process id."""
    server = start_server(env, port, *application, folder=folder)
    process = server.process
    try:
        server.wait_until_listening()
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
