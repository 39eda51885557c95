"""`make run` on a new machine: it finds the right Python and installs once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.on_sqlite

ROOT = Path(__file__).resolve().parent.parent
FIND_PYTHON = ROOT / "scripts" / "find-python"
GOOD = f'exec {sys.executable} "$@"\n'
OLD = f"""shift; exec {sys.executable} -c 'import sys; sys.version_info = (3, 11, 9); exec(sys.argv[1])' "$1"\n"""
MISSING = "echo 'pyenv: python3.13: command not found' >&2; exit 127\n"


@pytest.fixture
def machine(tmp_path):
    """A machine that has only the Pythons that the test adds."""

    class Machine:
        def has(self, name: str, script: str) -> Path:
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{script}")
            path.chmod(0o755)
            return path

        def finds(self, **env: str) -> subprocess.CompletedProcess:
            env = {"PATH": str(tmp_path)} | env
            return subprocess.run(
                ["/bin/sh", str(FIND_PYTHON)], env=env, capture_output=True, text=True, timeout=60
            )

    return Machine()


def test_newest_python_is_taken(machine):
    for name in ("python3", "python3.12", "python3.13", "python3.14"):
        machine.has(name, GOOD)
    assert machine.finds().stdout == "python3.14\n"


def test_python_from_the_environment_comes_first(machine):
    machine.has("python3.13", GOOD)
    chosen = machine.has("mine", GOOD)
    assert machine.finds(PYTHON=str(chosen)).stdout == f"{chosen}\n"


def test_python_that_does_not_run_is_skipped(machine):
    machine.has("python3.13", MISSING)
    machine.has("python3.12", GOOD)
    assert machine.finds().stdout == "python3.12\n"


def test_older_python_is_skipped_whatever_its_name(machine):
    old = machine.has("python3.13", OLD)
    machine.has("python3", GOOD)
    assert machine.finds(PYTHON=str(old)).stdout == "python3\n"


@pytest.mark.parametrize("others", [{}, {"python3": OLD}, {"python3": MISSING, "python3.12": OLD}])
def test_missing_python_is_named(machine, others):
    for name, script in others.items():
        machine.has(name, script)
    output = machine.finds(PYTHON="/no/such/python")
    assert (output.returncode, output.stdout) == (1, "")
    assert "Python 3.12 or newer" in output.stderr
    assert "/no/such/python" in output.stderr


def test_bootstrap_installs_once_and_again_when_requirements_change(tmp_path):
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing\n")

    def bootstrap() -> str:
        command = [str(tmp_path / "scripts" / "bootstrap")]
        env = os.environ | {"PYTHON": sys.executable}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, check=True, timeout=300
        ).stdout

    first = bootstrap()
    assert "Making .venv" in first
    assert "Installing requirements.txt" in first
    assert bootstrap() == ""
    requirements.write_text("# nothing new\n")
    assert bootstrap() == "Installing requirements.txt\n"
    python = tmp_path / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/no/such/python")
    assert "Making .venv" in bootstrap()


def test_requirements_are_pinned_with_hashes_and_name_no_host():
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        pinned = [line for line in lines if line and not line.startswith((" ", "#", "-"))]
        assert pinned
        assert all("==" in line and line.endswith("\\") for line in pinned)
        assert not [line for line in lines if "://" in line or line.startswith("-")]


def test_runtime_requirements_have_the_same_versions_in_both_files():
    def pins(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {line.split()[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}

    assert pins("requirements.txt") <= pins("requirements-dev.txt")
