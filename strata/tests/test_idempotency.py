"""Idempotency-Key: what is stored, for whom, bound to what, and a parallel second request. See tests/test_writes.py."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from time import monotonic

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIClient

from assets.models import Tag
from conftest import client_of
from portfolios.models import Household, Membership
from strata.accounts.services import issue_token
from strata.api.http import idempotency
from strata.api.viewsets import HouseholdViewSet
from strata.audit.models import IdempotentAnswer
from strata.db.backends.postgresql.timeouts import LOCK_SECONDS
from strata.db.named_locks import NamedLocks
from strata.tenancy.roles import VIEWER

API = "/api/v1"


def make(client, name="x", key="k1", path="tags", **given):
    return client.post(f"{API}/{path}", {"name": name, **given}, HTTP_IDEMPOTENCY_KEY=key)


def outcome(answer):
    """The parts of an answer that a repetition must equal: status, bytes, and the headers about the new row."""
    headers = {name: answer.headers.get(name) for name in ("Content-Type", "ETag", "Location", "Allow")}
    return answer.status_code, answer.content, headers


# --- the key ---


@pytest.mark.parametrize("key", ["", "x" * 256, "schl\xfcssel", "tab\there", "line\nbreak", "nul\x00"])
def test_odd_keys_are_refused_and_write_nothing(alice, key):
    refused = make(alice, key=key)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert not Tag.objects.exists()


@pytest.mark.parametrize("key", ["0", "x" * 255, "a key, with spaces & signs ~"])
def test_printable_keys_are_taken(alice, key):
    assert outcome(make(alice, key=key)) == outcome(make(alice, key=key))
    assert Tag.objects.count() == 1


def test_without_a_key_each_request_stands_alone(alice):
    assert [alice.post(f"{API}/tags", {"name": "x"}).status_code for _ in range(2)] == [201, 409]
    assert not IdempotentAnswer.objects.exists()


def test_key_on_what_is_no_post_is_nothing(alice):
    created = make(alice).json()["id"]
    for name in ("y", "z"):
        answer = alice.patch(f"{API}/tags/{created}", {"name": name}, HTTP_IDEMPOTENCY_KEY="k1")
        assert (answer.status_code, answer.json()["name"]) == (200, name)


# --- bound to its request ---


@pytest.mark.parametrize(
    ("path", "given"),
    [("categories", {}), ("tags", {"household_id": None}), ("tags?x=1", {})],
)
def test_key_of_another_request_is_misuse(alice, path, given):
    make(alice)
    refused = make(alice, path=path, **given)
    assert (refused.status_code, refused.json()["code"]) in [
        (422, "IDEMPOTENCY_MISUSE"),
        (400, "VALIDATION_ERROR"),  # a parameter that does not exist is refused before
    ]
    assert Tag.objects.count() == 1


def test_either_spelling_of_the_path_is_the_same_request(alice):
    assert outcome(make(alice)) == outcome(make(alice, path="tags/"))
    assert Tag.objects.count() == 1


def test_repetition_is_the_same_to_the_byte_whatever_is_asked_for_now(alice):
    first = alice.post(
        f"{API}/tags", {"name": "x"}, HTTP_IDEMPOTENCY_KEY="k1", HTTP_ACCEPT="application/json; indent=4"
    )
    assert b"\n    " in first.content
    again = make(alice)
    assert outcome(again) == outcome(first)
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first


def test_repetition_is_the_same_after_the_row_has_changed_or_gone(alice):
    first = make(alice)
    alice.delete(f"{API}/tags/{first.json()['id']}")
    assert outcome(make(alice)) == outcome(first)
    assert not Tag.objects.exists()


def test_answer_without_a_body_has_no_content_type():
    stored = IdempotentAnswer(status=204, headers={}, body=b"", created_at=timezone.now())
    answer = idempotency.replay(stored)
    assert (answer.status_code, answer.content, answer.headers.get("Content-Type")) == (204, b"", None)


# --- only success is stored ---


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("tags", {"name": ""}, 400),
        ("tags", {"name": "taken"}, 409),
        ("assets/01890a5d-ac96-774b-bcce-b302099a8057/snapshots", {"value": "1"}, 404),
        ("asset-types/01890a5d-ac96-774b-bcce-b302099a8057", {}, 405),
    ],
)
def test_refusals_leave_the_key_free(alice, path, body, status):
    alice.post(f"{API}/tags", {"name": "taken"})
    assert alice.post(f"{API}/{path}", body, HTTP_IDEMPOTENCY_KEY="k1").status_code == status
    assert not IdempotentAnswer.objects.exists()
    assert make(alice).status_code == 201


REFUSED = {"code": "CONFLICT", "message": "", "status": 409, "errors": [], "request_id": ""}


def test_refusal_that_is_answered_and_not_raised_leaves_the_key_free(alice, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(HouseholdViewSet, "respond_with", lambda *args: Response(REFUSED, status=409))
        assert make(alice).status_code == 409
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_write_that_breaks_down_leaves_neither_row_nor_key(alice_user, monkeypatch):
    client = client_of(alice_user)
    client.raise_request_exception = False

    def break_down(*args):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "rendered", break_down)
        assert make(client).status_code == 500
    assert not Tag.objects.exists() and not IdempotentAnswer.objects.exists()
    assert make(client).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_answer_that_was_lost_after_the_commit_is_given_again(alice_user, monkeypatch):
    """Like a kill between the two: the write is stored, but the client got no answer."""
    client = client_of(alice_user)
    client.raise_request_exception = False

    def die(*args, **kwargs):
        raise SystemError

    with monkeypatch.context() as patch:
        patch.setattr(HouseholdViewSet, "finalize_response", die)
        assert make(client).status_code == 500
    created = Tag.objects.get()
    again = make(client)
    assert (again.status_code, again.json()["id"]) == (201, str(created.pk))
    assert again["Idempotency-Replayed"] == "true"


# --- for whom ---


def test_each_is_given_their_own_answer_again_whoever_had_the_key_first(alice, charlie):
    people = {"alice": alice, "charlie": charlie}
    firsts = {name: make(client) for name, client in people.items()}
    assert firsts["alice"].json()["household_id"] != firsts["charlie"].json()["household_id"]
    for name, client in people.items():
        again = make(client)
        assert (outcome(again), again["Idempotency-Replayed"]) == (outcome(firsts[name]), "true"), name
    assert Tag.objects.count() == 2


def test_who_lost_the_right_gets_no_answer_and_writes_nothing(alice, alice_user):
    """Without the check the first answer would be sent; without the refusal a second household would be created."""
    first = make(alice, path="households")
    alice_user.memberships.filter(household=first.json()["id"]).delete()
    before = Household.objects.count()
    refused = make(alice, path="households")
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert Household.objects.count() == before


def test_editor_who_may_only_look_now_is_refused(bob, bob_user, household):
    assert make(bob, household_id=str(household.pk)).status_code == 201
    Membership.objects.filter(user=bob_user).update(role=VIEWER)
    assert make(bob, household_id=str(household.pk)).status_code == 403
    assert Tag.objects.count() == 1


def test_right_that_comes_back_brings_the_answer_back(bob, bob_user, household):
    first = make(bob, household_id=str(household.pk))
    membership = Membership.objects.get(user=bob_user)
    Membership.objects.filter(user=bob_user).update(role=VIEWER)
    make(bob, household_id=str(household.pk))
    membership.save()
    assert outcome(make(bob, household_id=str(household.pk))) == outcome(first)


def test_read_token_gets_no_replay(alice_user):
    def holder(scope):
        return APIClient(HTTP_AUTHORIZATION=f"Bearer {issue_token(alice_user, scope=scope)[1]}")

    assert make(holder("write")).status_code == 201
    assert make(holder("read")).json()["code"] == "READ_ONLY_TOKEN"


def test_nobody_gets_no_replay(alice):
    make(alice)
    assert make(APIClient()).status_code == 401


# --- while the first request is running ---


@pytest.mark.django_db(transaction=True)
def test_second_waits_for_the_first_and_gets_its_answer(alice_user, monkeypatch):
    working, go_on = Event(), Event()
    answers = {}
    rendered = idempotency.rendered

    def slowly(*args):
        working.set()
        assert go_on.wait(10)
        return rendered(*args)

    def send(name):
        answers[name] = make(client_of(alice_user))
        connections.close_all()

    monkeypatch.setattr(idempotency, "rendered", slowly)
    first, second = (Thread(target=send, args=(name,)) for name in ("first", "second"))
    first.start()
    assert working.wait(10)
    second.start()
    second.join(0.3)
    assert second.is_alive() and not answers
    go_on.set()
    first.join(10)
    second.join(10)
    assert outcome(answers["second"]) == outcome(answers["first"])
    assert answers["second"]["Idempotency-Replayed"] == "true"
    assert Tag.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_second_waits_for_the_first_and_writes_where_that_was_refused(alice_user, monkeypatch):
    working, go_on = Event(), Event()
    answers = {}
    rendered = idempotency.rendered

    def fail_once(*args):
        if not working.is_set():
            working.set()
            assert go_on.wait(10)
            raise idempotency.still_running()
        return rendered(*args)

    def send(name):
        answers[name] = make(client_of(alice_user)).status_code
        connections.close_all()

    monkeypatch.setattr(idempotency, "rendered", fail_once)
    first, second = (Thread(target=send, args=(name,)) for name in ("first", "second"))
    first.start()
    assert working.wait(10)
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert answers == {"first": 409, "second": 201}
    assert Tag.objects.count() == 1


def assert_in_progress(answer):
    assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
    assert answer["Retry-After"] == "1"


class Foreign(Exception):
    """An error of psycopg with a message in another language."""

    sqlstate = "55P03"


def test_waiting_in_vain_is_in_progress_whatever_language_the_server_speaks(alice, monkeypatch):
    def wait_in_vain(**given):
        raise OperationalError(
            "Anweisung wird abgebrochen wegen Zeitüberschreitung der Sperre"
        ) from Foreign()

    monkeypatch.setattr(IdempotentAnswer.objects, "create", wait_in_vain)
    assert_in_progress(make(alice))


def test_database_that_is_down_is_no_request_in_progress(alice, monkeypatch):
    def fail(**given):
        raise OperationalError("could not connect, after a lock timeout")

    monkeypatch.setattr(IdempotentAnswer.objects, "create", fail)
    assert make(alice).status_code == 503


def test_answer_that_is_forgotten_this_moment_asks_to_try_again(alice, monkeypatch):
    make(alice)
    monkeypatch.setattr(IdempotentAnswer.objects, "filter", lambda **given: IdempotentAnswer.objects.none())
    assert_in_progress(make(alice))


@contextmanager
def a_first_at_work(user, monkeypatch):
    """In the block a request with the key k1 has written but not yet committed."""
    working, go_on = Event(), Event()
    rendered = idempotency.rendered

    def slowly(*args):
        working.set()
        assert go_on.wait(20)
        return rendered(*args)

    def send():
        make(client_of(user))
        connections.close_all()

    first = Thread(target=send)
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "rendered", slowly)
        first.start()
        assert working.wait(10)
        try:
            yield
        finally:
            go_on.set()
            first.join(10)


@pytest.mark.django_db(transaction=True)
def test_first_that_takes_too_long_makes_the_second_a_conflict(alice_user, monkeypatch):
    monkeypatch.setattr(idempotency, "TIMEOUT_SECONDS", 0.1)
    with a_first_at_work(alice_user, monkeypatch):
        assert_in_progress(make(client_of(alice_user)))
    assert make(client_of(alice_user))["Idempotency-Replayed"] == "true"
    assert Tag.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_first_on_another_machine_makes_the_second_a_refusal(alice_user, monkeypatch, tmp_path):
    """On PostgreSQL it waits at the index. SQLite serves one machine: there it waits like any other writer."""
    with a_first_at_work(alice_user, monkeypatch):
        monkeypatch.setattr(idempotency, "named_locks", NamedLocks(tmp_path / "locks of the other machine"))
        monkeypatch.setattr(idempotency, "TIMEOUT_SECONDS", 0.1)
        if connection.vendor == "sqlite":
            connection.cursor().execute("PRAGMA busy_timeout = 100")
        started = monotonic()
        second = make(client_of(alice_user))
        assert monotonic() - started < LOCK_SECONDS / 2
    connection.close()
    assert second.status_code == (409 if connection.vendor == "postgresql" else 503)
    assert int(second["Retry-After"]) >= 1
    assert make(client_of(alice_user))["Idempotency-Replayed"] == "true"
    assert Tag.objects.count() == 1


@pytest.mark.on_postgresql
def test_the_patience_for_a_key_is_not_that_for_other_locks(alice_user):
    """Behind the claim the write waits for locks as long as any other write does."""

    def lock_timeout():
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return cursor.fetchone()[0]

    with transaction.atomic():
        before = lock_timeout()
        idempotency.claim_key(alice_user, "k1", "x")
        assert (before, lock_timeout()) == (f"{LOCK_SECONDS}s", f"{LOCK_SECONDS}s")


@pytest.mark.django_db(transaction=True)
def test_another_key_does_not_wait_for_its_turn(alice_user, monkeypatch):
    monkeypatch.setattr(idempotency, "TIMEOUT_SECONDS", 0)
    with idempotency.key_held(alice_user, "k1"):
        assert make(client_of(alice_user), key="k2").status_code == 201
        assert_in_progress(make(client_of(alice_user), key="k1"))


# --- how long ---


def aged(client, **hours: int) -> None:
    """Creates all rows first: each new answer deletes old ones."""
    for name in hours:
        make(client, name=name, key=name)
    for name, age in hours.items():
        written = timezone.now() - timedelta(hours=age)
        IdempotentAnswer.objects.filter(key=name).update(created_at=written)


def test_answers_are_kept_for_more_than_a_day_and_then_forgotten(alice):
    aged(alice, young=25, old=49)
    make(alice, name="new", key="new")
    assert set(IdempotentAnswer.objects.values_list("key", flat=True)) == {"young", "new"}
    assert make(alice, name="young", key="young")["Idempotency-Replayed"] == "true"


def test_what_has_piled_up_is_forgotten_in_small_parts_the_oldest_first(alice, monkeypatch):
    aged(alice, oldest=60, older=59, old=58, last=57)
    monkeypatch.setattr(idempotency, "FORGOTTEN_AT_ONCE", 2)
    make(alice, name="new", key="new")
    left = IdempotentAnswer.objects.order_by("created_at").values_list("key", flat=True)
    assert list(left) == ["old", "last", "new"]


def test_a_refused_request_forgets_nothing(alice):
    aged(alice, old=49)
    assert make(alice, name="", key="new").status_code == 400
    assert IdempotentAnswer.objects.get().key == "old"
