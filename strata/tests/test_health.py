"""Liveness, readiness and version: public, fast, and correct about a database that is not ready."""

from __future__ import annotations

import logging
import time
from threading import Event

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from strata import __version__
from strata.server import health
from tests.behind_pooler import server_entry

READY = "/api/v1/health/ready"


@pytest.fixture
def browser():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("slash", ["", "/"])
def test_live_asks_no_database(browser, slash):
    answer = browser.get(f"/api/v1/health/live{slash}")  # a query would raise: this test has no database
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


@pytest.mark.parametrize("slash", ["", "/"])
def test_version_is_the_packages(browser, slash):
    answer = browser.get(f"/api/v1/version{slash}")
    assert (answer.status_code, answer.json()) == (200, {"version": __version__})


@pytest.mark.django_db
@pytest.mark.parametrize("slash", ["", "/"])
def test_ready_when_the_database_answers_and_is_migrated(browser, slash):
    answer = browser.get(READY + slash)
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(browser, monkeypatch):
    known = health.on_disk()
    monkeypatch.setattr(health, "on_disk", lambda: known | {("strata", "9999_of_tomorrow")})
    refused = browser.get(READY)
    assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (503, "UNAVAILABLE", "5")
    assert refused.json()["errors"] == [
        {"field": "migrations", "code": "pending", "message": "1 migrations are not applied."}
    ]


@pytest.mark.django_db(transaction=True)
def test_a_migration_of_a_later_version_is_no_hindrance(browser):
    """The older version still serves while the newer one, which has already migrated, starts."""
    recorder = MigrationRecorder(connection)
    recorder.record_applied("strata", "9999_of_tomorrow")
    answer = browser.get(READY)
    recorder.record_unapplied("strata", "9999_of_tomorrow")
    assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_not_ready_where_a_crash_would_lose_what_was_saved(browser, monkeypatch):
    """The probe has a separate connection, with the same settings as the others of this process."""
    if connection.vendor == "sqlite":
        monkeypatch.setitem(
            settings.DATABASES["default"]["OPTIONS"], "init_command", "PRAGMA synchronous=OFF"
        )
        wanted = "synchronous=0"
    else:
        direct = server_entry()  # a pooler refuses `options`
        direct["OPTIONS"]["options"] = "-c synchronous_commit=off"
        for name in ("HOST", "PORT", "OPTIONS"):
            monkeypatch.setitem(settings.DATABASES["default"], name, direct[name])
        wanted = "synchronous_commit=off"
    refused = browser.get(READY)
    assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
    [error] = refused.json()["errors"]
    assert (error["field"], error["code"]) == ("durability", "unsafe")
    assert wanted in error["message"]


def test_not_ready_whatever_the_database_raises(browser, monkeypatch, caplog):
    def fail():
        raise RuntimeError("Grandmother's database")

    monkeypatch.setattr(health, "missing_migrations", fail)
    with caplog.at_level(logging.CRITICAL):
        answer = browser.get(READY)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "unreachable")
    assert "Grandmother" not in answer.content.decode()


def test_a_database_that_hangs_is_503_within_two_seconds_and_holds_up_one_thread(browser, monkeypatch):
    released, asked = Event(), []

    def hang():
        asked.append(1)
        released.wait(30)
        return []

    monkeypatch.setattr(health, "missing_migrations", hang)
    monkeypatch.setattr(health, "unsafe_settings", list)
    monkeypatch.setattr(health, "unset_timeouts", list)
    monkeypatch.setattr(health, "accepts_writes", lambda: True)
    monkeypatch.setattr(health, "writes_stored_format", lambda: True)
    monkeypatch.setattr(health, "probe", health.Probe())
    started = time.monotonic()
    answers = [browser.get(READY) for _ in range(2)]
    took = time.monotonic() - started
    released.set()
    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].json()["errors"][0]["code"] == "timeout"
    assert took < 2 * 2 + 1
    assert len(asked) == 1
    assert health.probe._attempt.done.wait(10)
    assert browser.get(READY).status_code == 200
    assert len(asked) == 2


def test_health_needs_no_login_and_takes_no_part_in_the_throttle(browser, settings):
    settings.API_THROTTLE = "1/min"
    wrong = {"Authorization": "Bearer nonsense"}
    assert {browser.get("/api/v1/health/live", headers=wrong).status_code for _ in range(5)} == {200}


def test_health_is_answered_without_tls_in_production(browser, settings):
    settings.SECURE_SSL_REDIRECT = True
    fresh = Client()
    assert fresh.get("/api/v1/health/live").status_code == 200
    assert fresh.get("/api/v1/version").status_code == 301
