"""Archives over HTTP: who may, what is answered, and that nobody learns who exists."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from archives.rows.contents import JOURNAL
from archives.tests.archives import archive_of, changed, contents, manifest_of
from assets.models import Asset, AssetSnapshot, ExchangeRate, Tag, Transaction
from portfolios.models import Household, Invitation, Membership, Portfolio
from strata.accounts.models import User
from strata.accounts.services import issue_token
from strata.audit.models import HistoryEntry, JournalEntry
from tests.factories import add_value, create_asset

API = "/api/v1"

pytestmark = pytest.mark.django_db


@pytest.fixture
def asset(portfolio):
    asset = create_asset(portfolio, "Checking", currency="USD")
    add_value(asset, "12.34", date(2026, 1, 31))
    return asset


def downloaded(client, household) -> bytes:
    answer = client.get(f"{API}/households/{household.pk}/archive")
    assert answer.status_code == 200, answer.content
    return b"".join(answer)


def sent(client, data: bytes, **fields):
    body = {"file": SimpleUploadedFile("home.zip", data), **fields}
    return client.post(f"{API}/archives", body, format="multipart")


def test_an_owner_downloads_the_household(alice, household, asset):
    answer = alice.get(f"{API}/households/{household.pk}/archive", HTTP_ACCEPT="application/zip")
    data = b"".join(answer)
    assert (answer["Content-Type"], int(answer["Content-Length"])) == ("application/zip", len(data))
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert zipfile.ZipFile(io.BytesIO(data)).namelist()[-1] == "manifest.json"
    assert manifest_of(data)["household"] == {"id": str(household.pk), "name": household.name}
    assert [row["name"] for row in contents(data)["data/assets.asset.jsonl"]] == ["Checking"]


def test_only_owners_download_it(alice_user, bob, vera, charlie, household):
    path = f"{API}/households/{household.pk}/archive"
    assert [client.get(path).status_code for client in (bob, vera, charlie)] == [403, 403, 404]
    _token, secret = issue_token(alice_user, name="Read", scope="read")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.get(path).status_code == 200


def test_a_part_of_the_file(alice, household, asset):
    path = f"{API}/households/{household.pk}/archive"
    answer = alice.get(path, HTTP_RANGE="bytes=0-3")
    assert (answer.status_code, b"".join(answer)) == (206, b"PK\x03\x04")
    assert answer["Content-Range"].startswith("bytes 0-3/")
    for whole in ("bytes=999999999-", "bytes=3-1", "lines=1-2"):
        assert alice.get(path, HTTP_RANGE=whole).status_code == 200


def test_no_secret_is_in_it(alice, alice_user, household, asset):
    alice_user.set_password("correct horse battery")
    alice_user.save()
    data = downloaded(alice, household)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert "password" not in text
    assert str(alice_user.pk) not in text and alice_user.pk.hex not in text


def test_who_restores_it_owns_it_and_the_others_are_invited(
    charlie, charlie_user, household, asset, alice, bob_user
):
    Invitation.objects.create(household=household, username="Nobody", role="viewer")
    answer = sent(charlie, downloaded(alice, household))
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["household"]["name"] == household.name
    assert body["household"]["id"] != str(household.pk)
    assert (body["mode"], body["dry_run"], body["remapped"]) == ("new", False, True)
    assert body["counts"]["assets.asset"] == 1
    assert body["members"] == [
        {"username": "alice", "role": "owner", "state": "invited"},
        {"username": "bob", "role": "editor", "state": "invited"},
        {"username": "Nobody", "role": "viewer", "state": "invited"},
    ]
    copy = Household.objects.get(pk=body["household"]["id"])
    assert list(copy.memberships.values_list("user__username", "role")) == [("charlie", "owner")]
    listed = charlie.get(f"{API}/assets").json()["results"]
    assert [(row["name"], row["current_value"]) for row in listed] == [("Checking", "12.34")]


def test_an_answer_does_not_say_who_exists(charlie, household, asset, alice):
    """The same answer, rows and number of queries, whether a user has the names or not."""
    data, answers = downloaded(alice, household), []
    for name in ("bob-is-no-user", "bob"):
        User.objects.get_or_create(username="bob")
        file = changed(
            data, lambda rows, name=name: rows["data/portfolios.membership.jsonl"][0].update(user=name)
        )
        before = Membership.objects.count(), JournalEntry.objects.count()
        with CaptureQueriesContext(connection) as queries:
            body = sent(charlie, file).json()
        after = Membership.objects.count(), JournalEntry.objects.count()
        members = [{**person, "username": "?"} for person in body["members"]]
        answers.append((len(queries), members, [now - then for now, then in zip(after, before, strict=True)]))
    assert answers[0] == answers[1]


def test_who_wrote_the_rows_is_text(charlie, household, asset, alice):
    alice.patch(f"{API}/assets/{asset.pk}", {"name": "Renamed"})
    restored = sent(charlie, downloaded(alice, household)).json()["household"]["id"]
    copy = Asset.objects.get(portfolio__household=restored)
    assert copy.created_by is None
    events = charlie.get(f"{API}/assets/{copy.pk}/history").json()["results"]
    assert [event["actor"] for event in events][:1] == ["alice (from an archive)"]
    again = contents(archive_of(Household.objects.get(pk=restored)))[JOURNAL]
    assert not [entry for entry in again if entry["actor_name"].count("from an archive") > 1]


def test_a_dry_run_writes_nothing(charlie, household, asset, alice):
    data, before = downloaded(alice, household), JournalEntry.objects.count()
    answer = sent(charlie, data, dry_run="true")
    assert (answer.status_code, answer.json()["dry_run"]) == (200, True)
    assert (Household.objects.count(), JournalEntry.objects.count()) == (1, before)


def test_rates_are_left_out_unless_a_superuser_restores(charlie, charlie_user, household, asset, alice):
    ExchangeRate.objects.create(currency="USD", on="2026-01-30", units_per_euro="1.1")
    data = downloaded(alice, household)
    warnings = sent(charlie, data).json()["warnings"]
    assert [(warning["code"], warning["currencies"]) for warning in warnings] == [("RATES_LEFT_OUT", ["USD"])]
    charlie_user.is_superuser = True
    charlie_user.save()
    assert sent(charlie, data).json()["warnings"] == []


def test_unknown_fields_and_fields_that_do_not_fit(alice, household, asset):
    data = downloaded(alice, household)
    for fields in (
        {"secret": "x"},
        {"mode": "merge"},
        {"mode": "replace"},
        {"household_id": str(household.pk)},
        {"dry_run": "perhaps"},
    ):
        assert sent(alice, data, **fields).status_code == 400, fields
    assert alice.post(f"{API}/archives", {}, format="multipart").status_code == 400


# --- replace ---


def replaced(client, household, data, **fields):
    fields = {"mode": "replace", "household_id": str(household.pk), "confirm": household.name, **fields}
    return sent(client, data, **fields)


def test_replace_brings_the_rows_of_the_archive_and_keeps_members_and_history(
    alice, household, portfolio, asset
):
    data = downloaded(alice, household)
    alice.delete(f"{API}/assets/{asset.pk}")
    create_asset(portfolio, "Later")
    entries = JournalEntry.objects.filter(household_id=household.pk).count()

    answer = replaced(alice, household, data)

    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["household"]["id"], body["members"], body["remapped"]) == (str(household.pk), [], True)
    listed = alice.get(f"{API}/assets").json()["results"]
    assert [(row["name"], row["current_value"]) for row in listed] == [("Checking", "12.34")]
    assert Membership.objects.filter(household=household).count() == 1
    lines = JournalEntry.objects.filter(household_id=household.pk).order_by("id")
    assert lines.count() > entries
    assert lines.last().channel == "archive"


def test_the_past_of_a_replaced_household_is_as_it_was(alice, household, portfolio, asset):
    data = downloaded(alice, household)
    alice.patch(f"{API}/assets/{asset.pk}", {"name": "Renamed"})
    path, instant = f"{API}/assets", timezone.now().isoformat()
    before = alice.get(path).json()
    assert replaced(alice, household, data).status_code == 201
    assert alice.get(path, {"known_at": instant}).json() == before
    assert [row["name"] for row in alice.get(path).json()["results"]] == ["Checking"]


def test_replace_is_for_owners_who_confirm_it(alice, bob, charlie, household, asset):
    data = downloaded(alice, household)
    assert replaced(bob, household, data).status_code == 403
    assert replaced(charlie, household, data).status_code == 404
    wrong = replaced(alice, household, data, confirm="Home")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "CONFIRM")
    empty = archive_of(Household.objects.create(name="Empty"))
    refused = replaced(alice, household, empty)
    assert (refused.status_code, refused.json()["code"]) == (400, "ARCHIVE_EMPTY")
    assert AssetSnapshot.objects.get().asset_id == asset.pk


def test_neither_is_undone(alice, household, asset):
    data = downloaded(alice, household)
    for answer in (sent(alice, data), replaced(alice, household, data)):
        undone = alice.post(f"{API}/undo/{answer['X-Request-Id']}")
        assert (undone.status_code, undone.json()["code"]) == (409, "UNDO_NOT_POSSIBLE")
        assert "ARCHIVE" in [error["code"] for error in undone.json()["errors"]]


def test_a_transfer_is_there_with_both_legs(alice, household, portfolio, asset):
    Transaction.objects.create(
        asset=asset, type="ACQUIRE", quantity="3", amount="9", currency="USD", on="2026-01-01",
        occurred_at="2026-01-01T12:00Z",
    )  # fmt: skip
    other = Portfolio.objects.create(household=household, name="Other", base_currency="EUR")
    moved = alice.post(
        f"{API}/assets/{asset.pk}/transfer",
        {"to_portfolio_id": str(other.pk), "quantity": "1", "on": "2026-02-01"},
    )
    assert moved.status_code in (200, 201), moved.content
    restored = sent(alice, downloaded(alice, household)).json()["household"]["id"]
    legs = Transaction.objects.filter(asset__portfolio__household=restored, type="TRANSFER")
    assert [leg.quantity for leg in legs.order_by("quantity")] == [-1, 1]
    assert {leg.transfer_id for leg in legs} == {legs.get(quantity=-1).pk} or len(
        {leg.transfer_id for leg in legs}
    ) == 1


def test_an_undo_in_the_original_does_not_meet_the_copy(alice, household, asset):
    done = alice.patch(f"{API}/assets/{asset.pk}", {"name": "Renamed"})
    assert sent(alice, downloaded(alice, household)).status_code == 201
    undone = alice.post(f"{API}/undo/{done['X-Request-Id']}")
    assert undone.status_code == 200, undone.content
    asset.refresh_from_db()
    assert asset.name == "Checking"


def test_what_is_packed_has_an_entry_for_each_row_in_an_archive_and_is_packed_again(alice, household, asset):
    Tag.objects.bulk_create([Tag(household=household, name=f"t{number}") for number in range(30)])
    for tag in Tag.objects.order_by("name")[:7]:
        tag.name += " again"
        tag.save()
    data = downloaded(alice, household)
    lines = [line for line in contents(data)[JOURNAL] if line["model"] == "assets.Tag"]
    assert [line["action"] for line in lines] == ["create"] * 30 + ["update"] * 7

    assert sent(alice, data).status_code == 201

    copy = Household.objects.exclude(pk=household.pk).get()
    assert JournalEntry.objects.filter(household_id=copy.pk, packed__isnull=False).get().count == 30
    copied = HistoryEntry.objects.filter(household_id=copy.pk, model="assets.Tag").order_by("id", "object_id")
    assert [(entry.action, entry.request_id) for entry in copied] == [
        (line["action"], line["request_id"]) for line in lines
    ]
    assert {entry.object_id for entry in copied} == {tag.pk for tag in Tag.objects.filter(household=copy)}
