"""The lock-out of an account: a hundred failures in a row, and then a pause that grows, but not for its owner."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from strata.accounts.lockout import OF_ACCOUNT, OF_KNOWN_ADDRESS, Pauses, begin
from strata.accounts.models import LoginCount
from strata.accounts.services import issue_token
from strata.tests.logins import (
    API,
    ELSEWHERE,
    HOME,
    LIMIT,
    PASSWORD,
    addresses,
    assert_locked,
    by_admin,
    by_token,
    fail,
    fail_by_requests,
    outcome,
)

# --- strangers ---


def test_after_a_hundred_failures_from_anywhere_an_account_has_a_pause(dora, clock, hashes):
    assert fail_by_requests(LIMIT - 1) == [401] * (LIMIT - 1)
    assert_locked(by_token(password="wrong"), 60)
    hashes.clear()
    assert_locked(by_token(), 60)
    assert hashes == []
    assert by_admin().status_code == 429
    clock.shift(59)
    assert_locked(by_token(), 1)
    clock.shift(1)
    assert by_token().status_code == 201


def test_a_pause_is_twice_as_long_after_each_further_failure_up_to_an_hour(dora, clock):
    fail(LIMIT)
    waits = []
    for address in addresses(9, LIMIT):
        clock.shift(int(by_token()["Retry-After"]))
        waits.append(int(by_token(password="wrong", address=address)["Retry-After"]))
    assert waits == [120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]


def test_waiting_is_not_made_longer_by_trying(dora, clock):
    fail(LIMIT)
    clock.shift(30)
    for address in addresses(5, LIMIT):
        assert_locked(by_token(password="wrong", address=address), 30)
        assert by_admin(password="wrong", address=address).status_code == 429
    count = LoginCount.objects.get(address="")
    assert (count.attempts, count.failures) == (LIMIT, LIMIT)


def test_failures_that_are_not_in_a_row_need_no_pause(dora, clock):
    fail(LIMIT - 1)
    assert by_token().status_code == 201
    fail(LIMIT - 1)
    assert by_token(address=HOME).status_code == 201


def test_failures_are_forgotten_when_nobody_has_tried_for_a_month(dora, clock):
    for username in ("dora", "unknown"):
        fail(LIMIT - 1, username)
    clock.shift(timedelta(days=30, seconds=1))
    assert [by_token(username, "wrong").status_code for username in ("dora", "unknown")] == [401, 401]
    assert [by_token(username, "wrong").status_code for username in ("dora", "unknown")] == [401, 401]


def test_a_clock_that_is_put_back_locks_nobody_out(dora, clock):
    fail(LIMIT)
    clock.shift(timedelta(days=-1))
    assert by_token().status_code == 201


@pytest.mark.parametrize("names", [("dora", "DORA", "Dora "), ("unknown", "UNKNOWN", "unknown\u200b")])
def test_no_way_of_writing_a_name_has_a_count_of_its_own(names, dora, clock):
    fail(LIMIT - 3, names[0])
    for name, address in zip(names, addresses(3), strict=True):
        by_token(name, "wrong", address)
    for name in names:
        assert_locked(by_token(name), 60)


def test_a_name_that_no_user_has_is_locked_in_the_same_way(dora, clock):
    for username in ("dora", "unknown"):
        fail(LIMIT, username)
    for _ in range(8):
        answers = [outcome(by_token(username, "wrong")) for username in ("dora", "unknown")]
        assert answers[0] == answers[1]
        clock.shift(int(answers[0][2]))


@pytest.mark.parametrize("failures", [0, LIMIT - 1, LIMIT])
@pytest.mark.parametrize("way_in", [by_token, by_admin])
def test_a_name_that_no_user_has_costs_the_same_work(failures, way_in, dora, clock, hashes):
    asked, spent = [], []
    for username in ("dora", "unknown"):
        fail(failures, username)
        hashes.clear()
        with CaptureQueriesContext(connection) as queries:
            way_in(username, "wrong")
        asked.append([re.sub(r"'[^']*'|[0-9]+", "", query["sql"]) for query in queries])
        spent.append(len(hashes))
    assert asked[0] == asked[1]
    assert spent == [failures < LIMIT] * 2


def test_counts_of_names_that_no_user_has_are_not_kept_for_ever(dora, clock):
    fail(1, "unknown")
    fail(1, "dora")
    clock.shift(timedelta(days=31))
    fail(1, "another")
    assert set(LoginCount.objects.values_list("name_key", flat=True)) == {"another", "dora"}


# --- the owner ---


def test_the_right_password_works_where_its_owner_has_logged_in_before(dora, clock):
    assert by_token(address=HOME).status_code == 201
    fail(LIMIT)
    assert_locked(by_token(address=ELSEWHERE), 60)
    assert by_token(address=HOME).status_code == 201
    assert by_admin(address=HOME).status_code == 302
    assert_locked(by_token(address=ELSEWHERE), 60)  # for strangers the pause stays


def test_an_address_is_known_for_the_account_that_logged_in_there_alone(dora, clock):
    get_user_model().objects.create_user("mallory", password=PASSWORD)
    assert by_token("mallory", address=ELSEWHERE).status_code == 201
    fail(LIMIT)
    assert_locked(by_token(address=ELSEWHERE), 60)


def test_the_admins_login_makes_an_address_known_too(dora, clock):
    assert by_admin(address=HOME).status_code == 302
    fail(LIMIT)
    assert by_token(address=HOME).status_code == 201


@pytest.mark.parametrize("names", [["dora"], [f"user{number}" for number in range(30)]])
def test_a_neighbour_behind_the_same_address_does_not_lock_the_owner_out(names, dora, clock):
    """Neither by failures with the owner's name nor by failures with other names, which lock the address."""
    assert by_token(address=HOME).status_code == 201
    for number in range(LIMIT + 20):
        answer = by_token(names[number % len(names)], "wrong", HOME)
    assert answer.status_code == 429
    assert by_token(address=HOME).status_code == 201
    assert by_admin(address=HOME).status_code == 302
    assert by_token("unknown", address=HOME).status_code == 429


