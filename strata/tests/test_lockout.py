"""Lock-out: after too many failures the API and the admin refuse a login before a password hash is computed."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from strata.accounts.models import ApiToken
from strata.accounts.services import issue_token

API = "/api/v1"
PASSWORD = "correct horse battery"
HERE, THERE = "203.0.113.1", "203.0.113.2"
LIMIT = 3


@pytest.fixture(autouse=True)
def _limit(settings):
    settings.AXES_FAILURE_LIMIT = LIMIT


@pytest.fixture
def dora(household):
    return get_user_model().objects.create_user("dora", password=PASSWORD, is_staff=True)


def by_token(username="dora", password=PASSWORD, address=HERE, **headers):
    body = {"username": username, "password": password}
    return APIClient(REMOTE_ADDR=address).post(f"{API}/auth/token", body, headers=headers)


def by_admin(username="dora", password=PASSWORD, address=HERE):
    client = Client(REMOTE_ADDR=address)
    return client.post("/admin/login/", {"username": username, "password": password, "next": "/admin/"})


def by_password_change(user, password=PASSWORD, address=HERE):
    _, secret = issue_token(user)
    client = APIClient(REMOTE_ADDR=address, HTTP_AUTHORIZATION=f"Bearer {secret}")
    body = {"current_password": password, "new_password": "quite another one"}
    return client.post(f"{API}/me/password", body)


def assert_locked(answer):
    assert (answer.status_code, answer.json()["code"]) == (429, "LOCKED_OUT")
    assert 0 < int(answer["Retry-After"]) <= 900


def outcome(answer):
    return answer.status_code, answer.json() | {"request_id": ""}, answer.headers.get("WWW-Authenticate")


def test_unknown_known_and_disabled_users_get_one_answer_for_one_hash(dora, hashes, settings):
    settings.AXES_FAILURE_LIMIT = 10
    get_user_model().objects.create_user("idle", password=PASSWORD, is_active=False)
    hashes.clear()
    answers = []
    for username, password in (
        ("dora", "wrong"),
        ("unknown", "wrong"),
        ("idle", "wrong"),
        ("idle", PASSWORD),
    ):
        answers.append(outcome(by_token(username, password)))
        assert len(hashes) == 1, username
        hashes.clear()
    assert answers == [answers[0]] * 4
    assert (answers[0][0], answers[0][1]["code"], answers[0][2]) == (401, "BAD_CREDENTIALS", "Bearer")


@pytest.mark.parametrize("log_in", [by_token, by_admin])
def test_unknown_known_and_disabled_users_cost_the_same_queries_at_every_login(log_in, dora, settings):
    settings.AXES_FAILURE_LIMIT = 10
    get_user_model().objects.create_user("idle", password=PASSWORD, is_active=False, is_staff=True)
    asked = []
    for number, username in enumerate(("dora", "unknown", "idle")):
        with CaptureQueriesContext(connection) as queries:
            log_in(username, "wrong", f"203.0.113.{number + 10}")
        asked.append([re.sub(r"'[^']*'|[0-9]+", "", query["sql"])[:60] for query in queries])
    assert asked[0] == asked[1] == asked[2]


@pytest.mark.parametrize("log_in", [by_token, by_admin])
def test_every_login_spends_one_hash_whoever_is_named(log_in, dora, hashes, settings):
    settings.AXES_FAILURE_LIMIT = 10
    spent = []
    for username in ("dora", "unknown"):
        hashes.clear()
        log_in(username, "wrong")
        spent.append(len(hashes))
    assert spent == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_failures_are_counted_for_all_workers(dora):
    """They are in the database, not in a process: another connection sees them at once."""
    for _ in range(LIMIT - 1):
        by_token(password="wrong")
    seen = []

    def in_another_worker():
        seen.append(by_token(password="wrong").status_code)
        connection.close()

    worker = threading.Thread(target=in_another_worker)
    worker.start()
    worker.join()
    assert seen == [429]
    assert_locked(by_token())


def test_failure_that_locks_and_those_after_it_say_how_long_to_wait(dora):
    codes = [by_token(password="wrong").status_code for _ in range(LIMIT - 1)]
    assert codes == [401] * (LIMIT - 1)
    assert_locked(by_token(password="wrong"))
    assert_locked(by_token(password="wrong"))


def test_locked_out_is_refused_before_a_hash_is_spent_even_with_the_right_password(dora, hashes):
    for _ in range(LIMIT):
        by_token(password="wrong")
    hashes.clear()
    assert_locked(by_token())
    assert hashes == []
    assert not ApiToken.objects.exists()


def test_locked_out_looks_the_same_for_known_and_unknown_users(dora):
    for _ in range(LIMIT):
        by_token("unknown", "wrong", THERE)
        by_token("dora", "wrong")
    assert outcome(by_token("unknown", "wrong", THERE)) == outcome(by_token("dora", "wrong"))


def test_the_user_is_not_locked_out_elsewhere(dora):
    for _ in range(LIMIT):
        by_token(password="wrong")
    assert by_token(address=THERE).status_code == 201


def test_many_names_from_one_address_lock_the_address(dora):
    for number in range(LIMIT):
        by_token(f"user{number}", "wrong")
    assert_locked(by_token())
    assert by_token(address=THERE).status_code == 201


def test_another_address_of_the_same_network_is_no_way_round(dora):
    """Whoever has one IPv6 address has 2**64 of them."""
    for number in range(LIMIT):
        by_token(password="wrong", address=f"2001:db8:0:1::{number}")
    assert_locked(by_token(address="2001:db8:0:1:aaaa:bbbb:cccc:dddd"))
    assert by_admin(address="2001:db8:0:1::9").status_code == 429
    assert by_token(address="2001:db8:0:2::1").status_code == 201


def test_another_browser_or_another_case_is_no_way_round(dora):
    for number, name in enumerate(("dora", "Dora", "DORA")):
        by_token(name, "wrong", **{"User-Agent": f"browser {number}"})
    assert_locked(by_token(**{"User-Agent": "a new one"}))


def test_a_success_clears_no_failures_of_others(dora):
    get_user_model().objects.create_user("mallory", password=PASSWORD, is_staff=True)
    for _ in range(LIMIT - 1):
        by_token(password="wrong")
        assert by_token("mallory").status_code == 201
        assert by_admin("mallory").status_code == 302
    assert_locked(by_token(password="wrong"))


def test_guesses_at_the_current_password_count(dora, hashes):
    """They are refused inside a write, whose transaction must not roll back the count."""
    codes = [by_password_change(dora, "wrong").status_code for _ in range(LIMIT - 1)]
    assert codes == [401] * (LIMIT - 1)
    assert_locked(by_password_change(dora, "wrong"))
    hashes.clear()
    assert_locked(by_password_change(dora))
    assert hashes == []
    assert_locked(by_token())


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_current_password_stay_counted_with_a_key(dora):
    _, secret = issue_token(dora)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}", HTTP_IDEMPOTENCY_KEY="k1", REMOTE_ADDR=HERE)
    body = {"current_password": "wrong", "new_password": "quite another one"}
    for _ in range(LIMIT):
        client.post(f"{API}/me/password", body)
    assert AccessAttempt.objects.get().failures_since_start == LIMIT


def test_the_admin_locks_too_and_spends_no_hash(dora, hashes):
    for _ in range(LIMIT):
        by_admin(password="wrong")
    hashes.clear()
    locked = by_admin()
    assert (locked.status_code, hashes) == (429, [])
    assert 0 < int(locked["Retry-After"]) <= 900
    assert "sessionid" not in locked.cookies
    assert by_admin(address=THERE).status_code == 302


def test_the_channels_count_together(dora):
    by_admin(password="wrong")
    by_password_change(dora, "wrong")
    by_token(password="wrong")
    assert_locked(by_token())
    assert by_admin().status_code == 429


def test_lock_ends_after_a_while(dora):
    for _ in range(LIMIT):
        by_token(password="wrong")
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=16))
    assert by_token().status_code == 201


def test_waiting_is_not_made_longer_by_trying(dora):
    for _ in range(LIMIT):
        by_token(password="wrong")
    first = AccessAttempt.objects.get().attempt_time
    by_token(password="wrong")
    assert AccessAttempt.objects.get().attempt_time == first


def test_what_was_tried_is_not_written_down(dora):
    by_token(password="almost-the-right-one")
    by_admin(password="almost-the-right-one")
    rows = list(AccessAttempt.objects.values())
    assert rows and "almost-the-right-one" not in str(rows)


@pytest.mark.parametrize("log_in", [by_token, by_admin])
@pytest.mark.parametrize("length", [151, 256, 5000])
def test_a_name_longer_than_any_user_has_is_refused_before_a_hash(log_in, length, dora, hashes):
    hashes.clear()
    answer = log_in("x" * length, PASSWORD)
    assert answer.status_code in (200, 400)
    assert hashes == []


def test_a_name_that_grows_when_it_is_normalised_is_refused_too(dora, hashes):
    assert by_admin("\ufdfa" * 150, "wrong").status_code == 200  # NFKC makes 18 characters of each
    assert hashes == []


def test_a_name_longer_than_any_user_has_counts_as_a_failure(dora):
    for _ in range(LIMIT - 1):
        assert by_admin("x" * 256, "wrong").status_code == 200
    assert by_admin("x" * 256, "wrong").status_code == 429
    assert_longest_fits(AccessAttempt)
    assert by_admin().status_code == 429, "the address is counted, whoever it names"


def assert_longest_fits(model):
    """SQLite stores texts that are longer than the column; PostgreSQL does not."""
    for row in model.objects.all():
        for field in model._meta.concrete_fields:
            value = getattr(row, field.attname)
            assert not (field.max_length and isinstance(value, str) and len(value) > field.max_length), field
