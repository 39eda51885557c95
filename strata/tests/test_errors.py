"""Errors of an unavailable database are not faults of the program; and the answers outside of the API's views."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import PermissionDenied
from django.db import (
    DatabaseError,
    DataError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from strata.api.errors import unavailable


class Foreign(Exception):
    """An error of psycopg with a message in another language."""

    def __init__(self, sqlstate: str):
        super().__init__("Auf dem Gerät ist kein Speicherplatz mehr verfügbar")
        self.sqlstate = sqlstate


def caused(error: Exception, sqlstate: str) -> Exception:
    error.__cause__ = Foreign(sqlstate)
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("database or disk is full"), 507),
        (caused(OperationalError("kein Platz"), "53100"), 507),
        (caused(InternalError("nur lesend"), "25006"), 503),
        (OperationalError("attempt to write a readonly database"), 503),
        (OperationalError("disk I/O error"), 503),
        (OperationalError("database is locked"), 503),
        (InterfaceError("connection already closed"), 503),
        (ProgrammingError("Cannot open a new connection in an atomic block."), 503),
    ],
)
def test_a_database_that_fails_is_a_refusal_that_says_when_to_come_again(error, status):
    refusal = unavailable(error)
    assert (refusal.status_code, refusal.wait > 0) == (status, True)


@pytest.mark.parametrize("error", [ProgrammingError("no such column: x"), DataError("out of range")])
def test_a_wrong_question_stays_a_fault_of_ours(error):
    assert unavailable(error) is None


def fail_full(request):
    raise OperationalError("database or disk is full")


def fail_unforeseen(request):
    raise ValueError("Grandmother's ring")


def fail_forbidden(request):
    raise PermissionDenied("Grandmother's ring")


def log_in(request):
    return HttpResponse(authenticate(request, username="nobody", password=request.POST.get("password", "")))


urlpatterns = [
    path("admin/in", log_in),
    path("api/v1/in", log_in),
    path("admin/full", fail_full),
    path("admin/forbidden", fail_forbidden),
    path("api/v1/full", fail_full),
    path("admin/unforeseen", fail_unforeseen),
]
handler403 = "strata.server.error_pages.forbidden"
handler404 = "strata.server.error_pages.page_not_found"
handler500 = "strata.server.error_pages.server_error"


@pytest.fixture
def browser():
    return Client(raise_request_exception=False)


@pytest.fixture
def debug(request, settings):
    settings.DEBUG = request.param


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("debug", [False, True], indirect=True)
def test_a_page_says_in_html_that_it_is_not_to_be_had(browser, debug):
    answer = browser.get("/admin/full", headers={"X-Request-Id": "mine-1"})
    assert (answer.status_code, answer["Retry-After"]) == (507, "30")
    assert answer["Content-Type"].startswith("text/html")
    assert "There is no space left to write." in answer.content.decode()
    assert "mine-1" in answer.content.decode()


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("debug", [False, True], indirect=True)
def test_under_the_api_it_has_the_one_shape(browser, debug):
    answer = browser.get("/api/v1/full")
    assert (answer.status_code, answer["Retry-After"]) == (507, "30")
    assert (answer.json()["code"], answer.json()["status"]) == ("INSUFFICIENT_STORAGE", 507)


@pytest.mark.parametrize("debug", [False, True], indirect=True)
@pytest.mark.parametrize(("where", "kind"), [("/admin/", "text/html"), ("/api/v1/tags", "application/json")])
def test_a_session_that_cannot_be_read_is_no_fault_of_ours(browser, debug, monkeypatch, where, kind):
    """The session is read outside of any view."""

    def fail(session):
        raise OperationalError("database is locked")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    browser.cookies["sessionid"] = "x" * 32
    answer = browser.get(where)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith(kind)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("database or disk is full"), 507),
        (DatabaseError("Forced update did not affect any rows."), 400),
    ],
)
def test_a_session_that_cannot_be_saved_is_malformed_only_where_it_is_gone(
    browser, monkeypatch, settings, error, status
):
    """Django treats both like a session that was deleted meanwhile."""

    def fail(session, **options):
        try:
            raise error
        except DatabaseError:
            raise UpdateError from error

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.save", fail)
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", lambda session: {"a": 1})
    settings.SESSION_SAVE_EVERY_REQUEST = True
    browser.cookies["sessionid"] = "x" * 32
    assert browser.get("/admin/login/").status_code == status


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("where", "status", "words"),
    [
        ("unforeseen", 500, "Something broke."),
        ("forbidden", 403, "You may not do that."),
        ("nowhere", 404, "Page not found"),
    ],
)
def test_a_page_says_in_html_what_is_refused_and_its_number_in_the_log(browser, where, status, words):
    answer = browser.get(f"/admin/{where}", headers={"X-Request-Id": "mine-1"})
    page = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert words in page and "mine-1" in page
    assert "Grandmother" not in page


def lock_out(settings) -> Client:
    settings.AXES_FAILURE_LIMIT = 1
    return Client()


def forge(settings) -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.mark.urls(__name__)
@pytest.mark.django_db
@pytest.mark.parametrize("debug", [False, True], indirect=True)
@pytest.mark.parametrize(
    ("refused", "status", "code", "words"),
    [
        (lock_out, 429, "LOCKED_OUT", "Too many failed attempts."),
        (forge, 403, "FORBIDDEN", "The form did not come from a page of this session."),
    ],
)
def test_a_lock_out_and_a_forged_form_are_refused_as_all_else_is(
    settings, debug, refused, status, code, words
):
    browser = refused(settings)
    page = browser.post("/admin/in", {"password": "x"}, headers={"X-Request-Id": "mine-1"})
    refusal = browser.post("/api/v1/in", {"password": "x"}, headers={"X-Request-Id": "mine-1"})
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert words in page.content.decode() and "mine-1" in page.content.decode()
    assert {*refusal.json()} == {"code", "message", "status", "errors", "request_id"}
    assert (refusal.status_code, refusal.json()["code"], refusal.json()["status"]) == (status, code, status)
    assert refusal.json()["message"].startswith(words)
    for answer in (page, refusal):
        assert answer.headers.get("Retry-After") == ("900" if refused is lock_out else None)
        assert answer["Content-Security-Policy"]


@pytest.mark.urls(__name__)
def test_what_is_unforeseen_has_djangos_page_where_its_text_may_be_shown(browser, settings):
    settings.DEBUG = True
    answer = browser.get("/admin/unforeseen")
    assert (answer.status_code, "Grandmother" in answer.content.decode()) == (500, True)
