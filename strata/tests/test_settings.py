"""Settings: invalid or unsafe values are refused with the name of the setting; the defaults are sensible.

Each start is a separate process with a copy of the settings, so that .env and .data of this clone are not used.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as running
from django.db import connection

from strata import settings as module
from strata.db.backends.sqlite.base import DatabaseWrapper
from strata.environment.database_url import database, make_room
from strata.environment.variables import listed, switch

PACKAGE = Path(module.__file__).parent
NEEDED = (
    "__init__.py",
    "settings.py",
    "config/__init__.py",
    "config/api.py",
    "config/bodies.py",
    "config/logs.py",
    "config/theme.py",
    "config/web.py",
    "environment/__init__.py",
    "environment/variables.py",
    "environment/host_names.py",
    "environment/database_url.py",
    "db/__init__.py",
    "db/private_files.py",
)
GOOD_KEY = "k3yJ0fR4nd0mCh4r4ct3rs" * 3
SAFE = {"ENV": "production", "SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": "strata.example.org"}
ASK = """
import json, sys
from strata import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


@pytest.fixture
def clone(tmp_path):
    """A folder with only the settings."""
    for name in NEEDED:
        (tmp_path / "strata" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE / name, tmp_path / "strata" / name)
    return tmp_path


def start(clone: Path, *names: str, asked: str = ASK, **env: str) -> subprocess.CompletedProcess:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", asked, *names],
        cwd=clone,
        env=inherited | env,
        capture_output=True,
        text=True,
        timeout=60,
    )


def values(clone: Path, *names: str, asked: str = ASK, **env: str) -> dict:
    done = start(clone, *names, asked=asked, **env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- production ---


@pytest.mark.on_sqlite
def test_production_starts_with_a_key_and_hosts_of_its_own(clone):
    given = values(clone, "DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "SESSION_COOKIE_SECURE", **SAFE)
    assert given == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["strata.example.org"],
        "SECRET_KEY": GOOD_KEY,
        "SESSION_COOKIE_SECURE": True,
    }


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("name", "unsafe", "word"),
    [
        ("SECRET_KEY", "", "not set"),
        ("SECRET_KEY", "k3yJ0fR4nd0mCh4r4ct3rs", "too short"),
        ("SECRET_KEY", "ab" * 40, "too short"),
        ("SECRET_KEY", "django-insecure-" + GOOD_KEY, "published"),
        ("SECRET_KEY", "change-me-" + GOOD_KEY, "published"),
        ("DEBUG", "true", "off in production"),
        ("ALLOWED_HOSTS", "", "must name the hosts"),
        ("ALLOWED_HOSTS", "*", "must name the hosts"),
        ("ALLOWED_HOSTS", "strata.example.org,*", "must name the hosts"),
    ],
)
def test_production_refuses_to_start_and_says_which(clone, name, unsafe, word):
    refused = start(clone, **SAFE | {name: unsafe})
    assert refused.returncode != 0
    last = refused.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert name in last
    assert word in last
    assert GOOD_KEY not in refused.stderr


@pytest.mark.on_sqlite
def test_production_does_not_read_dotenv(clone):
    (clone / ".env").write_text("SECRET_KEY=from-the-file\nTIME_ZONE=Asia/Tokyo\n")
    assert values(clone, "TIME_ZONE", "SECRET_KEY", **SAFE) == {"TIME_ZONE": "UTC", "SECRET_KEY": GOOD_KEY}


@pytest.mark.on_sqlite
def test_a_misspelt_environment_is_not_taken_for_development(clone):
    assert "ENV: 'prod' must be one of development, production" in start(clone, ENV="prod").stderr


@pytest.mark.on_sqlite
def test_production_cannot_be_asked_for_in_the_file_that_it_does_not_read(clone):
    (clone / ".env").write_text("ENV=production\n")
    assert "ENV cannot be set in .env" in start(clone).stderr


# --- development ---


@pytest.mark.on_sqlite
def test_dotenv_is_read_and_the_environment_beats_it(clone):
    (clone / ".env").write_text("TIME_ZONE=Asia/Tokyo\nRATE_MAX_AGE_DAYS=3\n")
    given = values(clone, "TIME_ZONE", "RATE_MAX_AGE_DAYS", TIME_ZONE="Europe/Berlin")
    assert given == {"TIME_ZONE": "Europe/Berlin", "RATE_MAX_AGE_DAYS": 3}


