"""Backups and restoring one: the very lines of docs/operations.md, run by a shell."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.serving import ROOT, environment

SECTION = re.compile(r"^## Backups, and restoring one$(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BACK_UP_SQLITE, RESTORE_SQLITE, BACK_UP_POSTGRESQL, RESTORE_POSTGRESQL = BLOCK.findall(
    SECTION.search((ROOT / "docs/operations.md").read_text(encoding="utf-8"))[1]
)
EVERYTHING = "SELECT id, model, action, before FROM strata_change ORDER BY id"
MADE_LATER = (
    "INSERT INTO strata_change (at, actor_name, request_id, road, model, object_id, action) VALUES {}"
)
LATER = MADE_LATER.format("('2026-01-31', '', '', '', 'x', '01890a5d-ac96-774b-bcce-b302099a8057', 'create')")


@pytest.fixture
def shell(tmp_path):
    """Runs the lines in a folder that has manage.py in it, and stops at the first that fails."""
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")

    def run(lines: str, url: str, **given: str) -> str:
        env = environment(url, **given)
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", lines],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def require_sound(told: str) -> None:
    assert "OK    migrations: all applied" in told
    assert "FAIL" not in told


@pytest.mark.on_sqlite
def test_a_backup_of_sqlite_goes_back_and_holds_what_it_held(database, tmp_path, shell):
    folder = tmp_path / ".data"
    folder.mkdir()
    url = database.fresh("strata", folder)
    held = database.rows(url, EVERYTHING)
    with closing(sqlite3.connect(folder / "strata.db")) as killed:
        killed.execute("PRAGMA journal_mode=WAL")
        shell(BACK_UP_SQLITE, url)
        killed.execute(LATER)
        killed.commit()
        assert len(database.rows(url, EVERYTHING)) == len(held) + 1
        require_sound(shell(RESTORE_SQLITE, url))
    assert database.rows(url, EVERYTHING) == held != []
    assert database.damage(url) == []
    with pytest.raises(sqlite3.IntegrityError, match="cannot be changed"):
        database.rows(url, "DELETE FROM strata_change")


@pytest.mark.on_postgresql
def test_a_dump_of_postgresql_goes_back_and_holds_what_it_held(database, shell):
    client = {"PGHOST": "localhost", "PGPORT": str(database.port), "PGUSER": "postgres"}
    url = database.fresh("strata")
    again = url.replace("/strata", "/strata_again")
    try:
        held = database.rows(url, EVERYTHING)
        shell(BACK_UP_POSTGRESQL, url, **client)
        require_sound(shell(RESTORE_POSTGRESQL, url, **client))
        assert database.rows(again, EVERYTHING) == held != []
        assert database.damage(again) == []
        with pytest.raises(psycopg.errors.RestrictViolation, match="cannot be changed"):
            database.rows(again, "DELETE FROM strata_change")
    finally:
        for name in ("strata", "strata_again"):
            database.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
