"""DATABASE_URL: which forms are accepted, and Django's DATABASES entry for it.

No error message quotes the URL, because it contains a password.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import ParseResult, parse_qs, urlparse

import environ
from django.core.exceptions import ImproperlyConfigured

from strata.db.private_files import make_private_folder
from strata.environment.variables import text

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"
MEMORY = ":memory:"
POSTGRESQL_SCHEMES = ("postgres", "postgresql", "psql", "pgsql")
SQLITE_OPTIONS = frozenset({"timeout", "transaction_mode", "init_command", "cached_statements"})
DJANGOS_POSTGRESQL_OPTIONS = frozenset({"pool", "isolation_level", "server_side_binding", "assume_role"})
# Django's own options, which are not sent to the server: their values. ATOMIC_REQUESTS and AUTOCOMMIT are refused.
DJANGO_OPTIONS = {
    "CONN_MAX_AGE": r"[0-9]{1,9}|none",
    "CONN_HEALTH_CHECKS": r"true|false",
    "DISABLE_SERVER_SIDE_CURSORS": r"true|false",
}
ESCAPE_HINT = "Is there a character such as / ? # @ : in the password? Write it as %2F %3F %23 %40 %3A"
EXAMPLES = (
    "sqlite:///path/from/here.db, sqlite:////path/from/root.db or postgres://user:password@host:5432/name"
)

# A new connection costs more than most requests.
PERSISTENT = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
SQLITE_CONNECTION = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
    " PRAGMA cache_size=-2000; PRAGMA temp_store=MEMORY;",
}
# No `options`: a pooler refuses them. strata.db.backends.postgresql.timeouts sets them instead.
POSTGRESQL_CONNECTION = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def database(
    url: str,
    setting: str = "DATABASE_URL",
    *,
    folder: Path = Path(),
    fallback: Path | None = None,
    test_file: str | None = None,
) -> dict[str, Any]:
    """Django's DATABASES entry for a URL, with options that make each database safe with many writers.

    The path of a SQLite file begins at `folder`. Where the file cannot be made, `fallback` is used, if there is one.
    """
    problem = database_url_problem(url)
    if problem:
        raise ImproperlyConfigured(f"{setting} {problem}.")
    config: dict[str, Any] = PERSISTENT | environ.Env.db_url_config(url)
    given = config.get("OPTIONS", {})
    if config["ENGINE"] == POSTGRESQL:
        return config | {"ENGINE": "strata.db.backends.postgresql", "OPTIONS": POSTGRESQL_CONNECTION | given}
    config |= {"ENGINE": "strata.db.backends.sqlite", "OPTIONS": SQLITE_CONNECTION | given}
    config["NAME"] = writable_file(config["NAME"], folder=folder, fallback=fallback)
    if test_file:
        config["TEST"] = {"NAME": writable_file(test_file, folder=folder, fallback=fallback)}
    return config


def databases(
    setting: str,
    *,
    replica_url: str,
    folder: Path,
    own_file: Path,
    may_fall_back: bool,
    test_file: str | None,
) -> dict[str, Any]:
    """Django's DATABASES: that of the setting, by default a SQLite file of our own, and its standby if there is one.

    With `may_fall_back` that file is also used where the folder of another one cannot be made.
    """
    url = text(setting, f"sqlite:///{own_file}")
    fallback = own_file if may_fall_back else None
    entry = database(url, setting, folder=folder, fallback=fallback, test_file=test_file)
    return {"default": entry, "replica": replica(replica_url, entry)} if replica_url else {"default": entry}


def replica(url: str, primary: dict[str, Any]) -> dict[str, Any]:
    """Django's DATABASES entry for REPLICA_URL: a standby of PostgreSQL."""
    entry = database(url, "REPLICA_URL")
    for setting, config in (("REPLICA_URL", entry), ("DATABASE_URL", primary)):
        if "sqlite" in config["ENGINE"]:
            raise ImproperlyConfigured(
                f"REPLICA_URL is for a standby of PostgreSQL, and {setting} names a SQLite file."
            )
    return entry


