"""A port that is in use gives one sentence before anything is prepared, and no traceback."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from strata.environment.variables import port_problem
from tests.serving import ROOT, environment

# No test here asks the database.
pytestmark = pytest.mark.on_sqlite

SENTENCE = "Port {} is in use; choose another with PORT=."


@pytest.fixture(params=["127.0.0.1", "::1"])
def taken(request):
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family) as other:
        other.bind((request.param, 0))
        other.listen()
        yield request.param, other.getsockname()[1]


def run(taken, *command: str) -> subprocess.CompletedProcess:
    host, port = taken
    env = environment("sqlite:////nowhere/strata.db", BIND=host, PORT=str(port))
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True)


def test_make_run_says_so_before_it_prepares_anything(taken):
    ended = run(taken, "scripts/prepare.py")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"{SENTENCE.format(taken[1])}\n")


def test_a_free_port_is_none(taken):
    host, port = taken
    assert port_problem(host, port)
    assert port_problem(host, 0) is None