@pytest.mark.on_sqlite
def test_development_keeps_a_secret_key_that_only_its_owner_reads(clone):
    first, again = (values(clone, "SECRET_KEY")["SECRET_KEY"] for _ in range(2))
    key_file = clone / ".data" / "secret_key"
    assert first == again == key_file.read_text()
    assert len(first) >= 64
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert [file.name for file in key_file.parent.iterdir()] == ["secret_key"]


@pytest.mark.on_sqlite
def test_two_workers_that_start_at_once_keep_the_same_key(clone):
    (clone / ".data").mkdir()
    command = [sys.executable, "-c", ASK, "SECRET_KEY"]
    pipes = {"stdout": subprocess.PIPE, "cwd": clone, "env": {"PATH": os.environ["PATH"]}, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]
    keys = {process.communicate(timeout=60)[0] for process in processes}
    assert len(keys) == 1


@pytest.mark.on_sqlite
def test_a_key_that_cannot_be_kept_is_said_aloud(clone):
    (clone / ".data").write_text("a file where the folder should be")
    done = start(clone, "DEBUG", DATABASE_URL="sqlite://:memory:")
    assert done.returncode == 0
    assert "SECRET_KEY is not set and cannot be kept" in done.stderr


# --- the database ---


@pytest.mark.on_sqlite
def test_the_database_is_a_file_of_the_clone_by_default(clone):
    database = values(clone, "DATABASES")["DATABASES"]["default"]
    assert database["ENGINE"] == "strata.db.backends.sqlite"
    assert database["NAME"] == str(clone / ".data" / "strata.db")
    assert (clone / ".data").is_dir()


@pytest.mark.on_sqlite
def test_sqlite_folders_are_made_whether_the_path_is_relative_or_not(clone, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "deep" / "er" / "money.db"
    for url, path in (("sqlite:///a/b/c.db", clone / "a/b/c.db"), (f"sqlite:///{elsewhere}", elsewhere)):
        assert values(clone, "DATABASES", DATABASE_URL=url)["DATABASES"]["default"]["NAME"] == str(path)
        assert path.parent.is_dir()


@pytest.mark.on_sqlite
def test_where_folders_cannot_be_made_the_own_file_serves_with_a_loud_warning(clone):
    (clone / "file").write_text("")
    done = start(clone, "DATABASES", DATABASE_URL=f"sqlite:///{clone}/file/x/strata.db")
    assert "CANNOT BE MADE" in done.stderr
    assert json.loads(done.stdout)["DATABASES"]["default"]["NAME"] == str(clone / ".data" / "strata.db")


@pytest.mark.on_sqlite
def test_where_folders_cannot_be_made_production_refuses(clone):
    (clone / "file").write_text("")
    refused = start(clone, "DATABASES", DATABASE_URL=f"sqlite:///{clone}/file/x/strata.db", **SAFE)
    assert refused.returncode != 0
    assert "ImproperlyConfigured: DATABASE_URL" in refused.stderr


@pytest.mark.on_sqlite
def test_a_folder_that_may_not_be_written_to_is_refused_unless_the_file_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(PermissionError):
        make_room(tmp_path / "new.db")
    (tmp_path / "old.db").write_text("")
    make_room(tmp_path / "old.db")


@pytest.mark.on_sqlite
def test_postgresql_is_kept_checked_and_bounded():
    config = database("postgres://u:p%40ss@db.example.org:5433/money?sslmode=require")
    assert config["ENGINE"] == "strata.db.backends.postgresql"
    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db.example.org", 5433, "money")
    assert (config["USER"], config["PASSWORD"]) == ("u", "p@ss")
    assert (config["CONN_MAX_AGE"], config["CONN_HEALTH_CHECKS"]) == (60, True)
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["connect_timeout"] == 2
    assert "options" not in config["OPTIONS"]  # a pooler refuses them


@pytest.mark.on_sqlite
def test_no_request_is_one_transaction():
    """With IMMEDIATE every atomic block takes SQLite's write lock, so reads must not be in one."""
    assert not running.DATABASES["default"].get("ATOMIC_REQUESTS")


@pytest.mark.django_db
def test_the_running_connection_has_what_its_settings_promise():
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            pragmas = {
                name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("synchronous", "foreign_keys")
            }
            assert pragmas == {"synchronous": 2, "foreign_keys": 1}  # 2 is FULL
            assert connection.transaction_mode == "IMMEDIATE"
        else:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == ("10s",)


@pytest.mark.django_db
def test_a_sqlite_file_is_written_ahead_and_fully_synchronous(tmp_path):
    configured = running.DATABASES["default"] | database(f"sqlite:///{tmp_path}/strata.db")
    connection = DatabaseWrapper(configured, alias="file")
    try:
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)
    finally:
        connection.close()


