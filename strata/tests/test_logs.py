"""One line of JSON for each request, with its id, and without anything that a person entered."""

from __future__ import annotations

import io
import json
import logging

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpResponse, HttpResponseForbidden
from django.test import Client
from django.urls import path

from strata.accounts.services import issue_token
from strata.audit import actor
from strata.server.logs import Broken, JsonLines

SECRETS = ("Grandmother", "1234.56", "strata_x0x0")


def break_down(request, name):
    raise RuntimeError(f"no {name} for 1234.56 strata_x0x0")


def suspect(request):
    raise SuspiciousOperation("Grandmother")


def missing(request):
    raise Http404("Grandmother")


urlpatterns = [
    path("api/v1/broken/<name>", break_down),
    path("api/v1/suspicious", suspect),
    path("api/v1/missing", missing),
    path("api/v1/forbidden", lambda request: HttpResponseForbidden("<h1>Grandmother</h1>")),
    path("api/v1/who", lambda request: HttpResponse(actor.current().request_id)),
]
handler500 = "strata.server.error_pages.server_error"
handler404 = "strata.server.error_pages.page_not_found"
handler400 = "strata.server.error_pages.bad_request"


@pytest.fixture
def lines():
    """A function that returns the log lines of the test so far, as a list of objects."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, ours = logging.getLogger(), logging.getLogger("strata")
    level = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    ours.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def browser():
    return Client(raise_request_exception=False)


@pytest.mark.on_sqlite
def test_each_request_has_one_line(browser, lines):
    browser.get("/api/v1/version?search=Grandmother")
    [line] = lines()
    assert line.pop("ms") >= 0
    assert line.pop("at").endswith("+00:00")
    assert len(line.pop("request_id")) == 32
    assert line == {
        "level": "INFO",
        "logger": "strata.requests",
        "message": "request",
        "method": "GET",
        "route": "api/v1/version/?$",
        "status": 200,
        "db_ms": 0.0,
        "queries": 0,
        "user_id": None,
    }


@pytest.mark.django_db
def test_the_line_names_the_user_by_id_and_the_route_by_its_pattern(browser, lines):
    user = get_user_model().objects.create_user("Grandmother", password="1234.56-1234.56")
    _, secret = issue_token(user, name="Grandmother")
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    browser.get(f"/api/v1/assets/{unknown}", headers={"Authorization": f"Bearer {secret}"})
    [line] = lines()
    assert (line["user_id"], line["status"]) == (str(user.pk), 404)
    assert line["route"].startswith("api/v1/")
    assert not [word for word in (*SECRETS, secret, unknown) if word in json.dumps(line)]


@pytest.mark.django_db
def test_a_password_and_a_name_that_were_sent_are_not_in_the_line(browser, lines):
    body = {"username": "Grandmother", "password": "1234.56"}
    browser.post("/api/v1/auth/token", body, content_type="application/json")
    assert "status" in lines()[-1]
    assert not [word for word in SECRETS if word in json.dumps(lines())]


@pytest.mark.on_sqlite
def test_an_unknown_path_is_not_quoted(browser, lines):
    browser.get("/api/v1/Grandmother/1234.56")
    [line] = lines()
    assert (line["route"], line["status"]) == (None, 404)
    assert not [word for word in SECRETS if word in json.dumps(line)]


@pytest.mark.on_sqlite
@pytest.mark.urls(__name__)
def test_what_breaks_is_logged_with_its_id_and_place_but_not_its_text(browser, lines):
    answer = browser.get("/api/v1/broken/Grandmother?token=strata_x0x0", headers={"X-Request-Id": "abc.1"})
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (
        500,
        "INTERNAL_ERROR",
        "abc.1",
    )
    broken, request = lines()
    assert (broken["level"], broken["error"], broken["request_id"]) == ("ERROR", "RuntimeError", "abc.1")
    assert "test_logs.py" in broken["trace"][-1]
    assert "break_down" in broken["trace"][-1]
    assert (request["status"], request["request_id"]) == (500, "abc.1")
    assert not [word for word in SECRETS if word in json.dumps(lines()) + answer.content.decode()]


@pytest.mark.on_sqlite
@pytest.mark.parametrize("sent", ["a", "A-Z_0.9", "x" * 64])
def test_a_sane_request_id_is_taken_and_given_back(browser, lines, sent):
    answer = browser.get("/api/v1/version", headers={"X-Request-Id": sent})
    assert (answer["X-Request-Id"], lines()[0]["request_id"]) == (sent, sent)


@pytest.mark.on_sqlite
@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\tb", '{"a":1}', "é", "a;b", "$(id)", "１"])
def test_any_other_request_id_is_replaced(browser, lines, sent):
    answer = browser.get("/api/v1/version", HTTP_X_REQUEST_ID=sent)
    assert answer["X-Request-Id"] != sent
    assert answer["X-Request-Id"].isalnum()
    assert lines()[0]["request_id"] == answer["X-Request-Id"]


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["{}", "mine-{}", "Bearer.{}"])
def test_a_token_in_place_of_a_request_id_is_not_logged(browser, lines, form):
    _, secret = issue_token(get_user_model().objects.create_user("dora"))
    answer = browser.get("/api/v1/version", headers={"X-Request-Id": form.format(secret)})
    assert len(answer["X-Request-Id"]) == 32
    assert secret not in json.dumps(lines())


@pytest.mark.on_sqlite
@pytest.mark.urls(__name__)
def test_the_actor_of_one_request_is_gone_in_the_next(browser):
    first, second = (browser.get("/api/v1/who").content for _ in range(2))
    assert first and first != second
    assert actor.current().request_id == ""


@pytest.mark.on_sqlite
@pytest.mark.urls(__name__)
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("route", "status", "code"),
    [
        ("missing", 404, "NOT_FOUND"),
        ("nowhere", 404, "NOT_FOUND"),
        ("suspicious", 400, "MALFORMED"),
        ("forbidden", 403, "FORBIDDEN"),
        ("broken/Grandmother", 500, "INTERNAL_ERROR"),
    ],
)
def test_refusals_from_outside_the_api_framework_have_its_shape(
    browser, settings, debug, route, status, code
):
    settings.DEBUG = debug
    answer = browser.get(f"/api/v1/{route}")
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"], body["errors"]) == (status, status, code, [])
    assert body["request_id"] == answer["X-Request-Id"]
    assert "Grandmother" not in answer.content.decode()


@pytest.mark.on_sqlite
def test_wrong_methods_and_hosts_have_the_shape_too(browser):
    answer = browser.delete("/api/v1/version")
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    answer = browser.get("/api/v1/version", headers={"Host": "elsewhere.example.org"})
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED")


@pytest.mark.on_sqlite
def test_of_djangos_lines_only_what_broke_is_kept():
    record = logging.LogRecord("django.request", logging.ERROR, "", 1, "%s: %s", ("Gone", "/x"), None)
    assert not Broken().filter(record)
    record.exc_info = (RuntimeError, RuntimeError("x"), None)
    assert Broken().filter(record)


@pytest.mark.on_sqlite
def test_a_line_stays_one_line():
    record = logging.LogRecord("strata", logging.INFO, "", 1, 'a\nb "c" %s', ("é\u2028",), None)
    line = JsonLines().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["message"] == 'a\nb "c" é\u2028'
