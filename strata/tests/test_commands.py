"""The kernel's commands: create_token, doctor, and the parts shared by all commands."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError, OutputWrapper
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from strata import doctor
from strata.accounts.models import ApiToken, User
from strata.audit import actor
from strata.audit.models import JournalEntry
from strata.commands import Progress, StrataCommand
from strata.doctor import Finding, Level
from strata.fields.ids import uuid7
from tests.strata_apps import APPS
from tests.template_database import copy_sqlite_template

PASSWORD = "correct horse battery staple"
REFUSED = {"flush", "loaddata"}
DJANGOS = {"migrate", "makemigrations"}  # which have --plan and --dry-run, and their own help
OURS = sorted(name for name, app in get_commands().items() if app in APPS and name not in REFUSED | DJANGOS)


@pytest.fixture
def alice(db):
    return get_user_model().objects.create_user("alice", password=PASSWORD)


def run(name: str, *args, **options) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out, **options)
    return out.getvalue()


# --- shared by all commands ---


@pytest.mark.on_sqlite
@pytest.mark.parametrize("name", OURS)
def test_help_shows_an_example_and_the_exit_codes(name, capsys):
    command = load_command_class(get_commands()[name], name)

    command.print_help("manage.py", name)

    shown = capsys.readouterr().out
    assert f"\n  python manage.py {name}" in shown
    assert "exit codes: 0" in shown


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "name", sorted(set(OURS) - {"archive", "doctor", "finish_deletions", "networth", "performance"})
)
def test_every_writing_command_can_be_tried_first(name):
    assert load_command_class(get_commands()[name], name).writes


@pytest.mark.on_sqlite
def test_a_command_signs_with_its_name():
    class Command(StrataCommand):
        def handle(self, *args, **options):
            self.channel = actor.current().channel

    command = Command()
    call_command(command)

    assert command.channel == "command:test_commands"
    assert actor.current().channel == ""


@pytest.mark.on_sqlite
def test_progress_is_quiet_in_a_pipe():
    pipe = OutputWrapper(io.StringIO())

    Progress("Rows", 10, pipe).advance(5)

    assert pipe._out.getvalue() == ""


@pytest.mark.on_sqlite
def test_progress_counts_on_a_terminal():
    terminal = OutputWrapper(io.StringIO())
    terminal._out.isatty = lambda: True

    progress = Progress("Rows", 10, terminal)
    progress.advance(5)
    progress.end()

    assert terminal._out.getvalue() == "\rRows: 50 % (5 of 10)\n"


# --- create_token ---


def test_create_token_prints_a_secret_that_works(alice):
    secret = run("create_token", "ALICE", "--name", "script", "--scope", "read", "--days", "2").strip()

    token = ApiToken.objects.get()
    assert secret.startswith(token.prefix)
    assert (token.user, token.name, token.scope) == (alice, "script", "read")
    assert token.is_valid(timezone.now())
    assert not token.is_valid(timezone.now() + timedelta(days=3))


def test_create_token_dry_run_writes_nothing(alice):
    assert "Would make a write token for alice" in run("create_token", "alice", "--dry-run")
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nobody"], "There is no user"),
        (["alice", "--name", "a\u202eb"], "--name"),
        (["alice", "--days", "99999999999"], "--days"),
    ],
)
def test_create_token_refuses(alice, arguments, reason):
    with pytest.raises(CommandError, match=reason):
        run("create_token", *arguments)
    assert not ApiToken.objects.exists()


def test_create_token_refuses_a_disabled_user(alice):
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(CommandError, match="disabled"):
        run("create_token", "alice")


# --- doctor ---


def test_doctor_finds_nothing_broken_in_a_new_installation(db):
    shown = run("doctor")

    assert "OK    database: " in shown
    assert "OK    migrations: all applied" in shown
    assert "WARN  rates: there are none" in shown
    assert "OK    categories: no cycles" in shown


def test_doctor_finds_keys_that_are_another_names_and_what_a_migration_renamed(db):
    User.objects.create(username="Flat")
    assert "OK    names: all keys are right" in run("doctor")
    QuerySet(User).filter(username="Flat").update(username_key="house")
    JournalEntry.objects.create(
        at=timezone.now(), channel="migrate", model="strata.User", object_id=uuid7(), action="update"
    )
    findings = [result.message for result in doctor.examine() if result.subject == "names"]
    assert findings == [
        "1 of strata.User have a wrong key. Save them again in the admin.",
        "1 had the same name as another row, in another spelling, and got a number: see the journal",
    ]


def test_doctor_answers_json(db):
    answer = json.loads(run("doctor", "--json"))

    assert answer["status"] in ("OK", "WARN")
    assert {"level": "OK", "subject": "migrations", "message": "all applied"} in answer["findings"]


def test_doctor_fails_when_something_is_broken(db, monkeypatch):
    monkeypatch.setitem(doctor._register, "tables", lambda: [(Level.FAIL, "rotten")])
    out = io.StringIO()

    with pytest.raises(CommandError, match="Broken: 1") as failure:
        call_command("doctor", stdout=out)

    assert failure.value.returncode == 1
    assert "FAIL  tables: rotten" in out.getvalue()


def test_doctor_names_an_unreachable_database_and_looks_no_further(db, monkeypatch):
    def fail():
        raise OperationalError("connection refused\nmore")

    monkeypatch.setattr(doctor, "database_reachable", fail)

    findings = doctor.examine()

    assert findings[-1] == Finding(Level.FAIL, "database", "OperationalError: connection refused")


def test_doctor_warns_of_debug(settings, db):
    settings.DEBUG = True

    assert (Level.WARN, "DEBUG is on: errors show internals of the program.") in list(
        doctor.settings_in_order()
    )


# --- the exit codes of the process ---


def commands_on(path: Path, **environment: str) -> Callable[..., subprocess.CompletedProcess]:
    """Runs commands in processes of their own, on an SQLite file."""
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{path}", **environment}

    def manage(*arguments: str, **options: Any) -> subprocess.CompletedProcess:
        command = [sys.executable, "manage.py", *arguments]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.run(command, cwd=settings.BASE_DIR, env=environment, text=True, **options)

    return manage


@pytest.fixture
def unread_pipe():
    """The end for writing of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.on_sqlite