def database_url_problem(url: str) -> str | None:
    if url in ("sqlite://:memory:", "sqlite:///:memory:"):
        return None
    try:
        parts = urlparse(url)
    except ValueError:
        return f"has no host that can be read. {ESCAPE_HINT}"
    if re.search(r"[\x00-\x1f\x7f]", url):
        return "has a control character"
    if "#" in url:
        return "has a #: write it as %23"
    if parts.scheme == "sqlite":
        return _sqlite_problem(url, parts) or _query_problem(parts, SQLITE_OPTIONS)
    if parts.scheme in POSTGRESQL_SCHEMES and "://" in url:
        return _postgresql_problem(parts) or _query_problem(parts, postgresql_options())
    return f"must begin with sqlite:/// or postgres://, as in {EXAMPLES}"


def _sqlite_problem(url: str, parts: ParseResult) -> str | None:
    if not url.startswith("sqlite:///"):
        return "must begin with sqlite:/// (from this folder) or sqlite://// (from the root), with 3 or 4 slashes"
    if not parts.path.strip("/") or parts.path.endswith("/"):
        return "names no file, and SQLite would forget all when Strata stops"
    return None


def _postgresql_problem(parts: ParseResult) -> str | None:
    hosts = parts.netloc.rpartition("@")[2]
    if re.search(r"\s", hosts):
        return "has a blank in its host"
    if "@" in parts.path:
        return f"has an @ in the name of its database. {ESCAPE_HINT}"
    for host in hosts.split(","):
        port = re.fullmatch(r"(?:\[[^]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?", host, re.ASCII)
        if not port or int(port[1] or 1) not in range(1, 65536):
            return f"has a host whose port is no number from 1 to 65535. {ESCAPE_HINT}"
    if "," in hosts and not all(hosts.split(",")):
        return "has a list of hosts in which one is empty"
    if not parts.path.strip("/") and "service" not in parse_qs(parts.query):
        return "names no database: write postgres://user:password@host:5432/name"
    return None


def _query_problem(parts: ParseResult, options: frozenset[str]) -> str | None:
    for name, values in parse_qs(parts.query, keep_blank_values=True).items():
        if pattern := DJANGO_OPTIONS.get(name.upper()):
            if not re.fullmatch(pattern, values[0], re.IGNORECASE):
                return f"has {name[:60]!a} with a value that it cannot have"
        elif name not in options:
            return f"has an option that this database does not know: {name[:60]!a}"
        elif not values[0] or (name == "timeout" and not re.fullmatch(r"[0-9]{1,6}", values[0], re.ASCII)):
            return f"has {name[:60]!a} with a value that it cannot have"
    return None


def postgresql_options() -> frozenset[str]:
    """The names of the options of libpq and Django."""
    # loads libpq, 0.3 s, which a start with SQLite does not need
    from psycopg import pq

    return DJANGOS_POSTGRESQL_OPTIONS | {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


# --- the file of a SQLite database ---


def writable_file(name: str, *, folder: Path, fallback: Path | None) -> str:
    """The path of the SQLite file, after creating its folders. Where that fails: a warning, and the fallback if any."""
    if name == MEMORY:
        return name
    path = folder / name
    try:
        make_room(path)
    except OSError as error:
        if fallback is None or path == fallback:
            raise ImproperlyConfigured(f"DATABASE_URL: {path} cannot be made ({error}).") from error
        warnings.warn(
            f"DATABASE_URL: {path} CANNOT BE MADE ({error}). USING {fallback} INSTEAD.", stacklevel=2
        )
        return writable_file(str(fallback), folder=folder, fallback=None)
    return str(path)


def make_room(path: Path) -> None:
    """Create the folders. An existing file is not checked: a file that cannot be written may still be read."""
    make_private_folder(path.parent)
    if path.is_dir():
        raise IsADirectoryError("it is a folder, not a file")
    if not path.exists() and not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} is not writable")
