"""Only their owner may read files with data of a household, whatever the umask and wherever they are."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from strata import doctor
from strata.api.http.throttles import laid_out
from strata.db import private_files
from strata.db.backends.sqlite.base import keep_private
from strata.db.named_locks import NamedLocks
from strata.db.private_files import make_private_folder, narrow, open_private
from strata.environment.variables import development_secret_key
from tests.template_database import copy_sqlite_template

pytestmark = pytest.mark.on_sqlite
UMASKS = [0o000, 0o022, 0o077, 0o277, 0o777]


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request):
    usual = os.umask(request.param)
    yield request.param
    os.umask(usual)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def manage(folder: Path, *arguments: str, umask: int = 0) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{folder / 'strata.db'}"},
        capture_output=True,
        text=True,
        umask=umask,
    )


# --- new files ---


def test_a_file_is_made_for_its_owner_alone(umask, tmp_path):
    os.close(open_private(tmp_path / "file", os.O_RDWR))
    assert mode(tmp_path / "file") == 0o600


def test_all_folders_that_are_made_are_their_owners_alone(umask, tmp_path):
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(path) for path in (tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/c")] == [0o700] * 3
    assert mode(tmp_path) == 0o755  # it existed before


def test_the_secret_key_and_the_lock_files_are_their_owners_alone(umask, tmp_path):
    folder = tmp_path / "data"
    assert len(development_secret_key(folder / "secret_key")) > 50
    os.close(laid_out(folder / "throttle"))
    with NamedLocks(folder / "named-locks").acquire("x", timeout=1):
        pass
    assert {path.name: mode(path) for path in folder.iterdir()} == dict.fromkeys(
        ("secret_key", "throttle", "named-locks"), 0o600
    )
    assert mode(folder) == 0o700


def test_a_link_in_place_of_a_lock_file_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        open_private(tmp_path / "link", os.O_RDWR)
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_its_companions_and_its_backup_are_their_owners_alone(tmp_path):
    folder = tmp_path / "money" / "strata"
    assert manage(folder, "migrate", "--verbosity", "0").returncode == 0
    # As long as a connection is open, -wal and -shm stay.
    with closing(sqlite3.connect(folder / "strata.db")) as reader:
        reader.execute("SELECT count(*) FROM django_migrations").fetchone()
        assert manage(folder, "backup", "--sqlite", str(folder / "copy.db")).returncode == 0
        modes = {path.name: mode(path) for path in folder.iterdir()}
    assert {"strata.db", "strata.db-wal", "strata.db-shm", "copy.db"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert [mode(path) for path in (folder, folder.parent)] == [0o700, 0o700]


def test_a_rollback_journal_is_its_owners_alone(tmp_path):
    usual = os.umask(0)
    try:
        keep_private(tmp_path / "strata.db")
        with closing(sqlite3.connect(tmp_path / "strata.db")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE thing (name TEXT)")
            assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
                "strata.db": 0o600,
                "strata.db-journal": 0o600,
            }
    finally:
        os.umask(usual)


# --- existing files ---


@pytest.fixture
def wide(tmp_path) -> Path:
    """A database that another program created and everybody may read."""
    copy_sqlite_template(tmp_path / "strata.db")
    with closing(sqlite3.connect(tmp_path / "strata.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA user_version = 7")
        for path in tmp_path.iterdir():
            path.chmod(0o644)
        yield tmp_path


def test_files_that_others_may_read_are_narrowed_at_the_start_and_doctor_says_so(wide):
    doctor = manage(wide, "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert {mode(path) for path in wide.iterdir()} == {0o600}
    for name in ("strata.db", "strata.db-wal", "strata.db-shm"):
        assert f"WARN  files: {wide / name} was open to other users (mode 0644)" in doctor.stdout
    assert "open to other users" not in manage(wide, "doctor").stdout


def test_what_its_owner_may_not_do_stays_so(tmp_path):
    (tmp_path / "strata.db").write_text("")
    (tmp_path / "strata.db").chmod(0o444)
    assert narrow(tmp_path / "strata.db")
    assert mode(tmp_path / "strata.db") == 0o400


def test_a_file_that_cannot_be_narrowed_is_a_failure_and_keeps_nothing_else_from_being_looked_at(
    tmp_path, monkeypatch
):
    (tmp_path / "strata.db").write_text("")
    (tmp_path / "strata.db").chmod(0o640)
    monkeypatch.setattr(Path, "chmod", lambda *arguments: (_ for _ in ()).throw(PermissionError()))
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "strata.db"))
    monkeypatch.setattr(private_files, "_narrowed", {})
    assert not narrow(tmp_path / "strata.db")
    [(level, words)] = doctor.files_are_private()
    assert (level, "mode 0640" in words, "chmod 600" in words) == (doctor.Level.FAIL, True, True)
    assert "files" in doctor.HARMLESS


def test_a_kept_key_that_others_may_read_is_narrowed(tmp_path):
    key = development_secret_key(tmp_path / "secret_key")
    (tmp_path / "secret_key").chmod(0o644)
    assert development_secret_key(tmp_path / "secret_key") == key
    assert mode(tmp_path / "secret_key") == 0o600