def test_exit_codes_on_a_real_sqlite_file(tmp_path):
    manage = commands_on(tmp_path / "strata.db")
    unmigrated = manage("doctor")
    assert unmigrated.returncode == 1
    assert "FAIL  migrations" in unmigrated.stdout
    copy_sqlite_template(tmp_path / "strata.db")
    assert manage("migrate", "--verbosity", "0").returncode == 0
    sound = manage("doctor")
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "durability: journal_mode=wal" in sound.stdout
    assert manage("backup", "--sqlite", str(tmp_path / "copy.db")).returncode == 0
    assert manage("backup", "--sqlite", str(tmp_path / "copy.db")).returncode == 1
    assert manage("backup").returncode == 2
    for refused in (manage("flush", "--noinput"), manage("loaddata", "any.json")):
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "CommandError: Nothing was" in refused.stderr
        assert "docs/operations.md" in refused.stderr
    assert manage("load_rates", "--download", "--url", "http://127.0.0.1:9/none.zip").returncode == 3


@pytest.mark.on_sqlite
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_command_whose_output_nobody_reads_ends_without_a_traceback(tmp_path, unread_pipe, unbuffered):
    copy_sqlite_template(tmp_path / "strata.db")
    manage = commands_on(tmp_path / "strata.db", PYTHONUNBUFFERED=unbuffered)

    reading = manage("doctor", stdout=unread_pipe)
    wrong = manage("load_rates", "none.csv", stderr=unread_pipe)

    assert (reading.returncode, reading.stderr) == (128 + signal.SIGPIPE, "")
    assert (wrong.returncode, wrong.stdout) == (1, "")


@pytest.mark.on_sqlite
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_command_that_writes_goes_on_where_nobody_reads_its_output(tmp_path, unread_pipe, unbuffered):
    copy_sqlite_template(tmp_path / "strata.db")
    rates = tmp_path / "rates.csv"
    rates.write_text("currency,on,units_per_euro\nCHF,2026-01-30,0.92\n")

    loaded = commands_on(tmp_path / "strata.db", PYTHONUNBUFFERED=unbuffered)(
        "load_rates", str(rates), stdout=unread_pipe
    )

    assert (loaded.returncode, loaded.stderr) == (0, "")
    with sqlite3.connect(tmp_path / "strata.db") as database:
        query = "SELECT count(*) FROM assets_exchangerate WHERE currency = 'CHF'"
        assert database.execute(query).fetchone() == (1,)


@pytest.mark.on_sqlite
@pytest.mark.parametrize("number", [1, 2], ids=["output", "errors"])
def test_a_command_whose_output_is_closed_does_its_work(tmp_path, number):
    copy_sqlite_template(tmp_path / "strata.db")
    manage = commands_on(tmp_path / "strata.db")

    quiet = manage("migrate", "--check", "--verbosity", "0", preexec_fn=lambda: os.close(number))
    reading = manage("doctor", preexec_fn=lambda: os.close(number))

    assert [(each.returncode, each.stderr) for each in (quiet, reading)] == [(0, "")] * 2