# --- single values ---


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("given", "meant"), [("on", True), ("1", True), ("TRUE", True), ("no", False), ("", False)]
)
def test_switches(monkeypatch, given, meant):
    monkeypatch.setenv("A_SWITCH", given)
    assert switch("A_SWITCH", default=False) is meant


@pytest.mark.on_sqlite
def test_lists_are_trimmed(monkeypatch):
    monkeypatch.setenv("A_LIST", " a , ,b,")
    assert listed("A_LIST") == ["a", "b"]


@pytest.mark.on_sqlite
def test_the_defaults_are_those_in_the_readme(clone):
    assert values(
        clone,
        "API_THROTTLE", "RATE_MAX_AGE_DAYS", "PRICE_MAX_AGE_DAYS", "IF_MATCH_REQUIRED", "MAX_BODY_BYTES", "TIME_ZONE",
        "CORS_ALLOWED_ORIGINS",
        "TRUSTED_PROXIES", "ALLOWED_HOSTS", "DEBUG", "LOG_LEVEL", "STATEMENT_TIMEOUT",
    ) == {
        "API_THROTTLE": "1200/min",
        "RATE_MAX_AGE_DAYS": 10,
        "PRICE_MAX_AGE_DAYS": 10,
        "IF_MATCH_REQUIRED": False,
        "MAX_BODY_BYTES": 2 * 1024 * 1024,
        "TIME_ZONE": "UTC",
        "CORS_ALLOWED_ORIGINS": [],
        "TRUSTED_PROXIES": [],
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "DEBUG": False,
        "LOG_LEVEL": "INFO",
        "STATEMENT_TIMEOUT": 0,
    }  # fmt: skip


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("given", "of_server", "of_command"),
    [({}, 20, 0), ({"DATABASE_TIMEOUT": "7"}, 7, 7), ({"DATABASE_TIMEOUT": "0"}, 0, 0)],
)
def test_a_statement_of_a_command_may_take_longer_than_one_of_a_request(clone, given, of_server, of_command):
    """migrate is a command, and needs the limit of servers too: it sets that for the role."""
    names = ("STATEMENT_TIMEOUT", "SERVER_STATEMENT_TIMEOUT")
    assert values(clone, *names, **given) == dict(zip(names, (of_command, of_server), strict=True))
    (clone / "strata" / "wsgi.py").write_text("from strata import settings")
    in_server = values(clone, *names, asked=f"import strata.wsgi\n{ASK}", **given)
    assert in_server == dict.fromkeys(names, of_server)


@pytest.mark.on_sqlite
def test_dotenv_example_sets_nothing_and_shows_the_defaults(clone):
    lines = (PACKAGE.parent / ".env.example").read_text().splitlines()
    assert not [line for line in lines if line and not line.startswith("#")]
    shown = dict(re.findall(r"^#([A-Z_]+)=(.*)$", "\n".join(lines), re.MULTILINE))
    own = [
        name
        for name in shown
        if name not in ("CSRF_TRUSTED_ORIGINS", "TRUSTED_PROXIES", "SECRET_KEY", "SCRIPT_NAME")
    ]
    names = [name for name in own if hasattr(module, name)]
    assert len(names) >= 9
    assert values(clone, *names, "DATABASES", **{name: shown[name] for name in own}) == values(
        clone, *names, "DATABASES"
    )
