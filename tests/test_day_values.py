"""assets/{id}/values/{on}: the value that counts on a day, read, replaced and deleted by its day."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from assets.models import AssetSnapshot
from strata.audit.models import JournalEntry
from tests.factories import add_value, create_asset

DAY = "2026-01-31"


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Checking")


@pytest.fixture
def path(asset):
    return f"/api/v1/assets/{asset.pk}/values/{DAY}"


def put(client, path, status, body=None, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.put(path, body or {"value": "5"}, headers=names)
    assert answer.status_code == status, answer.content
    return answer


def test_value_is_recorded_at_noon_and_then_replaced(alice, path, asset):
    created = put(alice, path, 201, {"value": "5", "note": "first"})
    assert created["Location"] == f"http://testserver{path}"
    assert (created.json()["observed_at"], created.json()["note"]) == (f"{DAY}T11:00:00Z", "first")
    replaced = put(alice, path, 200, {"value": "6.5"}).json()
    assert (replaced["id"], replaced["value"], replaced["note"]) == (created.json()["id"], "6.50", "first")
    read = alice.get(path)
    assert (read.json(), read["ETag"]) == (replaced, put(alice, path, 200, {"value": "6.5"})["ETag"])
    rows = alice.get(f"/api/v1/assets/{asset.pk}/snapshots").json()["results"]
    assert rows == [replaced]


def test_same_put_again_writes_no_event(alice, path):
    first = put(alice, path, 201)
    entries = JournalEntry.objects.count()
    again = put(alice, path, 200)
    assert (again.json(), again["ETag"]) == (first.json(), first["ETag"])
    assert JournalEntry.objects.count() == entries


def test_put_takes_what_a_get_gave_and_nothing_else(alice, path):
    shown = put(alice, path, 201).json()
    assert put(alice, path, 200, shown).json() == shown
    for field, value in {"on": "2026-02-01", "observed_at": f"{DAY}T12:00:00Z", "colour": "red"}.items():
        refused = put(alice, path, 400, shown | {field: value}).json()
        assert refused["errors"][0]["field"] == field
    assert put(alice, path, 400, {"note": "x"}).json()["errors"][0]["field"] == "value"
    assert alice.get(path).json() == shown


def test_last_value_of_the_day_is_meant_and_the_others_stay(alice, path, asset):
    early, late = (add_value(asset, value, date(2026, 1, 31), hour=value) for value in (6, 9))
    assert alice.get(path).json()["id"] == str(late.pk)
    put(alice, path, 200, {"value": "7"})
    assert alice.delete(path).status_code == 204
    assert alice.get(path).json()["id"] == str(early.pk)
    assert AssetSnapshot.objects.get().value == 6


def test_day_without_a_value_is_not_found(alice, path, asset):
    add_value(asset, 1, date(2026, 1, 30))
    for answer in (alice.get(path), alice.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "SNAPSHOT_NOT_FOUND")


@pytest.mark.parametrize("day", ["2026-02-30", "1700-01-01", "today", "2026-1-1", "20260131"])
def test_day_that_does_not_exist_is_not_found(alice, asset, day):
    path = f"/api/v1/assets/{asset.pk}/values/{day}"
    for answer in (alice.get(path), alice.put(path, {"value": "1"}), alice.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "SNAPSHOT_NOT_FOUND")


def test_if_match_and_if_none_match(alice, path):
    put(alice, path, 412, If_Match='"x"')
    put(alice, path, 412, If_Match="*")
    tag = put(alice, path, 201, If_None_Match="*")["ETag"]
    put(alice, path, 412, If_None_Match="*")
    put(alice, path, 412, If_Match='"x"')
    put(alice, path, 200, {"value": "6"}, If_Match=tag)
    assert alice.delete(path, headers={"If-Match": tag}).status_code == 412
    assert alice.delete(path, headers={"If-Match": alice.get(path)["ETag"]}).status_code == 204


def test_if_match_is_needed_where_it_is_required(alice, path, settings):
    settings.IF_MATCH_REQUIRED = True
    put(alice, path, 428)
    tag = put(alice, path, 201, If_None_Match="*")["ETag"]
    put(alice, path, 428)
    put(alice, path, 200, If_Match=tag)
    assert alice.delete(path).status_code == 428


def test_etag_is_what_a_row_of_a_batch_names(alice, path, asset):
    tag = put(alice, path, 201)["ETag"]
    row = {"asset_id": str(asset.pk), "on": DAY, "value": "9", "if_match": tag}
    body = {"if_exists": "replace", "rows": [row]}
    assert alice.post("/api/v1/values:batch", body).json()["replaced"] == 1
    assert alice.post("/api/v1/values:batch", body).status_code == 412


def test_key_is_answered_once_for_put_and_delete(alice, path):
    first = put(alice, path, 201, Idempotency_Key="a")
    again = put(alice, path, 201, Idempotency_Key="a")
    assert (again.content, again["Location"]) == (first.content, first["Location"])
    for _ in range(2):
        assert alice.delete(path, headers={"Idempotency-Key": "b"}).status_code == 204
    assert alice.delete(path).status_code == 404


def test_value_is_read_as_it_was_known(alice, path):
    before = timezone.now().isoformat()
    shown = put(alice, path, 201).json()
    between = timezone.now().isoformat()
    put(alice, path, 200, {"value": "9"})
    assert alice.get(path, {"known_at": between}).json() == shown
    assert alice.get(path, {"known_at": before}).status_code == 404


def test_roles_apply(vera, charlie, path):
    put(vera, path, 403)
    assert put(charlie, path, 404).json()["code"] == "ASSET_NOT_FOUND"
