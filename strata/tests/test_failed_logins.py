"""What an account's owner, superusers and doctor see of failed logins, and clients whose address no proxy sends."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from strata.accounts import lockout
from strata.accounts.doctor import clients_have_addresses_of_their_own
from strata.accounts.models import LoginCount
from strata.doctor import Level
from strata.tests.logins import (
    API,
    HOME,
    LIMIT,
    PASSWORD,
    by_admin,
    by_token,
    fail,
)

# --- what the owner sees ---


def test_the_next_login_says_how_often_and_when_it_failed_and_says_it_once(dora, clock):
    assert by_token(address=HOME).json()["failed_logins"] == {"count": 0, "last_at": None}
    fail(3)
    clock.shift(60)
    by_token(password="wrong", address=HOME)
    clock.shift(60)
    assert by_token(address=HOME).json()["failed_logins"] == {"count": 4, "last_at": "2026-03-01T12:01:00Z"}
    assert by_token(address=HOME).json()["failed_logins"] == {"count": 0, "last_at": None}


def test_the_first_page_of_the_admin_says_it_too(dora, clock):
    by_token(address=HOME)
    fail(LIMIT)
    browser = Client(REMOTE_ADDR=HOME)
    page = browser.get(by_admin(client=browser)["Location"]).content.decode()
    sentence = "a wrong password was given 100 times for your name, the last time on 1 Mar 2026 at 12:00 UTC"
    assert sentence in page
    assert sentence not in browser.get("/admin/").content.decode()


def test_what_was_told_by_a_program_is_still_in_the_admin(dora, clock):
    """Otherwise only a program that logs in every hour would see it."""
    fail(LIMIT - 1)
    assert by_token().json()["failed_logins"]["count"] == LIMIT - 1
    browser = Client()
    browser.force_login(dora)
    listed = browser.get("/admin/strata/logincount/").content.decode()
    assert re.search(r"field-failures_before_login[^>]*>\s*(<[^>]*>\s*)*99\b", listed)


def test_the_admin_shows_a_pause_to_its_owner_and_to_superusers_and_to_nobody_else(dora, clock):
    users = get_user_model().objects
    other = users.create_user("emil", password=PASSWORD, is_staff=True)
    root = users.create_superuser("root", password=PASSWORD)
    fail(LIMIT)
    count = LoginCount.objects.get(address="")
    seen = {}
    for user in (dora, root, other):
        browser = Client()
        browser.force_login(user)
        listed = browser.get("/admin/strata/logincount/").content.decode()
        page = browser.get(f"/admin/strata/logincount/{count.pk}/change/")
        seen[user.username] = ("2026-03-01" in listed, page.status_code)
    assert seen == {"dora": (True, 200), "root": (True, 200), "emil": (False, 302)}


def test_a_superuser_ends_a_pause_by_deleting_its_line(dora, clock):
    fail(LIMIT)
    count = LoginCount.objects.get(address="")
    path = f"/admin/strata/logincount/{count.pk}/delete/"
    browser = Client()
    browser.force_login(dora)
    assert browser.post(path, {"post": "yes"}).status_code == 403
    browser.force_login(get_user_model().objects.create_superuser("root", password=PASSWORD))
    assert browser.post(path, {"post": "yes"}).status_code == 302
    assert by_token().status_code == 201


def test_what_was_tried_is_not_written_down(dora, clock):
    by_token(password="almost-the-right-one")
    assert "almost-the-right-one" not in str(list(LoginCount.objects.values()))


# --- clients whose proxy does not send their address ---


@pytest.fixture
def proxy(settings):
    settings.TRUSTED_PROXIES = lockout_networks()
    settings.AXES_FAILURE_LIMIT = 3


def lockout_networks():
    return [ip_network("10.0.0.1")]


def through_proxy(hop, username="dora", password=PASSWORD):
    client = APIClient(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=hop)
    return client.post(f"{API}/auth/token", {"username": username, "password": password}).status_code


@pytest.mark.parametrize("hop", ["unknown", "6.6.6.6, unknown", "_hidden", "nonsense"])
def test_clients_without_an_address_are_not_locked_out_together(hop, proxy, dora):
    assert [through_proxy(hop, "unknown", "wrong") for _ in range(4)] == [401, 401, 429, 429]
    assert through_proxy(hop) == 201
    assert [through_proxy(hop, "dora", "wrong") for _ in range(3)] == [401, 401, 429]


def test_an_address_with_a_port_is_an_address(proxy, dora):
    assert [through_proxy(f"203.0.113.7:{port}", "unknown", "wrong") for port in (1, 2, 3)] == [401, 401, 429]
    assert through_proxy("203.0.113.7:4711") == 429
    assert through_proxy("203.0.113.8:4711") == 201


def test_no_address_is_never_a_known_one(proxy, dora, clock):
    assert through_proxy("unknown") == 201
    fail(LIMIT)
    assert through_proxy("unknown") == 429


def test_a_client_without_an_address_has_one_row_of_failures(dora):
    """With NULL each failure would be a new row: in a unique index two NULLs are not equal."""
    request = RequestFactory().get("/", REMOTE_ADDR="")
    assert lockout.counted_address(request) == "::"


# --- doctor ---


def clients() -> list[tuple[Level, str]]:
    return list(clients_have_addresses_of_their_own())


def test_doctor_says_when_all_clients_come_from_one_address(dora, alice_user):
    by_token(address="10.0.0.1")
    assert clients()[0][0] is Level.OK  # one user at home
    by_token("somebody", "wrong", "10.0.0.1")
    [(level, message)] = clients()
    assert level is Level.WARN
    assert "10.0.0.1" in message and "TRUSTED_PROXIES" in message
    by_token(address=HOME)
    assert clients()[0][0] is Level.OK


def test_doctor_says_when_a_proxy_does_not_say_who_its_clients_are(proxy, dora):
    through_proxy("unknown")
    [(level, message)] = clients()
    assert level is Level.WARN
    assert "X-Forwarded-For" in message
