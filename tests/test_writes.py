"""Idempotency-Key, ETag, If-Match and the journal: a write happens once, loses no other and is recorded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from assets.models import AssetSnapshot, Tag
from conftest import client_of
from portfolios.models import Household, Portfolio
from strata.audit.models import JournalEntry
from tests.factories import create_asset

API = "/api/v1"


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Checking")


def test_same_key_and_body_write_once_and_repeat_the_response(alice):
    first, again = (alice.post(f"{API}/tags", {"name": "x"}, HTTP_IDEMPOTENCY_KEY="k1") for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert (again["ETag"], again["Location"]) == (first["ETag"], first["Location"])
    assert Tag.objects.count() == 1


def test_same_key_with_another_body_is_misuse(alice):
    alice.post(f"{API}/tags", {"name": "x"}, HTTP_IDEMPOTENCY_KEY="k1")
    other = alice.post(f"{API}/tags", {"name": "y"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISUSE")


def test_refused_write_leaves_the_key_free(alice):
    assert alice.post(f"{API}/tags", {"name": ""}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 400
    assert alice.post(f"{API}/tags", {"name": "x"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201


def test_idempotency_keys_belong_to_one_user(alice, bob):
    assert alice.post(f"{API}/households", {"name": "x"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201
    other = bob.post(f"{API}/households", {"name": "y"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert other.json()["name"] == "y"


def test_replay_is_refused_after_the_user_lost_access(bob, bob_user, asset):
    path = f"{API}/assets/{asset.pk}/snapshots"
    assert bob.post(path, {"value": "1"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201
    bob_user.memberships.all().delete()
    assert bob.post(path, {"value": "1"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_requests_with_one_key_write_one_row(alice_user, asset):
    path = f"{API}/assets/{asset.pk}/snapshots"

    def send(_):
        try:
            return client_of(alice_user).post(path, {"value": "1"}, HTTP_IDEMPOTENCY_KEY="k1").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(send, range(20)))
    assert set(codes) <= {201, 409} and 201 in codes
    assert AssetSnapshot.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_of_sixteen_concurrent_edits_with_one_etag_succeeds(alice_user, asset):
    path = f"{API}/assets/{asset.pk}"
    etag = client_of(alice_user).get(path)["ETag"]

    def edit(number):
        try:
            return (
                client_of(alice_user).patch(path, {"notes": f"edit {number}"}, HTTP_IF_MATCH=etag).status_code
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        codes = sorted(pool.map(edit, range(16)))
    assert codes == [200] + [412] * 15


def test_etag_is_confirmed_and_changes_with_the_row(alice, asset):
    path = f"{API}/assets/{asset.pk}"
    etag = alice.get(path)["ETag"]
    unchanged = alice.get(path, HTTP_IF_NONE_MATCH=etag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    changed = alice.patch(path, {"notes": "new"}, HTTP_IF_MATCH=etag)
    assert (changed.status_code, changed["ETag"]) == (200, alice.get(path)["ETag"])
    assert alice.delete(path, HTTP_IF_MATCH=etag).status_code == 412


def test_if_match_can_be_required(alice, asset, settings):
    settings.IF_MATCH_REQUIRED = True
    refused = alice.patch(f"{API}/assets/{asset.pk}", {"notes": "new"})
    assert (refused.status_code, refused.json()["code"]) == (428, "PRECONDITION_REQUIRED")


def test_journal_entry_has_the_user_and_the_request_id(alice, alice_user):
    created = alice.post(f"{API}/tags", {"name": "x", "created_by": "eve"}, HTTP_X_REQUEST_ID="abc-1")
    assert created["X-Request-Id"] == "abc-1"
    alice.patch(f"{API}/tags/{created.json()['id']}", {"name": "y"}, HTTP_X_REQUEST_ID="abc-2")
    alice.delete(f"{API}/tags/{created.json()['id']}", HTTP_X_REQUEST_ID="abc-3")
    rows = JournalEntry.objects.filter(model="assets.Tag").order_by("id")
    entries = [
        (row.action, row.actor_id, row.request_id, row.channel, (row.before or {}).get("name"))
        for row in rows
    ]
    alice_id = alice_user.pk
    assert entries == [
        ("create", alice_id, "abc-1", "api", None),
        ("update", alice_id, "abc-2", "api", "x"),
        ("delete", alice_id, "abc-3", "api", "y"),
    ]


def test_created_by_is_the_user_who_is_logged_in(alice, alice_user):
    body = {"name": "x", "created_by": "eve", "updated_by": "eve"}
    created = alice.post(f"{API}/households", body).json()
    assert Household.objects.get(pk=created["id"]).created_by == alice_user


def test_journal_cannot_be_altered(alice):
    alice.post(f"{API}/tags", {"name": "x"})
    row = JournalEntry.objects.first()
    for attempt in (
        row.save,
        row.delete,
        JournalEntry.objects.all().delete,
        lambda: JournalEntry.objects.update(channel=""),
    ):
        with pytest.raises(TypeError):
            attempt()


def test_deleting_a_portfolio_leaves_an_entry_for_every_row_below_it(alice, portfolio, asset):
    alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "12.3456"})
    assert alice.delete(f"{API}/portfolios/{portfolio.pk}").status_code == 204
    deleted = JournalEntry.objects.filter(action="delete").values_list("model", "before__value")
    assert dict(deleted) == {
        "assets.AssetSnapshot": 123456,
        "assets.Asset": None,
        "portfolios.Portfolio": None,
    }


def test_bulk_writes_leave_entries(household):
    tags = Tag.objects.bulk_create([Tag(household=household, name=f"t{n}") for n in range(3)])
    Tag.objects.filter(pk=tags[0].pk).update(name="New")
    assert Tag.objects.filter(name_key="new").count() == 1
    actions = list(
        JournalEntry.objects.filter(model="assets.Tag").order_by("id").values_list("action", flat=True)
    )
    assert actions == ["create"] * 3 + ["update"]


def test_every_write_below_a_portfolio_raises_its_revision(alice, portfolio, asset):
    def revision():
        return Portfolio.objects.get(pk=portfolio.pk).revision

    revisions = [revision()]
    created = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "1"}).json()
    revisions.append(revision())
    alice.patch(f"{API}/assets/{asset.pk}/snapshots/{created['id']}", {"note": "n"})
    revisions.append(revision())
    alice.delete(f"{API}/assets/{asset.pk}/snapshots/{created['id']}")
    revisions.append(revision())
    assert revisions == sorted(set(revisions))


@pytest.mark.parametrize("method", ["patch", "put"])
def test_write_without_changes_leaves_no_entry(alice, portfolio, asset, method):
    """The present values are sent again."""
    bodies = {
        f"assets/{asset.pk}": {
            "name": asset.name,
            "currency": asset.currency,
            "notes": "",
            "quantity": "1.50",
        },
        f"portfolios/{portfolio.pk}": {"name": portfolio.name, "time_zone": portfolio.time_zone},
    }
    value = {"value": "1.5", "on": "2026-01-31", "note": "n"}
    created = alice.post(f"{API}/assets/{asset.pk}/snapshots", value).json()
    bodies[f"assets/{asset.pk}/snapshots/{created['id']}"] = value | {"observed_at": created["observed_at"]}
    alice.patch(f"{API}/assets/{asset.pk}", {"quantity": "1.5"})
    revision, entry_count = Portfolio.objects.get(pk=portfolio.pk).revision, JournalEntry.objects.count()
    for path, body in bodies.items():
        before = alice.get(f"{API}/{path}")
        again = getattr(alice, method)(f"{API}/{path}", body)
        assert (again.status_code, again.content) == (200, before.content)
    assert (Portfolio.objects.get(pk=portfolio.pk).revision, JournalEntry.objects.count()) == (
        revision,
        entry_count,
    )


def test_history_of_a_row_says_who_changed_what(alice, bob, asset):
    created = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "10.5"}).json()
    path = f"{API}/assets/{asset.pk}/snapshots/{created['id']}"
    bob.patch(path, {"value": "11"}, HTTP_X_REQUEST_ID="abc-4")
    newest, oldest = alice.get(f"{path}/history").json()["results"]
    assert (newest["actor"], newest["action"], newest["request_id"], newest["channel"]) == (
        "bob",
        "update",
        "abc-4",
        "api",
    )
    assert newest["fields_changed"] == [{"field": "value", "before": "10.50", "after": "11.00"}]
    assert (oldest["actor"], oldest["action"]) == ("alice", "create")
    assert {"field": "value", "before": "", "after": "10.50"} in oldest["fields_changed"]
