"""Behind a TLS proxy that Strata does not trust, a redirect to https leads to itself: the log says why."""

from __future__ import annotations

import pytest
from django.test import Client

from strata.environment.variables import networks

# No test here asks the database.
pytestmark = pytest.mark.on_sqlite

PROXY = "10.0.0.1"


@pytest.fixture(autouse=True)
def _tls(settings, monkeypatch):
    settings.SECURE_SSL_REDIRECT = True
    monkeypatch.setenv("PROXIES", PROXY)
    settings.TRUSTED_PROXIES = networks("PROXIES")


def said(caplog) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "strata.requests" and record.levelno > 20
    ]


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-Proto": "https"}, {"Forwarded": "for=1.2.3.4;proto=https"}]
)
def test_an_unknown_proxy_that_speaks_tls_is_named(caplog, headers):
    answer = Client(REMOTE_ADDR="10.0.0.2").get("/api/v1/version", headers=headers)
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/api/v1/version")
    [line] = said(caplog)
    assert "name 10.0.0.2 in TRUSTED_PROXIES" in line


def test_a_known_proxy_that_does_not_say_how_it_was_asked_is_named(caplog):
    answer = Client(REMOTE_ADDR=PROXY).get("/api/v1/version", headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 301
    [line] = said(caplog)
    assert f"The proxy {PROXY} does not say" in line
    assert "X-Forwarded-Proto" in line


def test_it_is_said_once_a_minute(caplog):
    client = Client(REMOTE_ADDR="10.0.0.2")
    for _ in range(3):
        client.get("/api/v1/version", headers={"X-Forwarded-Proto": "https"})
    assert len(said(caplog)) == 1


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        (PROXY, {"X-Forwarded-Proto": "https"}, 200),
        (PROXY, {"X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.9"}, 301),
        (PROXY, {}, 301),
        ("10.0.0.2", {}, 301),
        ("10.0.0.2", {"X-Forwarded-Proto": "http"}, 301),
    ],
)
def test_a_redirect_that_leads_somewhere_is_not_logged(caplog, peer, headers, status):
    assert Client(REMOTE_ADDR=peer).get("/api/v1/version", headers=headers).status_code == status
    assert said(caplog) == []


def test_nothing_is_said_where_nothing_is_redirected(caplog, settings):
    settings.SECURE_SSL_REDIRECT = False
    forged = {"X-Forwarded-Proto": "https"}
    assert Client(REMOTE_ADDR="10.0.0.2").get("/api/v1/version", headers=forged).status_code == 200
    assert said(caplog) == []


def test_a_proxy_that_comes_in_by_ipv6_with_its_ipv4_address_is_the_same(caplog):
    proxy = Client(REMOTE_ADDR=f"::ffff:{PROXY}")
    assert proxy.get("/api/v1/version", headers={"X-Forwarded-Proto": "https"}).status_code == 200
    assert said(caplog) == []
