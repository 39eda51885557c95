"""On a full or read-only disk a command prints one sentence that names the file and exits with code 1."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.disks import fill, small_disk
from tests.serving import ROOT, environment

pytestmark = [pytest.mark.server, pytest.mark.chaos]
COMMANDS = [("load_rates",), ("demo", "--password", "correct horse battery")]
# Without these rights: otherwise root may write read-only files.
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def run(url: str, *arguments: str, prefix: list[str] | None = None) -> subprocess.CompletedProcess:
    command = [*(prefix or []), sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(url), capture_output=True, text=True)


def require_sentence(done: subprocess.CompletedProcess, *words: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line]
    assert lines[-1].startswith("CommandError: ")
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[-1]


@pytest.mark.on_sqlite
def test_migrate_on_a_full_disk(tmp_path):
    with small_disk(tmp_path / "disk", size=300_000):
        require_sentence(
            run(f"sqlite:///{tmp_path}/disk/strata.db", "migrate"), "no space left", "disk/strata.db"
        )


@pytest.mark.on_sqlite
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_commands_on_a_full_disk(database, tmp_path, command):
    with small_disk(tmp_path / "disk", size=6 * 2**20):
        url = database.fresh("strata", tmp_path / "disk")
        require_sentence(run(url, *command), "no space left", "disk/strata.db")
        assert database.damage(url) == []


@pytest.mark.on_postgresql
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_commands_on_a_full_disk_of_postgresql(database, command):
    disk = database.folder / "disk"
    with small_disk(disk), database.on_disk("strata_without_space", disk) as url:
        fill(disk, leaving=1_000_000)
        require_sentence(run(url, *command), "strata_without_space", "no space left")
        (disk / "ballast").unlink()


@pytest.mark.on_sqlite
@pytest.mark.parametrize("command", [("migrate",), *COMMANDS], ids=lambda command: command[0])
def test_commands_on_a_read_only_database(database, tmp_path, command):
    url = database.fresh("strata", tmp_path)
    path = Path(url.removeprefix("sqlite:///"))
    if command == ("migrate",):
        path.write_bytes(b"")
    path.chmod(0o400)
    require_sentence(run(url, *command, prefix=WITHOUT_RIGHTS), f"{path} cannot be written")


@pytest.mark.on_sqlite
def test_preparation_of_make_run_on_a_read_only_database(database, tmp_path):
    path = Path(database.fresh("strata", tmp_path).removeprefix("sqlite:///"))
    shutil.copy(ROOT / "scripts" / "prepare.py", tmp_path / "prepare.py")
    path.write_bytes(b"")
    path.chmod(0o400)
    command = [*WITHOUT_RIGHTS, sys.executable, "scripts/prepare.py"]
    env = environment(f"sqlite:///{path}", PORT="0")
    require_sentence(
        subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True), "cannot be written"
    )


@pytest.mark.on_postgresql
def test_command_without_a_database_server(database):
    url = "postgres://u:secret@127.0.0.1:9/strata"
    done = run(url, "migrate")
    require_sentence(done, "strata on 127.0.0.1 does not answer")
    assert "secret" not in done.stderr


@pytest.mark.on_sqlite
def test_option_traceback_shows_the_traceback(database, tmp_path):
    url = database.fresh("strata", tmp_path)
    Path(url.removeprefix("sqlite:///")).chmod(0o400)
    done = run(url, "load_rates", "--traceback", prefix=WITHOUT_RIGHTS)
    assert "Traceback" in done.stderr
