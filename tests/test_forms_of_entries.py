"""The forms in which entries of the journal are stored: by themselves, of one write, and packed. All read alike."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from assets.models import Asset, AssetSnapshot, Tag
from portfolios.models import Household
from strata.accounts.models import User
from strata.audit import actor, recording
from strata.audit.models import HistoryEntry, JournalEntry, JournalWrite
from strata.fields.ids import uuid7
from tests.factories import create_asset
from tests.test_undo_random import test_undo_after_random_writes as undo_after_random_writes

API = "/api/v1"
FIRST = date(2020, 1, 1)


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Checking")


@pytest.fixture
def every_form_from_one(monkeypatch):
    """Even single entries are shared or packed, so that whatever is tested is tested with these forms."""
    monkeypatch.setattr(recording, "SHARED_FROM", 1)
    monkeypatch.setattr(recording, "PACKED_FROM", 1)


def bodies(asset, number, start):
    days = (FIRST + timedelta(day) for day in range(start, start + number))
    return {"rows": [{"asset_id": str(asset.pk), "on": str(day), "value": str(day.day)} for day in days]}


def record(client, asset, number, *, start=0) -> str:
    """Record values in one request. Returns its id."""
    answer = client.post(f"{API}/values:batch", bodies(asset, number, start))
    assert answer.status_code == 200, answer.content
    return answer["X-Request-Id"]


def stored(**fields):
    return JournalEntry.objects.filter(model="assets.AssetSnapshot", **fields)


def events(client, path, **parameters):
    answer = client.get(f"{API}/{path}/history", parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


@pytest.mark.parametrize(
    ("number", "entries", "writes"),
    [
        (recording.SHARED_FROM - 1, recording.SHARED_FROM - 1, 0),
        (recording.SHARED_FROM, recording.SHARED_FROM, 1),
        (recording.PACKED_FROM - 1, recording.PACKED_FROM - 1, 1),
        (recording.PACKED_FROM, 1, 1),
        (recording.PACKED_AT_MOST + recording.PACKED_FROM, 2, 1),
    ],
)
def test_history_of_a_value_is_the_same_in_every_form(alice, asset, number, entries, writes):
    before = JournalWrite.objects.count()
    request_id = record(alice, asset, number)
    assert (stored().count(), JournalWrite.objects.count() - before) == (entries, writes)
    ids = list(AssetSnapshot.objects.order_by("pk").values_list("pk", flat=True))
    for pk in (ids[0], ids[-1]):
        (event,) = events(alice, f"assets/{asset.pk}/snapshots/{pk}")
        assert (event["object_id"], event["action"], event["actor"]) == (str(pk), "create", "alice")
        assert (event["channel"], event["request_id"], event["count"]) == ("api", request_id, None)
        assert {change["field"] for change in event["fields_changed"]} >= {"value", "on"}
    recorded = HistoryEntry.objects.filter(model="assets.AssetSnapshot").order_by("object_id")
    assert list(recorded.values_list("object_id", flat=True)) == ids


def test_change_and_deletion_of_a_packed_row_follow_its_creation(alice, asset):
    record(alice, asset, recording.PACKED_FROM)
    pk = AssetSnapshot.objects.order_by("pk")[7].pk
    path = f"assets/{asset.pk}/snapshots/{pk}"
    assert alice.patch(f"{API}/{path}", {"value": "99"}).status_code == 200
    assert alice.delete(f"{API}/{path}").status_code == 204
    assert [event["action"] for event in events(alice, path)] == ["delete", "update", "create"]
    value = next(change for change in events(alice, path)[2]["fields_changed"] if change["field"] == "value")
    assert (value["before"], value["after"]) == ("", "8.00")


def test_pages_go_through_a_packed_entry(alice, asset):
    record(alice, asset, 50)
    url, pages = f"{API}/assets/{asset.pk}/history?include=children&page_size=7", []
    while url:
        answer = alice.get(url).json()
        pages.append([event["object_id"] for event in answer["results"]])
        url, previous = answer["next"], answer["previous"]
    seen = [pk for page in pages for pk in page]
    assert (len(seen), len(set(seen))) == (51, 51)
    assert [event["object_id"] for event in alice.get(previous).json()["results"]] == pages[-2]


def test_undo_of_a_request_takes_packed_rows_back(alice, asset):
    record(alice, asset, 3)
    request_id = record(alice, asset, recording.PACKED_FROM, start=3)
    undone = alice.post(f"{API}/undo/{request_id}")
    assert undone.status_code == 200, undone.content
    assert (undone.json()["row_count"], AssetSnapshot.objects.count()) == (recording.PACKED_FROM, 3)
    assert alice.post(f"{API}/undo/{undone.json()['request_id']}").status_code == 200
    assert AssetSnapshot.objects.count() == 3 + recording.PACKED_FROM
    assert not stored(undo_of__isnull=False, packed__isnull=False).exists(), "it is not their first entry"


def test_packed_rows_are_not_known_before(alice, asset):
    instant = timezone.now().isoformat()
    record(alice, asset, recording.PACKED_FROM)
    path = f"{API}/assets/{asset.pk}/snapshots"
    assert alice.get(path, {"known_at": instant}).json()["results"] == []
    later = timezone.now().isoformat()
    AssetSnapshot.objects.all().delete()
    assert len(alice.get(path, {"known_at": later}).json()["results"]) == recording.PACKED_FROM


def test_rows_of_two_households_are_in_two_entries(household):
    other = Household.objects.create(name="Other")
    tags = [Tag(household=(household, other)[number % 2], name=f"t{number}") for number in range(50)]
    Tag.objects.bulk_create(tags)
    packed = JournalEntry.objects.filter(model="assets.Tag", packed__isnull=False)
    assert {(entry.household_id, entry.count) for entry in packed} == {(household.pk, 25), (other.pk, 25)}
    for tag in tags:
        (entry,) = HistoryEntry.objects.of([tag.pk])
        assert entry.household_id == tag.household_id
    assert set(HistoryEntry.objects.of([tag.pk for tag in tags]).values_list("object_id", flat=True)) == {
        tag.pk for tag in tags
    }


def test_ids_of_another_minute_are_in_another_entry(household):
    later = recording.PACKED_SPAN_MS << recording.BITS_BELOW_MS
    ids = [uuid7() for _ in range(25)]
    ids += [UUID(int=pk.int + later) for pk in ids]
    Tag.objects.bulk_create([Tag(id=pk, household=household, name=pk.hex) for pk in ids])
    assert [entry.count for entry in JournalEntry.objects.filter(packed__isnull=False)] == [25, 25]
    assert all(HistoryEntry.objects.of([pk]).count() == 1 for pk in ids)


def test_ids_without_time_have_entries_of_their_own(household):
    Tag.objects.bulk_create(
        [Tag(id=UUID(int=(number << 100) + 1), household=household, name=str(number)) for number in range(30)]
    )
    assert not JournalEntry.objects.filter(packed__isnull=False).exists()
    assert all(HistoryEntry.objects.of([tag.pk]).count() == 1 for tag in Tag.objects.all())


def test_a_write_that_was_rolled_back_is_not_shared(household, alice_user):
    def tags(prefix):
        Tag.objects.bulk_create([Tag(household=household, name=f"{prefix}{number}") for number in range(5)])

    with actor.acting(user=alice_user, request_id="r", channel="api"), transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            tags("a")
            raise ZeroDivisionError
        tags("b")
        tags("c")
    entries = HistoryEntry.objects.filter(model="assets.Tag")
    assert set(entries.values_list("actor_name", "request_id", "channel")) == {("alice", "r", "api")}
    assert entries.count() == 10
    assert JournalEntry.objects.filter(model="assets.Tag").values("write").distinct().count() == 1


def test_who_writes_changes_within_a_transaction(household, alice_user, bob_user):
    with transaction.atomic():
        for user in (alice_user, bob_user, alice_user):
            with actor.acting(user=user, channel="api"):
                Tag.objects.bulk_create(
                    [
                        Tag(household=household, name=f"{user.pk}{uuid7()}")
                        for _ in range(recording.PACKED_FROM)
                    ]
                )
    names = [
        entry.write.actor_name for entry in JournalEntry.objects.filter(model="assets.Tag").order_by("id")
    ]
    assert names == ["alice", "bob", "alice"]


@pytest.mark.usefixtures("every_form_from_one")
@pytest.mark.parametrize("seed", [11])
def test_undo_after_random_writes_in_these_forms(alice, alice_user, bob_user, household, portfolio, seed):
    undo_after_random_writes(alice, alice_user, bob_user, household, portfolio, seed)
    assert JournalEntry.objects.filter(write__isnull=False).exists()


def test_an_asset_with_its_values_is_deleted_and_comes_back(alice, asset):
    record(alice, asset, 30)
    before = sorted(AssetSnapshot.objects.values_list("pk", flat=True))
    deleted = alice.delete(f"{API}/assets/{asset.pk}")
    assert stored(action="delete", write__isnull=False).count() == 30
    assert alice.post(f"{API}/undo/{deleted['X-Request-Id']}").status_code == 200
    assert sorted(AssetSnapshot.objects.values_list("pk", flat=True)) == before
    assert Asset.objects.filter(pk=asset.pk).exists()
    assert [event["action"] for event in events(alice, f"assets/{asset.pk}/snapshots/{before[3]}")] == [
        "create",
        "delete",
        "create",
    ]


def test_admin_finds_a_packed_entry_by_each_of_its_rows(alice, client, asset):
    request_id = record(alice, asset, recording.PACKED_FROM)
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    entry, pk = stored().get(), AssetSnapshot.objects.order_by("pk")[7].pk
    listed = client.get("/admin/strata/journalentry/", {"q": str(pk)}).content.decode()
    assert all(text in listed for text in (str(entry.object_id), request_id, "alice"))
    assert (
        str(entry.object_id)
        not in client.get("/admin/strata/journalentry/", {"q": str(uuid7())}).content.decode()
    )
    page = client.get(f"/admin/strata/journalentry/{entry.pk}/change/").content.decode()
    assert all(text in page for text in (request_id, "alice", str(recording.PACKED_FROM)))
