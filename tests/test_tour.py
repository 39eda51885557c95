"""Runs the README's tour unchanged against a real server with a new database."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.databases import free_port

ROOT = Path(__file__).resolve().parent.parent


def wait_until_ready(server, base):
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            return urllib.request.urlopen(f"{base}/api/v1/health/ready", timeout=2)
        except OSError:  # refused, or not answered in time
            time.sleep(0.1)
    raise AssertionError("the server did not get ready")


@pytest.fixture
def server(tmp_path):
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"},
        "DATABASE_URL": f"sqlite:///{tmp_path}/tour.db",
        "PORT": str(port),
    }
    for command in ("migrate", "demo --password demo-household"):
        subprocess.run([sys.executable, "manage.py", *command.split()], cwd=ROOT, env=environment, check=True)
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "strata.wsgi"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.server
def test_tour_of_the_readme_works_when_pasted(server):
    tour = re.search(r"```sh tour\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    result = subprocess.run(
        ["sh", "-eu"],
        input=tour,
        env={**os.environ, "STRATA": server},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "250000.00"
    assert "262500.50" in result.stdout.splitlines()[-2]
