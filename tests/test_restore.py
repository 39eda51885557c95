"""Runs the shell commands of docs/operations.md that make and restore a backup."""

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
JOURNAL = "SELECT id, model, action, before FROM strata_change ORDER BY id"
INSERT_ENTRY = (
    "INSERT INTO strata_change (at, actor_name, request_id, road, model, object_id, action) VALUES {}"
)
ADD_ENTRY = INSERT_ENTRY.format(
    "('2026-01-31', '', '', '', 'x', '01890a5d-ac96-774b-bcce-b302099a8057', 'create')"
)


@pytest.fixture
def shell(tmp_path):
    """Runs lines of shell in a folder with manage.py and stops at the first that fails."""
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")

    def run(lines: str, url: str, **extra: str) -> str:
        env = environment(url, **extra)
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


def require_sound(output: str) -> None:
    """Checks the output of doctor."""
    assert "OK    migrations: all applied" in output
    assert "FAIL" not in output


@pytest.mark.on_sqlite
def test_restored_backup_of_sqlite_has_the_same_journal(database, tmp_path, shell):
    folder = tmp_path / ".data"
    folder.mkdir()
    url = database.fresh("strata", folder)
    saved = database.rows(url, JOURNAL)
    with closing(sqlite3.connect(folder / "strata.db")) as crashed:
        crashed.execute("PRAGMA journal_mode=WAL")
        shell(BACK_UP_SQLITE, url)
        crashed.execute(ADD_ENTRY)
        crashed.commit()
        assert len(database.rows(url, JOURNAL)) == len(saved) + 1
        require_sound(shell(RESTORE_SQLITE, url))
    assert database.rows(url, JOURNAL) == saved != []
    assert database.damage(url) == []
    with pytest.raises(sqlite3.IntegrityError, match="cannot be changed"):
        database.rows(url, "DELETE FROM strata_change")


@pytest.mark.on_postgresql
def test_restored_dump_of_postgresql_has_the_same_journal(database, shell):
    client = {"PGHOST": "localhost", "PGPORT": str(database.port), "PGUSER": "postgres"}
    url = database.fresh("strata")
    restored = url.replace("/strata", "/strata_again")
    try:
        saved = database.rows(url, JOURNAL)
        shell(BACK_UP_POSTGRESQL, url, **client)
        require_sound(shell(RESTORE_POSTGRESQL, url, **client))
        assert database.rows(restored, JOURNAL) == saved != []
        assert database.damage(restored) == []
        with pytest.raises(psycopg.errors.RestrictViolation, match="cannot be changed"):
            database.rows(restored, "DELETE FROM strata_change")
    finally:
        for name in ("strata", "strata_again"):
            database.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.mark.on_postgresql
def test_backup_into_a_folder_is_a_private_dump_that_was_restored_and_examined(database, shell, tmp_path):
    url = database.fresh("strata")
    try:
        output = shell("mkdir backups\npython manage.py backup --to backups --keep 1 --verify", url)
        assert "found in order" in output
        [dump] = (tmp_path / "backups").iterdir()
        assert dump.name.endswith(".dump")
        assert dump.stat().st_mode & 0o777 == 0o600
        left = "SELECT datname FROM pg_database WHERE datname LIKE 'strata_verify_%'"
        assert database.rows(url, left) == []
    finally:
        database.execute("DROP DATABASE IF EXISTS strata WITH (FORCE)")


@pytest.mark.on_postgresql
def test_dump_in_which_doctor_finds_something_is_kept_with_the_older_ones(database, shell, tmp_path):
    url, older = database.fresh("strata"), tmp_path / "backups" / "strata-20200101T000000Z.dump"
    older.parent.mkdir()
    older.write_bytes(b"PGDMP")
    try:
        database.rows(url, "DELETE FROM django_migrations WHERE app = 'reports' RETURNING id")
        failing = "python manage.py backup --to backups --keep 1 --verify 2>&1 && exit 1 || true"
        output = shell(failing, url)
        assert re.search(
            r"strata-\S+\.dump\.failed is kept, but doctor finds in it:\nFAIL  migrations", output
        ), output
        assert older.exists() and len(list(older.parent.iterdir())) == 2
        left = "SELECT datname FROM pg_database WHERE datname LIKE 'strata_verify_%'"
        assert database.rows(url, left) == []
    finally:
        database.execute("DROP DATABASE IF EXISTS strata WITH (FORCE)")