def test_a_wrong_password_from_a_known_address_is_answered_as_if_it_was_not(dora, clock):
    by_token(address=HOME)
    for _ in range(15):
        by_token("unknown", "wrong", HOME)
    assert outcome(by_token("dora", "wrong", HOME)) == outcome(by_token("unknown", "wrong", HOME))
    fail(LIMIT)
    fail(LIMIT, "unknown")
    assert (
        outcome(by_token("dora", "wrong", HOME))[0] == outcome(by_token("unknown", "wrong", HOME))[0] == 429
    )


def test_trying_at_a_locked_address_does_not_make_its_others_wait_longer(dora, clock):
    by_token(address=HOME)
    for _ in range(10):
        by_token("dora", "wrong", HOME)
    assert by_token("unknown", "wrong", HOME).status_code == 429
    clock.shift(timedelta(minutes=14))
    by_token("dora", "wrong", HOME)
    clock.shift(timedelta(minutes=1, seconds=1))
    assert by_token("unknown", "wrong", HOME).status_code == 401


def test_guesses_from_a_known_address_have_an_end_too(dora, clock):
    by_token(address=HOME)
    own = LoginCount.objects.filter(address=HOME)
    own.update(attempts=OF_KNOWN_ADDRESS.limit - 1)
    by_token(password="wrong", address=HOME)
    assert_locked(by_token(address=HOME), 10)
    clock.shift(10)
    assert by_token(address=HOME).status_code == 201
    assert own.get().attempts == 0


# --- wrong old passwords ---


def changes_password(old, address, browser=None):
    browser = browser or Client(REMOTE_ADDR=address)
    form = {
        "old_password": old,
        "new_password1": "staple of a new kind",
        "new_password2": "staple of a new kind",
    }
    return browser.post("/admin/password_change/", form, REMOTE_ADDR=address)


def test_wrong_old_passwords_at_the_admin_count(dora, clock, hashes):
    browser = Client()
    browser.force_login(dora)
    fail(LIMIT - 3)
    for address in addresses(2):
        refused = changes_password("wrong", address, browser)
        assert "old password was entered incorrectly" in refused.content.decode()
    assert changes_password("wrong", ELSEWHERE, browser).status_code == 429
    hashes.clear()
    assert changes_password(PASSWORD, ELSEWHERE, browser).status_code == 429
    assert hashes == []
    assert_locked(by_token(), 60)


