"""A table with the values that each setting refuses, and the messages. It has all settings of the README."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from strata.environment.variables import bind_host, hosts, networks, origins
from strata.tests.test_settings import GOOD_KEY, NEEDED, PACKAGE, SAFE

pytestmark = pytest.mark.on_sqlite

ROOT = PACKAGE.parent
# Loads the settings file once for each value, and prints the error messages.
READ = """
import json, os, runpy, sys
name, path, values = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
said = []
for value in values:
    os.environ[name] = value
    try:
        runpy.run_path(path)
    except Exception as error:
        said.append(f"{type(error).__name__}: {error}")
    else:
        said.append("accepted")
print(json.dumps(said))
"""
SETTINGS, GUNICORN = "strata/settings.py", "gunicorn.conf.py"
COMMA, HOST_ALONE, PORT = "separate entries with commas", "write the host alone", "no number from 1 to 65535"
NO_HOST, NO_SWITCH, NO_WORD = "no host name and no address", "must be one of 1, true", "must be one of"
LONG = "a" * 64

# name: the bad values, each with a part of its error message.
REFUSED: dict[str, list[tuple[str, str]]] = {
    "ENV": [("prod", "must be one of development, production")],
    "DEBUG": [("perhaps", NO_SWITCH), ("2", NO_SWITCH), ("ｏｎ", NO_SWITCH)],
    "IF_MATCH_REQUIRED": [("2", NO_SWITCH), ("y", NO_SWITCH)],
    "SECURE_SSL_REDIRECT": [("https", NO_SWITCH)],
    "ALLOWED_HOSTS": [
        ("https://strata.example.org", f"has a scheme: {HOST_ALONE}"),
        ("strata.example.org:8000", f"has a port: {HOST_ALONE}"),
        ("127.0.0.1:8000", "has a port"),
        ("[::1]:8000", "has a port or more behind its address: write [::1] alone"),
        ("strata.example.org/", f"has a path: {HOST_ALONE}"),
        ("strata.example.org/strata", "has a path"),
        ("10.0.0.0/8", "has a path"),
        ("good.example.org,strata.example.org other.example.org", COMMA),
        ("strata.example.org\tx", "has a blank"),
        ("alice@strata.example.org", "has a user name"),
        ("alice:x@strata.example.org", "has a user name"),
        ("*.example.org", "write .example.org"),
        ("strata.*", "has a wildcard"),
        ("*:8000", "has a wildcard"),
        ("::1", "write [::1]"),
        ("2001:DB8::0:1", "write [2001:db8::1]"),
        ("[0:0:0:0:0:0:0:1]", "write [::1]"),
        ("[fe80::1%eth0]", NO_HOST),
        ("[strata]", NO_HOST),
        ("bücher.example", "xn--bcher-kva.example"),
        ("straße.example", "in ASCII (xn--...)."),
        ("strata.example.org.", NO_HOST),
        ("-strata.example.org", NO_HOST),
        ("my_strata", NO_HOST),
        ("strata..example.org", NO_HOST),
        ("300.1.1.1", NO_HOST),
        (f"{LONG}.example.org", NO_HOST),
        (".", NO_HOST),
        ("strata.example.org;other.example.org", NO_HOST),
        ('"strata.example.org"', NO_HOST),
    ],
    "CSRF_TRUSTED_ORIGINS": [
        ("strata.example.org", "has no scheme"),
        ("//strata.example.org", "has no scheme"),
        ("ftp://strata.example.org", "must begin with https:// or http://"),
        ("HTTPS://strata.example.org", "in small letters"),
        ("https://strata.example.org/", "has a path"),
        ("https://strata.example.org/strata", "has a path"),
        ("https://strata.example.org?x", "has a path"),
        ("https://alice@strata.example.org", "has a user name"),
        ("https://strata.example.org https://other.example.org", "has a path"),
        ("https://strata.example.org other", COMMA),
        ("https://", NO_HOST),
        ("https://*", "has a wildcard"),
        ("https://strata.*.org", "has a wildcard"),
        ("https://Strata.example.org", "small letters"),
        ("https://strata.example.org:443", "has the usual port"),
        ("http://strata.example.org:80", "has the usual port"),
        ("https://strata.example.org:x", PORT),
        ("https://strata.example.org:70000", PORT),
        ("https://[::1", NO_HOST),
        ("https://[0::1]", "write [::1]"),
        ("https://bücher.example", "xn--bcher-kva.example"),
    ],
    "CORS_ALLOWED_ORIGINS": [
        ("*", "has no scheme"),
        ("null", "has no scheme"),
        ("app.example.org", "has no scheme"),
        ("https://*.example.org", "has a wildcard"),
        ("https://app.example.org/", "has a path"),
        ("https://app.example.org:443", "has the usual port"),
        ("https://alice@app.example.org", "has a user name"),
        ("1https://app.example.org", "must begin with a scheme"),
    ],
    "TRUSTED_PROXIES": [
        ("proxy.example.org", "must be an address or a network"),
        ("127.0.0.1,proxy", "must be an address or a network"),
        ("10.0.0.1/8", "write 10.0.0.0/8"),
        ("10.0.0.1:80", "must be an address or a network"),
        ("[::1]", "must be an address or a network"),
        ("10.0.0.0/33", "must be an address or a network"),
        ("10.0.0.1 10.0.0.2", "must be an address or a network"),
        ("*", "must be an address or a network"),
        ("fe80::1/10", "write fe80::/10"),
    ],
    "BIND": [
        ("http://127.0.0.1", "has a scheme"),
        ("127.0.0.1:8000", "has a port"),
        ("[::1]:8000", "has a port"),
        ("*", "write 0.0.0.0"),
        ("0.0.0.0/0", "has a path"),
        ("127.0.0.1 ::1", "has a blank"),
        ("::g", NO_HOST),
        ("1.2.3", NO_HOST),
    ],
    "PORT": [
        (bad, "from 0 to 65535")
        for bad in ("65536", "-1", "8000.0", "http", "0x50", "８０００", "127.0.0.1:8000")
    ],
    "WEB_CONCURRENCY": [(bad, "from 1 to 256") for bad in ("0", "two", "257", "1e1")],
    "WEB_THREADS": [(bad, "from 1 to 256") for bad in ("0", "-4", "1000")],
    "SCRIPT_NAME": [
        (bad, "must be a path such as /strata")
        for bad in (
            "strata",
            "/",
            "/strata/",
            "//strata",
            "/a//b",
            "/../x",
            "/a/.",
            "/a b",
            "/a?b",
            "/ä",
            "https://x/y",
        )
    ],
    "TIME_ZONE": [
        (bad, "must be the name of a time zone")
        for bad in ("Mars/Olympus", "../../etc/passwd", "europe/berlin", "+02:00", "Factory")
    ],
    "LOG_LEVEL": [("LOUD", NO_WORD), ("10", NO_WORD), ("INFO,DEBUG", NO_WORD)],
    "API_THROTTLE": [
        (bad, "must be like 1200/min") for bad in ("fast", "0/min", "1200", "1200/week", "-1/s", "1 / min")
    ],
    "SHARED_URL": [
        (bad, "must be like redis://")
        for bad in (
            "localhost:6379",
            "http://h:6379",
            "redis://",
            "redis://h:port",
            "redis://h/name",
            "unix:x",
        )
    ],
    "METRICS": [("maybe", NO_WORD)],
    "METRICS_BIND": [("*", "wildcard")],
    "METRICS_PORT": [(bad, "from 1 to 65535") for bad in ("0", "http", "65536")],
    "LOGIN_FAILURE_LIMIT": [(bad, "from 1 to") for bad in ("0", "ten", "99999999999")],
    "MAX_BODY_BYTES": [(bad, "from 1024 to") for bad in ("2MB", "1", "9999999999")],
    "CLIENT_HEAD_SECONDS": [(bad, "from 1 to 3600") for bad in ("0", "10s", "3601")],
    "CLIENT_BODY_SECONDS": [(bad, "from 1 to 3600") for bad in ("0", "-1", "3601")],
    "CLIENT_UNFINISHED": [(bad, "from 1 to 10000") for bad in ("0", "none", "10001")],
    "RATE_MAX_AGE_DAYS": [(bad, "from 0 to 36500") for bad in ("-1", "1e2", "99999", "٣")],
    "PRICE_MAX_AGE_DAYS": [(bad, "from 0 to 36500") for bad in ("-1", "ten", "99999")],
    "PRICE_TIMEOUT": [(bad, "from 1 to 300") for bad in ("0", "10s", "301")],
    "PRICE_MAX_BYTES": [(bad, "from 1024 to") for bad in ("1", "2MB", "9999999999")],
    "ARCHIVE_MAX_BYTES": [(bad, "from 1024 to") for bad in ("1", "1GiB", "99999999999")],
    "ARCHIVE_MAX_ROWS_HTTP": [(bad, "from 1 to") for bad in ("0", "many", "99999999")],
    "IMPORT_MAX_BYTES": [(bad, "from 1024 to") for bad in ("1", "64MiB", "9999999999")],
    "IMPORT_MAX_ROWS": [(bad, "from 1 to") for bad in ("0", "many", "99999999")],
    "IMPORT_MAX_ROWS_HTTP": [(bad, "from 1 to") for bad in ("0", "many", "99999999")],
    "DATABASE_TIMEOUT": [(bad, "from 0 to 86400") for bad in ("20s", "-1", "86401")],
    "HSTS_SECONDS": [(bad, "from 0 to") for bad in ("a year", "-1", "3000000000")],
    "DATABASE_URL": [
        ("mysql://u@h/n", "must begin with sqlite:/// or postgres://"),
        ("strata.db", "must begin with sqlite:/// or postgres://"),
        ("http://example.org", "must begin with sqlite:/// or postgres://"),
        ("postgis://u@h/n", "must begin with sqlite:/// or postgres://"),
        ("postgres:n", "must begin with sqlite:/// or postgres://"),
        ("sqlite://strata.db", "3 or 4 slashes"),
        ("sqlite:strata.db", "3 or 4 slashes"),
        ("sqlite:/tmp/strata.db", "3 or 4 slashes"),
        ("sqlite://", "3 or 4 slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite:////", "names no file"),
        ("sqlite:///folder/", "names no file"),
        ("sqlite:///a.db#b", "has a #"),
        ("sqlite:///a\n.db", "control character"),
        ("sqlite:///a.db?timout=5", "does not know: 'timout'"),
        ("sqlite:///a.db?timeout=soon", "'timeout' with a value"),
        ("sqlite:///a.db?atomic_requests=true", "does not know: 'atomic_requests'"),
        ("postgres://u:secret@h:port/n", PORT),
        ("postgres://u:secret@h:99999/n", PORT),
        ("postgres://u:secret@h1:5432,h2:x/n", PORT),
        ("postgres://u:secret@h1,,h2/n", "one is empty"),
        ("postgres://u:secret@h", "names no database"),
        ("postgres://u:secret@h/", "names no database"),
        ("postgres://u:secret#x@h/n", "has a #"),
        ("postgres://u:secret/x@h/n", "%2F"),
        ("postgres://u:secret?x@h/n", "%3F"),
        ("postgres://u:secret@h other/n", "has a blank in its host"),
        ("postgres://u:secret@[::1/n", "no host that can be read"),
        ("postgres://u:secret@h/n?sslmod=require", "does not know: 'sslmod'"),
        ("postgres://u:secret@h/n?conn_max_age=long", "'conn_max_age' with a value"),
        ("postgres://u:secret@h/n?autocommit=false", "does not know: 'autocommit'"),
    ],
    "REPLICA_URL": [
        ("mysql://u@h/n", "must begin with sqlite:/// or postgres://"),
        ("postgres://u:secret@h:port/n", PORT),
        ("postgres://u:secret@h", "names no database"),
        ("postgres://u:secret@h/n", "is for a standby of PostgreSQL, and DATABASE_URL names a SQLite file"),
    ],
    "SECRET_KEY": [("hunter22", "too short")],
}
REFUSED["TEST_DATABASE_URL"] = REFUSED["DATABASE_URL"]
OF_GUNICORN = {"BIND", "PORT", "WEB_CONCURRENCY", "WEB_THREADS", "METRICS_BIND", "METRICS_PORT"}
HAVE_NO_SHAPE = {"OTEL_EXPORTER_OTLP_ENDPOINT", "PRICE_PRIVATE_HOSTS", "DEMO_PASSWORD"}
SECRET = {"DATABASE_URL", "TEST_DATABASE_URL", "SECRET_KEY", "SHARED_URL", "REPLICA_URL"}
IN_PRODUCTION = {"SECRET_KEY"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """Only the files that read settings."""
    folder = tmp_path_factory.mktemp("clone")
    for name in NEEDED:
        (folder / "strata" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE / name, folder / "strata" / name)
    shutil.copy(ROOT / GUNICORN, folder / GUNICORN)
    return folder


def said_of(clone: Path, name: str, values: list[str]) -> list[str]:
    """The error message for each value of the setting, read in a separate process."""
    reader = GUNICORN if name in OF_GUNICORN else SETTINGS
    arguments = [name, reader, json.dumps(values)]
    own = {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://:memory:", "PYTHONPATH": str(clone)}
    if name in IN_PRODUCTION:
        own |= SAFE
    script = READ
    if name == "TEST_DATABASE_URL":
        script = "import sys; sys.modules['pytest'] = sys\n" + READ  # the settings look whether it is there
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=clone,
        env=own,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stderr
    return json.loads(done.stdout)


def test_the_table_has_every_setting_of_the_readme():
    section = re.search(r"## Settings\n(.*?)\n## ", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    named = {
        name
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert named == set(REFUSED) | HAVE_NO_SHAPE


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_understood_is_refused_by_setting_and_entry(clone, name):
    answers = said_of(clone, name, [value for value, _ in REFUSED[name]])
    for (value, words), said in zip(REFUSED[name], answers, strict=True):
        assert said.startswith(f"ImproperlyConfigured: {name}"), (value, said)
        assert words in said, (value, said)
        assert "secret" not in said and "hunter22" not in said
        if name not in SECRET:
            wrong = [entry.strip() for entry in value.split(",")]
            assert any(ascii(entry) in said for entry in [value, *wrong]), (value, said)


ACCEPTED: dict[str, list[str]] = {
    "ALLOWED_HOSTS": [
        "*", "localhost", "Strata.Example.org", ".example.org", "10.0.0.1", "[::1]", "[2001:db8::1]",
        "xn--bcher-kva.example",
        " a.example.org , ,b.example.org,", "a" * 63 + ".example.org", "1and1.example",
    ],
    "CSRF_TRUSTED_ORIGINS": [
        "https://strata.example.org", "http://localhost:8000", "https://*.example.org", "https://[::1]:8443",
        "https://a.example.org,https://b.example.org",
    ],
    "CORS_ALLOWED_ORIGINS": ["https://app.example.org", "http://127.0.0.1:5173", "capacitor://localhost", "moz-extension://a1-b2"],
    "TRUSTED_PROXIES": ["127.0.0.1", "10.0.0.0/8, fd00::/8", "::1", "0.0.0.0/0"],
    "BIND": ["127.0.0.1", "::1", "[::1]", "::", "0.0.0.0", "localhost", "fe80::1%lo"],
    "PORT": ["0", "80", "65535", " 8000 "],
    "SCRIPT_NAME": ["", "/strata", "/money/strata-2.0", "/~alice/.strata"],
    "TIME_ZONE": ["UTC", "Europe/Berlin", "Etc/GMT+12"],
    "LOG_LEVEL": ["debug", "Warning"],
    "API_THROTTLE": ["off", "OFF", "5/s", "1200/min"],
    "SHARED_URL": ["", "redis://h", "rediss://:p%2Fw@h:6380/1", "redis://[::1]:6379/", "unix:///run/redis.sock"],
    "DATABASE_URL": [
        "sqlite://:memory:", "sqlite:///a.db", "sqlite:///a%20b.db?timeout=5", "sqlite:///with blank.db",
        "postgres://u:p%2Fw%40@h:5433/n", "postgresql://h/n", "postgres:///n", "postgres://u@[::1]:5432/n",
        "postgres://u@h1:5432,h2:5433/n?target_session_attrs=read-write", "postgres://u@my_db/n?sslmode=require&conn_max_age=0",
        "postgres:///?service=strata",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_can_be_understood_is_accepted(clone, name):
    assert dict(zip(ACCEPTED[name], said_of(clone, name, ACCEPTED[name]), strict=True)) == dict.fromkeys(
        ACCEPTED[name], "accepted"
    )


def test_an_address_of_ipv6_is_bound_in_brackets(monkeypatch):
    for given, host in (("::1", "[::1]"), ("[::1]", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("", "127.0.0.1")):
        monkeypatch.setenv("BIND", given)
        assert bind_host("BIND", "127.0.0.1") == host


def test_a_long_entry_and_one_with_control_characters_are_shown_in_part_and_written_out(clone):
    escape, long = said_of(clone, "ALLOWED_HOSTS", ["a\x1b[31mb", "a" * 5000])
    assert "'a\\x1b[31mb'" in escape
    assert len(long) < 400


@pytest.mark.parametrize(
    ("read", "given", "meant"),
    [
        (hosts, "a.example.org, .b.example.org", ["a.example.org", ".b.example.org"]),
        (origins, "https://a.example.org:8443", ["https://a.example.org:8443"]),
        (
            lambda name: [str(network) for network in networks(name)],
            "10.0.0.1,fd00::/8",
            ["10.0.0.1/32", "fd00::/8"],
        ),
    ],
)
def test_lists_are_read_as_they_are_written(monkeypatch, read, given, meant):
    monkeypatch.setenv("A_LIST", given)
    assert read("A_LIST") == meant


def test_the_good_key_of_these_tests_is_none_that_is_refused(clone):
    assert said_of(clone, "SECRET_KEY", [GOOD_KEY]) == ["accepted"]
