"""backup: one private file that is complete and checked, and nothing left of an interrupted copy."""

from __future__ import annotations

import fcntl
import io
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from strata.management import scratch
from strata.management.commands import backup
from tests.behind_pooler import SERVER
from tests.disks import small_disk
from tests.template_database import copy_sqlite_template

pytestmark = pytest.mark.on_sqlite  # its databases are its own, whatever the pass is on

MAGIC = b"SQLite format 3\0"
KILLED = """
import os, sys
sys.argv = ["manage.py", "backup", "--sqlite", sys.argv[1]]
import django
django.setup()
from strata.management.commands import backup
usual = backup.copy_database
def copy_and_die(path):
    usual(path)
    os.kill(os.getpid(), 9)
backup.copy_database = copy_and_die
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

DAMAGED = """
import sys
sys.argv = ["manage.py", "backup", "--to", "{folder}", "--verify"]
import django
django.setup()
from strata.management.commands import backup
usual = backup.Command.copied
def copy_and_damage(command, target):
    size = usual(command, target)
    with target.open("r+b") as file:
        file.seek(size // 2)
        file.write(bytes(65536))
    return size
backup.Command.copied = copy_and_damage
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""


def run(name: str, *args, **options) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A SQLite database in use, which replaces Django's."""
    database = sqlite3.connect(tmp_path / "source.db")
    database.executescript(
        "PRAGMA journal_mode=WAL; CREATE TABLE thing (name TEXT); INSERT INTO thing VALUES ('chair');"
    )
    django = SimpleNamespace(vendor="sqlite", connection=database, ensure_connection=lambda: None)
    monkeypatch.setattr(backup, "connection", django)
    yield database
    database.close()


def test_backup_is_one_private_file_with_everything(source, tmp_path):
    run("backup", "--sqlite", str(tmp_path / "copy.db"))

    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT name FROM thing").fetchall() == [("chair",)]
    copy.close()
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == ["copy.db"]


def test_backup_never_overwrites(source, tmp_path):
    (tmp_path / "copy.db").write_text("precious")

    with pytest.raises(CommandError, match="exists already"):
        run("backup", "--sqlite", str(tmp_path / "copy.db"))
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_backup_of_a_broken_database_is_refused_and_leaves_no_file(source, tmp_path):
    source.executescript(
        "CREATE TABLE leg (thing INTEGER REFERENCES thing (rowid)); CREATE TABLE owner (id INTEGER PRIMARY KEY);"
        "CREATE TABLE owned (owner INTEGER REFERENCES owner (id)); INSERT INTO owned VALUES (7);"
    )
    source.execute("DROP TABLE leg")

    with pytest.raises(CommandError, match="foreign_key_check"):
        run("backup", "--sqlite", str(tmp_path / "copy.db"))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == []


def test_backup_dry_run_and_missing_folder(source, tmp_path):
    assert "Would copy" in run("backup", "--sqlite", str(tmp_path / "copy.db"), "--dry-run")
    assert not (tmp_path / "copy.db").exists()
    with pytest.raises(CommandError, match="no folder"):
        run("backup", "--sqlite", str(tmp_path / "nowhere" / "copy.db"))


def test_backup_leaves_postgresql_to_pg_dump(monkeypatch, tmp_path):
    monkeypatch.setattr(backup, "connection", SimpleNamespace(vendor="postgresql"))

    with pytest.raises(CommandError, match="pg_dump"):
        run("backup", "--sqlite", str(tmp_path / "copy.db"))


# --- the rest of an interrupted copy ---


def left_of_backups(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if ".part" in path.name)


def test_what_a_killed_backup_left_is_removed_by_the_next(tmp_path):
    env = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'strata.db'}",
        "DJANGO_SETTINGS_MODULE": "strata.settings",
    }
    own = {"cwd": settings.BASE_DIR, "env": env, "capture_output": True, "text": True}
    copy_sqlite_template(tmp_path / "strata.db")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "monday.db")], **own)
    assert killed.returncode == -9, killed.stderr
    [left] = left_of_backups(tmp_path)
    next_one = subprocess.run(
        [sys.executable, "manage.py", "backup", "--sqlite", str(tmp_path / "tuesday.db")], **own
    )
    assert next_one.returncode == 0, next_one.stderr
    assert f"Removed {tmp_path / left}" in next_one.stdout
    assert left_of_backups(tmp_path) == []
    assert not (tmp_path / "monday.db").exists()