def test_wrong_old_passwords_at_the_admin_lock_the_address(dora, clock):
    browser = Client()
    browser.force_login(dora)
    codes = [changes_password("wrong", ELSEWHERE, browser).status_code for _ in range(10)]
    assert codes == [200] * 9 + [429]
    assert by_token().status_code == 429


def test_the_admin_changes_a_password_as_before(dora, clock):
    by_token(address=HOME)
    browser = Client(REMOTE_ADDR=HOME)
    by_admin(client=browser)
    _, secret = issue_token(dora)
    assert "Old password" in browser.get("/admin/password_change/").content.decode()
    changed = changes_password(PASSWORD, HOME, browser)
    assert (changed.status_code, changed["Location"]) == (302, "/admin/password_change/done/")
    assert browser.get(changed["Location"]).status_code == 200
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").get(f"{API}/me").status_code == 401
    assert by_token(password="staple of a new kind").status_code == 201


def test_wrong_current_passwords_at_the_api_count(dora, clock):
    _, secret = issue_token(dora)
    body = {"current_password": "wrong", "new_password": "staple of a new kind"}
    fail(LIMIT - 3)
    for address in addresses(3):
        client = APIClient(REMOTE_ADDR=address, HTTP_AUTHORIZATION=f"Bearer {secret}")
        client.post(f"{API}/me/password", body)
    assert_locked(by_token(), 60)


def test_the_right_password_of_somebody_who_may_not_use_the_admin_is_no_failure(dora, clock):
    get_user_model().objects.create_user("emil", password=PASSWORD)
    fail(LIMIT - 2, "emil")
    for _ in range(5):
        assert by_admin("emil").status_code == 200
    assert by_token("emil").status_code == 201


# --- parallel requests ---


@pytest.mark.django_db(transaction=True)
def test_of_many_at_a_time_no_more_get_through_than_there_are_attempts_left(dora, hashes):
    """Each request checks the count before any of them has failed."""
    fail(LIMIT - 5)
    hashes.clear()
    together = threading.Barrier(12, timeout=30)

    def attempt(address):
        together.wait()
        try:
            return by_token(password="wrong", address=address).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(attempt, addresses(12, LIMIT)))
    assert sorted(codes) == [401] * 4 + [429] * 8
    assert len(hashes) == 5
    count = LoginCount.objects.get(address="")
    assert (count.attempts, count.failures) == (LIMIT, LIMIT)


@pytest.mark.django_db(transaction=True)
def test_of_many_after_a_pause_one_gets_through(dora):
    """Also with the clock of the request that began first."""
    fail(LIMIT)
    after = LoginCount.objects.get(address="").last_attempt_at + timedelta(minutes=2)
    together = threading.Barrier(8, timeout=30)

    def attempt(number):
        together.wait()
        try:
            now = after + timedelta(milliseconds=number)
            return begin("dora", addresses(1, number)[0], now, address_is_locked=False).is_refused
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [False] + [True] * 7


@pytest.mark.django_db(transaction=True)
def test_the_first_attempts_of_a_name_at_a_time_make_one_row(dora):
    together = threading.Barrier(8, timeout=30)

    def attempt(number):
        together.wait()
        try:
            return by_token("new", "wrong", addresses(1, number)[0]).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(attempt, range(8))) == {401}
    count = LoginCount.objects.get()
    assert (count.attempts, count.failures) == (8, 8)


@pytest.mark.django_db(transaction=True)
def test_logins_of_one_user_at_a_time_all_work(dora):
    together = threading.Barrier(6, timeout=30)

    def log_in(number):
        together.wait()
        try:
            return by_token(address=HOME).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(log_in, range(6))) == {201}
    assert LoginCount.objects.filter(address=HOME).count() == 1
    assert set(LoginCount.objects.values_list("attempts", "failures")) == {(0, 0)}


# --- the length of a pause ---


def test_pauses_are_bounded_however_many_attempts_there_were():
    assert [OF_ACCOUNT.after(number) for number in (0, 99, 100, 101)] == [
        timedelta(0),
        timedelta(0),
        timedelta(minutes=1),
        timedelta(minutes=2),
    ]
    assert OF_ACCOUNT.after(2**31 - 1) == timedelta(hours=1)
    assert Pauses(1, timedelta(seconds=1), timedelta(days=9)).after(2**31) == timedelta(seconds=2**16)
