"""The general throttle: whom it counts, how long they wait, and that no request fails because of its errors."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from strata.accounts.services import issue_token
from strata.api.http import throttles
from strata.api.http.throttles import BUCKET, BUCKETS, Counts

API = "/api/v1"
HERE, THERE = "203.0.113.1", "203.0.113.2"
NOON = 1_800_000_000  # a whole hour


@pytest.fixture
def counts(tmp_path, monkeypatch):
    own = Counts(tmp_path / "data" / "throttle")
    monkeypatch.setattr(throttles, "counts", own)
    return own


@pytest.fixture
def clock(monkeypatch):
    """A clock that is stopped at `clock.now`."""
    held = SimpleNamespace(now=NOON + 20.5)
    monkeypatch.setattr(throttles, "time", SimpleNamespace(time=lambda: held.now, sleep=time.sleep))
    return held


@pytest.fixture
def two_a_minute(settings, counts, clock):
    settings.API_THROTTLE = "2/min"


@pytest.fixture
def dora(db):
    return get_user_model().objects.create_user("dora", password="correct horse battery")


def caller(user=None, address=HERE, scope="write") -> APIClient:
    if user is None:
        return APIClient(REMOTE_ADDR=address)
    return APIClient(REMOTE_ADDR=address, HTTP_AUTHORIZATION=f"Bearer {issue_token(user, scope=scope)[1]}")


def codes(client, times=3, path="me", method="get"):
    return [getattr(client, method)(f"{API}/{path}").status_code for _ in range(times)]


# --- whom ---


def test_one_too_many_gets_the_time_to_wait(two_a_minute, dora):
    client = caller(dora)
    assert codes(client) == [200, 200, 429]
    refused = client.get(f"{API}/me")
    assert (refused.json()["code"], refused["Retry-After"]) == ("THROTTLED", "40")


def test_next_minute_begins_again(two_a_minute, dora, clock):
    client = caller(dora)
    assert codes(client) == [200, 200, 429]
    clock.now = NOON + 59.9
    assert codes(client, 1) == [429]
    clock.now = NOON + 60
    assert codes(client) == [200, 200, 429]


def test_clock_that_steps_back_locks_nobody_out(two_a_minute, dora, clock):
    client = caller(dora)
    codes(client)
    clock.now -= 86_400
    assert codes(client) == [200, 200, 429]


def test_user_is_counted_wherever_they_are_and_with_whatever_token(two_a_minute, dora):
    assert codes(caller(dora, HERE), 2) == [200, 200]
    assert codes(caller(dora, THERE), 1) == [429]


@pytest.mark.parametrize(
    ("first", "other", "are_one"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:203.0.113.1", "203.0.113.1", True),
        ("::ffff:203.0.113.1", "::ffff:203.0.113.2", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("203.0.113.1", "203.0.113.2", False),
    ],
)
def test_network_of_64_bits_is_one_address(first, other, are_one, two_a_minute, db):
    """Whoever has one IPv6 address has 2**64 of them."""
    assert codes(caller(address=first), 2) == [401, 401]
    assert codes(caller(address=other), 1) == [429 if are_one else 401]


def test_request_without_an_address_is_counted_too(two_a_minute, db):
    assert codes(caller(address=""), 3) == [401, 401, 429]


def test_users_of_one_address_are_counted_apart(two_a_minute, dora):
    other = get_user_model().objects.create_user("emil")
    assert codes(caller(dora)) == codes(caller(other)) == [200, 200, 429]


def test_nobody_is_counted_by_address(two_a_minute, db):
    assert codes(caller()) == [401, 401, 429]
    assert codes(caller(address=THERE), 1) == [401]
    refused = caller().get(f"{API}/me")
    assert (refused.json()["code"], refused["Retry-After"]) == ("THROTTLED", "40")


def test_refused_tokens_are_counted_by_address(two_a_minute, db):
    client = APIClient(REMOTE_ADDR=HERE, HTTP_AUTHORIZATION="Bearer strata_" + "x" * 43)
    assert codes(client) == [401, 401, 429]
    assert codes(APIClient(REMOTE_ADDR=THERE, HTTP_AUTHORIZATION="Basic x")) == [401, 401, 429]


def test_strangers_use_up_nothing_of_a_users(two_a_minute, dora):
    codes(caller())
    assert codes(caller(dora), 2) == [200, 200]


def test_writes_with_a_read_token_are_counted(two_a_minute, dora):
    assert codes(caller(dora, scope="read"), path="tags", method="post") == [403, 403, 429]


def test_logins_are_counted_before_a_password_is_looked_at(two_a_minute, dora, monkeypatch):
    tried = []
    monkeypatch.setattr("strata.accounts.login.authenticate", lambda request, **given: tried.append(given))
    body = {"username": "dora", "password": "wrong"}
    answers = [caller().post(f"{API}/auth/token", body).status_code for _ in range(3)]
    assert (answers, len(tried)) == ([401, 401, 429], 2)


def test_off_counts_nothing(settings, counts, dora, tmp_path):
    settings.API_THROTTLE = "off"
    assert codes(caller(dora), 5) == [200] * 5
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("rate", "left"),
    [("1/s", "1"), ("1/second", "1"), ("1/min", "40"), ("1/m", "40"), ("1/hour", "3580"), ("1/day", "57580")],
)
def test_each_period_is_the_clocks(settings, counts, clock, dora, rate, left):
    settings.API_THROTTLE = rate
    client = caller(dora)
    assert codes(client, 2) == [200, 429]
    assert client.get(f"{API}/me")["Retry-After"] == left


# --- across threads and workers ---


@pytest.mark.on_sqlite
def test_threads_lose_no_count(counts):
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: counts.add("x", 1), range(800)))
    assert sorted(seen) == list(range(1, 801))


WORKER = """
import sys
from pathlib import Path
from strata.api.http.throttles import Counts
counts = Counts(Path(sys.argv[1]))
print([counts.add("x", 1) for _ in range(500)][-1])
"""


def worker(program, path):
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "strata.settings",
        "SECRET_KEY": throttles.settings.SECRET_KEY,
    }
    command = [sys.executable, "-c", program, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=env, cwd=throttles.settings.BASE_DIR, **pipes)


@pytest.mark.on_sqlite
def test_workers_share_one_count(counts, tmp_path):
    counts.add("x", 1)
    workers = [worker(WORKER, tmp_path / "data" / "throttle") for _ in range(3)]
    last = [int(worker.communicate(timeout=60)[0]) for worker in workers]
    assert max(last) == 1501
    assert counts.add("x", 1) == 1502


HOLDER = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.on_sqlite
def test_worker_that_stops_with_the_lock_in_hand_stops_no_other(counts, tmp_path):
    counts.add("x", 1)
    holder = worker(HOLDER, tmp_path / "data" / "throttle")
    assert holder.stdout.readline() == "held\n"
    started = time.monotonic()
    assert [counts.add("x", 1), counts.add("x", 1)] == [1, 2]  # counted by itself
    assert time.monotonic() - started < 2
    holder.communicate("", timeout=60)
    assert counts.add("x", 1) == 2  # shared with the others again


# --- problems with the file ---


def full(*args):
    raise OSError(errno.ENOSPC, "no space left")


def test_disk_that_is_full_from_the_start_refuses_nobody_and_still_counts(two_a_minute, dora, monkeypatch):
    monkeypatch.setattr(throttles.os, "pwrite", full)
    assert codes(caller(dora)) == [200, 200, 429]


@pytest.mark.on_sqlite
def test_disk_that_becomes_full_needs_no_space_for_counts(counts, tmp_path):
    counts.add("x", 1)
    stat = (tmp_path / "data" / "throttle").stat()
    assert stat.st_size == BUCKETS * BUCKET
    assert stat.st_blocks * 512 >= stat.st_size  # no hole that would be filled later
    for number in range(1000):
        counts.add(f"user {number}", 2)
    assert (tmp_path / "data" / "throttle").stat().st_size == stat.st_size


def test_folder_that_cannot_be_made_refuses_nobody_and_still_counts(
    two_a_minute, dora, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(throttles, "counts", Counts(tmp_path / "file" / "throttle"))
    assert codes(caller(dora)) == [200, 200, 429]


@pytest.mark.on_sqlite
def test_counting_in_one_process_begins_again_too(counts, monkeypatch):
    monkeypatch.setattr(throttles.os, "pwrite", full)
    assert [counts.add("x", 1), counts.add("x", 1), counts.add("x", 2)] == [1, 2, 1]
    assert len(counts._own) == 1


@pytest.mark.on_sqlite
def test_trouble_is_logged_once(counts, monkeypatch, caplog):
    monkeypatch.setattr(throttles.os, "pwrite", full)
    for _ in range(5):
        counts.add("x", 1)
    assert [record.levelname for record in caplog.records if record.name == "strata.throttles"] == ["WARNING"]


@pytest.mark.on_sqlite
def test_file_of_nonsense_or_none_at_all_is_written_over(counts, tmp_path):
    counts.add("x", 1)
    path = tmp_path / "data" / "throttle"
    path.write_bytes(os.urandom(BUCKETS * BUCKET))
    assert [counts.add("x", 1), counts.add("x", 1)] == [1, 2]
    os.truncate(path, 3)
    assert [counts.add("x", 1), counts.add("x", 1)] == [1, 2]


@pytest.mark.on_sqlite
def test_link_in_its_place_is_not_followed(tmp_path):
    other = tmp_path / "other"
    other.write_text("precious")
    (tmp_path / "throttle").symlink_to(other)
    assert Counts(tmp_path / "throttle").add("x", 1) == 1
    assert other.read_text() == "precious"


@pytest.mark.on_sqlite
def test_file_names_nobody_and_is_its_owners(counts, tmp_path):
    counts.add("address 203.0.113.1", 1)
    path = tmp_path / "data" / "throttle"
    assert b"203.0.113" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


# --- many at a time ---


@pytest.mark.on_sqlite
def test_more_names_than_slots_are_never_counted_too_low(counts, monkeypatch):
    monkeypatch.setattr(throttles, "BUCKETS", 1)
    names = [f"user {number}" for number in range(20)]
    for times in range(1, 6):
        seen = [counts.add(name, 1) for name in names]
        assert min(seen) >= times
    assert counts.add("somebody new", 2) == 1


@pytest.mark.on_sqlite
def test_names_have_counts_of_their_own(counts):
    names = [f"address {number}" for number in range(2000)]
    assert [counts.add(name, 1) for name in names] == [1] * 2000
    assert [counts.add(name, 1) for name in names] == [2] * 2000
