"""The time of the last use of a token is written once an hour, after the answer, and no request fails because of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from strata.accounts.models import NOTED_EVERY, ApiToken, User
from strata.accounts.services import issue_token
from strata.audit.models import JournalEntry

API = "/api/v1"


@pytest.fixture
def token(alice_user) -> ApiToken:
    token, secret = issue_token(alice_user)
    token.client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return token


def used(token):
    return ApiToken.objects.get(pk=token.pk).last_used_at


def set_used(token, ago: timedelta):
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now() - ago)
    return used(token)


def writes(client, path="me") -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(f"{API}/{path}").status_code == 200
    return [
        query["sql"] for query in seen if query["sql"].startswith(("UPDATE", "INSERT", "SAVEPOINT", "BEGIN"))
    ]


def test_the_list_says_when_each_was_used_and_null_for_one_that_was_not(token, alice_user):
    unused, _ = issue_token(alice_user)
    before = timezone.now()
    token.client.get(f"{API}/tags")
    listed = token.client.get(f"{API}/auth/tokens").json()["results"]
    assert {row["id"]: row["last_used_at"] is None for row in listed} == {
        str(unused.pk): True,
        str(token.pk): False,
    }
    assert before <= used(token) <= timezone.now()


def test_within_the_hour_it_costs_no_write(token):
    assert [write.split()[0] for write in writes(token.client) if write.startswith("UPDATE")] == ["UPDATE"]
    first = used(token)
    assert writes(token.client) == []
    assert used(token) == first


def test_after_an_hour_it_is_noted_again(token):
    old = set_used(token, NOTED_EVERY)
    token.client.get(f"{API}/me")
    assert used(token) - old >= NOTED_EVERY


def test_of_two_that_found_it_due_one_writes(token):
    ApiToken.objects.get(pk=token.pk).note_use()
    with CaptureQueriesContext(connection) as seen:
        token.note_use()
    assert not [query for query in seen if query["sql"].startswith("UPDATE")]


def test_it_is_no_change_of_the_token(token):
    before = JournalEntry.objects.count()
    token.client.get(f"{API}/me")
    assert JournalEntry.objects.count() == before


def test_what_is_refused_is_no_use(token):
    assert APIClient(HTTP_AUTHORIZATION="Bearer strata_none").get(f"{API}/me").status_code == 401
    User.objects.filter(pk=token.user_id).update(is_active=False)
    assert token.client.get(f"{API}/me").status_code == 401
    assert used(token) is None


def test_a_token_that_its_request_revokes_is_gone(token):
    assert token.client.delete(f"{API}/auth/tokens/{token.pk}").status_code == 204
    assert not ApiToken.objects.exists()


def test_a_database_that_cannot_be_written_fails_no_request(token):
    def read_only(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            raise OperationalError("attempt to write a readonly database")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(read_only):
        assert token.client.get(f"{API}/me").status_code == 200
    assert used(token) is None
    token.client.get(f"{API}/me")
    assert used(token) is not None


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_nobody_who_writes(token):
    """The busy timeout of the connection is restored for other writes."""
    waits = []

    def watch(execute, sql, params, many, context):
        if "strata_apitoken" in sql and sql.startswith(("SELECT", "UPDATE")):
            waits.append(busy_timeout() if connection.vendor == "sqlite" else "SKIP LOCKED" in sql)
        return execute(sql, params, many, context)

    def busy_timeout():
        return connection.connection.execute("PRAGMA busy_timeout").fetchone()[0]

    with connection.execute_wrapper(watch):
        token.note_use()
    if connection.vendor == "sqlite":
        assert waits == [0, 0]
        assert busy_timeout() == connection.settings_dict["OPTIONS"]["timeout"] * 1000
    else:
        assert waits == [True, False]
    assert used(token) is not None


def test_the_admin_shows_it(token, alice_user):
    User.objects.filter(pk=alice_user.pk).update(is_staff=True)
    browser = Client()
    browser.force_login(alice_user)
    token.client.get(f"{API}/me")
    assert "Last used" in browser.get("/admin/strata/apitoken/").content.decode()
    assert "Last used" in browser.get(f"/admin/strata/apitoken/{token.pk}/change/").content.decode()
