"""Debian's Redis on a socket of its own, without a port and without files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import redis

from tests.serving import TIMEOUT_SECONDS, wait_for


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "redis.sock"
        self.url = f"unix://{self.path}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed: apt install redis-server"
        options = ["--port", "0", "--unixsocket", str(self.path), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        wait_for(self.path.exists)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(TIMEOUT_SECONDS)
            self.path.unlink(missing_ok=True)

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)