@pytest.mark.parametrize("content", [b"", MAGIC + b"rest", bytes(4096)], ids=["empty", "header", "zeros"])
def test_unfinished_copies_go_with_what_sqlite_added(source, tmp_path, content):
    for suffix in ("", "-journal", "-wal", "-shm"):
        (tmp_path / f"monday.db.4711.part{suffix}").write_bytes(content)
    run("backup", "--sqlite", str(tmp_path / "copy.db"))
    assert left_of_backups(tmp_path) == []
    assert (tmp_path / "copy.db").exists()


def test_other_files_stay_and_so_do_copies_that_are_being_written(source, tmp_path):
    (tmp_path / "film.4711.part").write_bytes(b"not a database")
    (tmp_path / "money.part").write_bytes(MAGIC)
    (tmp_path / "link.4711.part").symlink_to(tmp_path / "money.part")
    (tmp_path / "folder.4711.part").mkdir()
    with (tmp_path / "sunday.db.4712.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        run("backup", "--sqlite", str(tmp_path / "copy.db"))
        assert left_of_backups(tmp_path) == [
            "film.4711.part", "folder.4711.part", "link.4711.part", "money.part", "sunday.db.4712.part",
        ]  # fmt: skip


def test_a_dry_run_removes_nothing(source, tmp_path):
    (tmp_path / "monday.db.4711.part").write_bytes(b"")
    run("backup", "--sqlite", str(tmp_path / "copy.db"), "--dry-run")
    assert left_of_backups(tmp_path) == ["monday.db.4711.part"]


def test_a_copy_that_another_backup_took_for_abandoned_is_begun_again(tmp_path, monkeypatch):
    usual, taken = fcntl.flock, []

    def flock_after_the_file_was_removed(file, operation):
        if not taken:
            taken.append(1)
            (tmp_path / "copy.part").unlink()
        usual(file, operation)

    monkeypatch.setattr(backup.fcntl, "flock", flock_after_the_file_was_removed)
    file = backup.created_and_locked(tmp_path / "copy.part")
    assert os.path.samestat(os.fstat(file), (tmp_path / "copy.part").stat())
    os.close(file)


@pytest.mark.server
def test_a_backup_to_a_full_disk_is_one_sentence_and_leaves_nothing(source, tmp_path):
    source.execute("INSERT INTO thing VALUES (?)", ("x" * 2**20,))
    source.commit()
    with small_disk(tmp_path / "disk", size=256 * 1024):
        with pytest.raises(CommandError, match="The copy failed: .*(full|space)"):
            run("backup", "--sqlite", str(tmp_path / "disk" / "copy.db"))
        assert list((tmp_path / "disk").iterdir()) == []


# --- a folder of backups ---


@pytest.fixture
def strata_in(tmp_path):
    """Runs manage.py on a database of its own in a folder: the exit code and all output."""

    def run_on(url: str, *arguments: str) -> tuple[int, str]:
        env = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "strata.settings"}
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return run_on


def test_backup_of_sqlite_into_a_folder_is_verified(tmp_path, strata_in):
    copy_sqlite_template(tmp_path / "strata.db")
    folder = tmp_path / "backups"
    folder.mkdir()
    code, output = strata_in(f"sqlite:///{tmp_path / 'strata.db'}", "backup", "--to", str(folder), "--verify")
    assert code == 0, output
    [backup_file] = folder.iterdir()
    assert backup.OWN.fullmatch(backup_file.name)
    assert backup_file.stat().st_mode & 0o777 == 0o600
    assert "found in order" in output


def test_the_newest_backups_are_kept_and_other_files_stay(source, tmp_path):
    others = ("strata-20260101T000000Z.sqlite3.gz", "notes.txt", "strata-2026-01-01.db")
    old = [f"strata-2026010{number}T000000Z.sqlite3" for number in range(1, 6)]
    for name in (*others, *old):
        (tmp_path / name).write_bytes(b"x")
    run("backup", "--to", str(tmp_path), "--keep", "3")
    kept = sorted(path.name for path in tmp_path.iterdir() if backup.OWN.fullmatch(path.name))
    assert kept[:2] == old[3:] and len(kept) == 3
    assert {path.name for path in tmp_path.iterdir()} >= set(others)


