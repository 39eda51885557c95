"""A request for a host that is not in ALLOWED_HOSTS gets 400, and the host is logged at most once a minute."""

from __future__ import annotations

import io
import json
import logging

import pytest
from django.conf import settings
from django.test import Client

from strata.server import logs
from strata.server.logs import JsonLines, OncePerMinute

# No test here asks the database.
pytestmark = pytest.mark.on_sqlite

TOKEN = "strata_" + "x" * 43


@pytest.fixture
def lines(monkeypatch):
    """The log lines so far. The clock is stopped until `tick` is called."""
    stream, clock = io.StringIO(), [1000.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: clock[0])
    for log_filter in logging.getLogger("django.security.DisallowedHost").filters:
        monkeypatch.setattr(log_filter, "_rate", OncePerMinute())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)

    def read() -> list[dict]:
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in lines if line["logger"] == "django.security.DisallowedHost"]

    read.tick = lambda seconds: clock.__setitem__(0, clock[0] + seconds)
    yield read
    logging.getLogger().removeHandler(handler)


def ask(host: str):
    return Client(raise_request_exception=False).get("/api/v1/version", HTTP_HOST=host)


def test_the_refused_host_is_logged_with_the_setting_to_change(lines):
    assert ask("money.example.org:8000").status_code == 400
    [line] = lines()
    assert line["level"] == "WARNING"
    assert line["message"].endswith("its host is not in ALLOWED_HOSTS: money.example.org:8000")
    assert "trace" not in line and "error" not in line
    assert len(line["request_id"]) == 32


def test_it_is_logged_once_a_minute(lines):
    for _ in range(3):
        ask("a.example.org")
    lines.tick(59)
    ask("b.example.org")
    assert len(lines()) == 1
    lines.tick(1)
    ask("c.example.org")
    assert [line["message"].split()[-1] for line in lines()] == ["a.example.org", "c.example.org"]


@pytest.mark.parametrize(
    "host",
    [
        "a\x1b[31mb.example.org",
        "a\nlevel=ERROR",
        'a" onclick="',
        "a" * 101,
        "ä.example.org",
        "a b",
        TOKEN,
        f"x.{TOKEN}",
    ],
)
def test_what_does_not_look_like_a_host_is_not_shown(lines, host):
    assert ask(host).status_code == 400
    [line] = lines()
    assert line["message"].endswith("(nothing that looks like a host)")
    assert TOKEN not in json.dumps(line)


def test_a_name_that_is_no_host_for_django_is_shown_if_it_looks_like_one(lines):
    """Such as the name of a container: requests from other containers are refused because of the underscore."""
    assert ask("my_strata:8000").status_code == 400
    assert lines()[0]["message"].endswith("my_strata:8000")


def test_an_allowed_host_is_not_logged(lines):
    assert ask(settings.ALLOWED_HOSTS[0]).status_code == 200
    assert lines() == []
