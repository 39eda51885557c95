"""Logging in, rightly and wrongly, from any address."""

from __future__ import annotations

from datetime import UTC, datetime

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from strata.accounts import lockout
from strata.accounts.models import LoginCount

API = "/api/v1"
PASSWORD = "correct horse battery"
HOME, ELSEWHERE = "203.0.113.1", "203.0.113.2"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMIT = 100


def by_token(username="dora", password=PASSWORD, address=ELSEWHERE):
    body = {"username": username, "password": password}
    return APIClient(REMOTE_ADDR=address).post(f"{API}/auth/token", body)


def by_admin(username="dora", password=PASSWORD, address=ELSEWHERE, client=None):
    browser = client or Client(REMOTE_ADDR=address)
    return browser.post("/admin/login/", {"username": username, "password": password, "next": "/admin/"})


def addresses(number: int, start: int = 0) -> list[str]:
    return [
        f"198.51.{address_number // 250}.{address_number % 250 + 1}"
        for address_number in range(start, start + number)
    ]


def fail_by_requests(number: int, username="dora", start: int = 0) -> list[int]:
    """From as many addresses, so that none of them is locked."""
    return [by_token(username, "wrong", address).status_code for address in addresses(number, start)]


def fail(number: int, username="dora") -> None:
    """The same as fail_by_requests, but faster: only the last failure is a request."""
    if number:
        now = timezone.now()
        before, _ = LoginCount.objects.get_or_create(
            name_key=lockout.counted_key(username), address="", defaults={"last_attempt_at": now}
        )
        before.attempts, before.failures = before.attempts + number - 1, before.failures + number - 1
        before.last_attempt_at = now
        before.save()
        by_token(username, "wrong", addresses(1, 999)[0])


def outcome(answer):
    return answer.status_code, answer.json() | {"request_id": ""}, answer.headers.get("Retry-After")


def assert_locked(answer, seconds: int):
    assert (answer.status_code, answer.json()["code"]) == (429, "LOCKED_OUT")
    assert int(answer["Retry-After"]) == seconds