def test_what_is_not_in_order_is_set_aside_and_older_backups_stay(source, tmp_path, monkeypatch):
    """It would be among the newest that the next backup keeps, in place of a good one."""
    old = tmp_path / "strata-20260101T000000Z.sqlite3"
    old.write_bytes(b"good")
    monkeypatch.setattr(backup, "name_of_backup", lambda: "strata-20260102T000000Z.sqlite3")
    monkeypatch.setattr(backup, "failures_of_doctor", lambda url: ["FAIL  values: wrong"])
    with pytest.raises(CommandError, match=r"sqlite3\.failed is kept, but doctor finds"):
        run("backup", "--to", str(tmp_path), "--keep", "1", "--verify")
    assert old.exists()
    monkeypatch.setattr(backup, "name_of_backup", lambda: "strata-20260103T000000Z.sqlite3")
    run("backup", "--to", str(tmp_path), "--keep", "2")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("strata-")) == [
        "strata-20260101T000000Z.sqlite3",
        "strata-20260102T000000Z.sqlite3.failed",
        "strata-20260103T000000Z.sqlite3",
    ]


@pytest.mark.on_sqlite
def test_a_backup_that_is_damaged_is_red(tmp_path, strata_in):
    """A page in its middle is overwritten after it was copied, as a bad disk does."""
    copy_sqlite_template(tmp_path / "strata.db")
    folder = tmp_path / "backups"
    folder.mkdir()
    url = f"sqlite:///{tmp_path / 'strata.db'}"
    damaging = DAMAGED.format(folder=str(folder))
    env = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "strata.settings"}
    command = [sys.executable, "-c", damaging]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "sqlite3.failed is kept, but doctor finds in it" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.suffix for path in folder.iterdir()] == [".failed"]


def test_options_of_a_folder_go_with_it(source, tmp_path):
    with pytest.raises(CommandError, match="go with --to"):
        run("backup", "--sqlite", str(tmp_path / "copy.db"), "--keep", "3")
    with pytest.raises(CommandError, match="no folder"):
        run("backup", "--to", str(tmp_path / "nowhere"))


def test_a_role_that_may_create_no_database_is_told_and_the_dump_stays(tmp_path, monkeypatch):
    def refused(path):
        raise scratch.NotTried("the role may not create a scratch database")

    monkeypatch.setattr(backup, "connection", SimpleNamespace(vendor="postgresql"))
    monkeypatch.setattr(backup, "is_behind_pooler", lambda: False)
    monkeypatch.setattr(backup, "dump_database", lambda path: path.write_bytes(b"PGDMP"))
    monkeypatch.setattr(backup, "restored_postgresql", refused)
    with pytest.raises(CommandError, match="is kept, but could not be verified: the role"):
        run("backup", "--to", str(tmp_path), "--verify")
    assert [path.suffix for path in tmp_path.iterdir()] == [".dump"]


def test_a_program_that_is_missing_says_nothing_about_the_backup():
    with pytest.raises(scratch.NotTried, match="no-such-program is not installed"):
        scratch.call("no-such-program", environment={})


def test_the_password_is_in_no_command_line(tmp_path, monkeypatch):
    calls = []

    def run_program(command, env, **options):
        calls.append((command, env))
        return SimpleNamespace(returncode=0, stdout="", stderr="")

    monkeypatch.setattr(scratch.subprocess, "run", run_program)
    database = {"NAME": "strata", "USER": "app", "PASSWORD": "s3cret", "HOST": "db", "PORT": "5432"}
    database["OPTIONS"] = {"sslmode": "verify-full", "sslrootcert": "/authority.crt", "keepalives_idle": 5}
    monkeypatch.setattr(scratch, "connection", SimpleNamespace(settings_dict=database))
    (tmp_path / "x.dump").touch()
    scratch.dump_database(tmp_path / "x.dump")
    assert calls and all("s3cret" not in " ".join(command) for command, _ in calls)
    assert calls[0][1]["PGPASSWORD"] == "s3cret"
    assert calls[0][1]["PGDATABASE"] == "strata"
    assert (calls[0][1]["PGSSLMODE"], calls[0][1]["PGSSLROOTCERT"]) == ("verify-full", "/authority.crt")


@pytest.mark.on_postgresql
@pytest.mark.django_db
def test_backup_through_a_pooler_is_refused_and_writes_nothing(tmp_path, monkeypatch):
    """pg_dump sets search_path for its session: who gets that connection next finds no table."""
    assert scratch.is_behind_pooler() is (SERVER in os.environ)
    monkeypatch.setattr(backup, "is_behind_pooler", lambda: True)
    with pytest.raises(CommandError, match="names a pooler"):
        run("backup", "--to", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
