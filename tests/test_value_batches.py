"""POST values:batch: many values at once, each row with its own outcome or refusal, and one entry in the history."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.api.entries.snapshots import value_etag
from assets.models import Asset, AssetSnapshot
from conftest import client_of
from portfolios.models import Household, Portfolio
from reports.queries import portfolio_total
from strata.accounts.services import issue_token
from strata.audit.models import IdempotentAnswer, JournalEntry
from strata.fields.dates import local_day
from strata.tenancy.roles import OWNER, VIEWER
from tests.admin_forms import staff
from tests.all_routes import ABSENT
from tests.factories import add_value, create_asset

BATCH = "/api/v1/values:batch"
DAY = "2026-01-31"


@pytest.fixture
def assets(portfolio) -> list[Asset]:
    return [create_asset(portfolio, name) for name in ("Checking", "Savings", "Car")]


def row(asset, value="5.00", **fields) -> dict:
    fields = {"on": DAY} | fields if "observed_at" not in fields else fields
    return {"asset_id": str(getattr(asset, "pk", asset)), "value": value, **fields}


def send(client, rows, *, status=200, query="", headers=None, **options) -> dict:
    answer = client.post(f"{BATCH}{query}", {"rows": rows, **options}, headers=headers or {})
    assert answer.status_code == status, answer.content
    return answer.json()


def refused(client, rows, status, **options) -> list[tuple]:
    """(field, code) of each error; nothing was written."""
    before = list(AssetSnapshot.objects.order_by("pk").values_list("pk", "value"))
    errors = send(client, rows, status=status, **options)["errors"]
    assert list(AssetSnapshot.objects.order_by("pk").values_list("pk", "value")) == before
    return [(error["field"], error["code"]) for error in errors]


def values(asset) -> list[tuple]:
    rows = asset.snapshots.order_by("on", "observed_at")
    return [(str(on), str(value), note) for on, value, note in rows.values_list("on", "value", "note")]


# --- what it writes ---


def test_rows_are_recorded_in_their_order(alice, assets):
    answer = send(
        alice,
        [
            row(assets[0], "1204.55", note="statement"),
            row(assets[1], "-3", observed_at=f"{DAY}T18:00:00Z"),
        ],
    )
    first, second = answer.pop("results")
    assert answer == {"created": 2, "replaced": 0, "skipped": 0, "refused_count": 0, "refused": []}
    assert first == {
        "outcome": "created",
        "id": str(assets[0].snapshots.get().pk),
        "asset_id": str(assets[0].pk),
        "on": DAY,
        "observed_at": f"{DAY}T11:00:00Z",
        "value": "1204.55",
        "note": "statement",
    }
    assert (second["value"], second["observed_at"]) == ("-3.00", f"{DAY}T18:00:00Z")
    assert alice.get(f"/api/v1/assets/{assets[0].pk}").json()["current_value"] == "1204.55"


def test_row_without_a_moment_is_of_today(alice, assets):
    (result,) = send(alice, [{"asset_id": str(assets[0].pk), "value": "1"}])["results"]
    assert result["on"] == str(local_day(timezone.now(), "Europe/Berlin"))
    assert send(alice, [{"asset_id": str(assets[0].pk), "value": "2"}], if_exists="replace")["replaced"] == 1


def test_replace_overwrites_the_last_value_of_the_day_and_leaves_the_others(alice, assets):
    early, late = (add_value(assets[0], value, date(2026, 1, 31), hour=value) for value in (6, 9))
    AssetSnapshot.objects.update(note="kept")
    (result,) = send(alice, [row(assets[0], "7")], if_exists="replace")["results"]
    assert (result["outcome"], result["id"], result["note"]) == ("replaced", str(late.pk), "kept")
    assert result["observed_at"] == f"{DAY}T09:00:00Z"
    (result,) = send(
        alice, [row(assets[0], "8", observed_at=f"{DAY}T06:00:00Z", note="")], if_exists="replace"
    )["results"]
    assert (result["id"], result["note"]) == (str(early.pk), "")
    assert values(assets[0]) == [(DAY, "8.0000", ""), (DAY, "7.0000", "kept")]


def test_skipped_row_shows_the_value_that_exists(alice, assets):
    stored = add_value(assets[0], 6, date(2026, 1, 31))
    answer = send(alice, [row(assets[0], "7"), row(assets[1])], if_exists="skip")
    assert (answer["created"], answer["skipped"]) == (1, 1)
    assert (
        answer["results"][0] | {"outcome": "skipped", "id": str(stored.pk), "value": "6.00"}
        == answer["results"][0]
    )
    assert AssetSnapshot.objects.get(pk=stored.pk).value == 6


def test_same_batch_again_is_answered_the_same_and_writes_nothing(alice, assets, portfolio):
    rows = [row(asset) for asset in assets]
    send(alice, rows)
    entries, revision = JournalEntry.objects.count(), Portfolio.objects.get(pk=portfolio.pk).revision
    again = send(alice, rows, if_exists="replace")
    assert again["replaced"] == 3
    assert JournalEntry.objects.count() == entries
    assert Portfolio.objects.get(pk=portfolio.pk).revision == revision


# --- what it refuses ---


def test_every_bad_row_is_named_and_400_comes_before_other_errors(alice, assets):
    add_value(assets[1], 1, date(2026, 1, 31))
    rows = [
        row(assets[0], "x"),
        row(ABSENT),
        row(assets[1]),
        row(assets[2], on="2026-02-01", observed_at=f"{DAY}T12:00:00Z"),
        {"value": "1", "colour": "red"},
        "row",
        row(assets[0]),
        row(assets[0], "6"),
    ]
    assert refused(alice, rows, 400) == [
        ("rows[0].value", "invalid"),
        ("rows[3].on", "contradiction"),
        ("rows[4].colour", "unknown"),
        ("rows[5]", "invalid"),
        ("rows[7].on", "DUPLICATE_ROW"),
    ]
    assert refused(alice, rows[1:3], 404) == [("rows[0].asset_id", "ASSET_NOT_FOUND")]
    assert refused(alice, rows[2:3], 409) == [("rows[0].on", "DUPLICATE_SNAPSHOT")]


def test_existing_value_is_named_in_the_message(alice, assets):
    stored = add_value(assets[0], 1, date(2026, 1, 31))
    answer = send(alice, [row(assets[0])], status=409)
    assert answer["code"] == "DUPLICATE_SNAPSHOT"
    assert str(stored.pk) in answer["errors"][0]["message"]


def test_rows_about_the_same_value_are_duplicates(alice, assets):
    at_noon = row(assets[0], "6", observed_at=f"{DAY}T11:00:00Z")
    assert refused(alice, [row(assets[0]), at_noon], 400) == [("rows[1].observed_at", "DUPLICATE_ROW")]
    add_value(assets[0], 1, date(2026, 1, 31), hour=20)
    send(alice, [row(assets[0]), at_noon], if_exists="replace")
    assert values(assets[0]) == [(DAY, "6.0000", ""), (DAY, "5.0000", "")]


def test_skip_writes_the_good_rows_and_lists_the_others(alice, assets):
    add_value(assets[1], 1, date(2026, 1, 31))
    rows = [row(assets[0]), row(assets[1]), row(ABSENT), row(assets[2], "x"), row(assets[0], "6")]
    answer = send(alice, rows, on_error="skip")
    assert [(entry["row"], entry["field"], entry["code"]) for entry in answer["refused"]] == [
        (1, "on", "DUPLICATE_SNAPSHOT"),
        (2, "asset_id", "ASSET_NOT_FOUND"),
        (3, "value", "invalid"),
        (4, "on", "DUPLICATE_ROW"),
    ]
    assert (answer["created"], answer["refused_count"]) == (1, 4)
    outcomes = [(result["outcome"], result["id"] is None) for result in answer["results"]]
    assert outcomes == [("created", False), *[("refused", True)] * 4]


def test_skip_without_a_good_row_is_refused(alice, assets):
    answer = send(alice, [row(ABSENT), row(assets[0], "x")], on_error="skip", status=400)
    assert (answer["code"], answer["errors"], answer["refused_count"]) == ("ALL_ROWS_REFUSED", [], 2)
    assert [entry["code"] for entry in answer["refused"]] == ["ASSET_NOT_FOUND", "invalid"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "rows", "VALIDATION_ERROR"),
        ({"rows": []}, "rows", "VALIDATION_ERROR"),
        ({"rows": {}}, "rows", "VALIDATION_ERROR"),
        ({"rows": None}, "rows", "VALIDATION_ERROR"),
        ({"rows": [1] * 10_001}, "rows", "TOO_MANY_ROWS"),
        ({"rows": [1], "mode": "x"}, "mode", "VALIDATION_ERROR"),
        ({"rows": [1], "on_error": "ignore"}, "on_error", "VALIDATION_ERROR"),
        ({"rows": [1], "if_exists": None}, "if_exists", "VALIDATION_ERROR"),
    ],
)
def test_body_that_is_no_batch_is_refused(alice, body, field, code):
    answer = alice.post(BATCH, body).json()
    assert (answer["status"], answer["code"], answer["errors"][0]["field"]) == (400, code, field)


def test_thousand_bad_rows_are_named_and_the_rest_counted(alice):
    answer = send(alice, [{}] * 1200, status=400)
    assert len(answer["errors"]) == 1000
    assert "and 1,400 more" in answer["message"]
    answer = send(alice, [{}] * 1200, status=400, on_error="skip")
    assert (len(answer["refused"]), answer["refused_count"]) == (1000, 1200)


# --- who ---


def test_role_is_checked_for_each_row(alice_user, assets):
    household = Household.objects.create(name="Read only")
    household.memberships.create(user=alice_user, role=VIEWER)
    foreign = create_asset(Portfolio.objects.create(household=household, name="Theirs"), "Theirs")
    rows, client = [row(assets[0]), row(foreign)], client_of(alice_user)
    assert refused(client, rows, 403) == [("rows[1].asset_id", "FORBIDDEN")]
    assert send(client, rows, on_error="skip")["refused"][0]["code"] == "FORBIDDEN"


def test_strangers_id_is_answered_as_an_absent_one(alice, charlie, assets):
    foreign, absent = (
        charlie.post(BATCH, {"rows": [row(pk)]}).json() | {"request_id": ""} for pk in (assets[0].pk, ABSENT)
    )
    assert foreign == absent
    assert (foreign["status"], foreign["errors"][0]["field"]) == (404, "rows[0].asset_id")


def test_token_that_may_only_read_is_refused_whatever_on_error_is(client, alice_user, assets):
    secret = issue_token(alice_user, scope="read")[1]
    for on_error in ("refuse", "skip"):
        answer = client.post(
            BATCH,
            {"rows": [row(assets[0])], "on_error": on_error},
            content_type="application/json",
            headers={"authorization": f"Bearer {secret}"},
        )
        assert answer.status_code == 403


# --- versions ---


def test_row_is_only_written_over_the_value_that_was_read(alice, assets):
    stored = add_value(assets[0], 1, date(2026, 1, 31))
    tag = value_etag(stored)
    rows = [row(assets[0], if_match=tag), row(assets[1], if_match="")]
    assert send(alice, rows, if_exists="replace")["replaced"] == 1
    assert refused(alice, rows, 412, if_exists="replace") == [
        ("rows[0].if_match", "PRECONDITION_FAILED"),
        ("rows[1].if_match", "PRECONDITION_FAILED"),
    ]


def test_if_match_of_the_whole_batch_is_refused(alice, assets):
    answer = send(alice, [row(assets[0])], status=400, headers={"If-Match": '"x"'})
    assert answer["code"] == "IF_MATCH_NOT_SUPPORTED"


# --- idempotency ---


def test_key_replays_the_whole_answer_which_is_stored_compressed(alice, portfolio):
    assets = [create_asset(portfolio, str(number)) for number in range(20)]
    rows = [row(asset) for asset in assets]
    first = send(alice, rows, headers={"Idempotency-Key": "k"})
    assert send(alice, rows, headers={"Idempotency-Key": "k"}) == first
    assert AssetSnapshot.objects.count() == 20
    assert len(IdempotentAnswer.objects.get().body) < 2000


def test_no_replay_for_who_lost_the_right_in_one_of_the_households(alice_user, assets):
    other = Household.objects.create(name="Other")
    membership = other.memberships.create(user=alice_user, role=OWNER)
    asset = create_asset(Portfolio.objects.create(household=other, name="Other"), "Other")
    client, rows = client_of(alice_user), [row(assets[0]), row(asset)]
    send(client, rows, headers={"Idempotency-Key": "k"})
    membership.delete()
    send(client, rows, headers={"Idempotency-Key": "k"}, status=404)


# --- dry run ---


def test_dry_run_writes_nothing_and_gives_the_totals_of_the_real_call(alice, portfolio, assets):
    add_value(assets[0], 100, date(2026, 1, 1))
    rows = [row(assets[0], "70"), row(assets[1], "-1.255", on="2026-02-28")]
    entries = JournalEntry.objects.count()
    answer = send(alice, rows, query="?dry_run=1", headers={"Idempotency-Key": "k"})
    assert answer["dry_run"] is True
    assert [result["id"] for result in answer["results"]] == [None, None]
    (total,) = answer["totals"]
    assert total == {
        "portfolio_id": str(portfolio.pk),
        "on": "2026-02-28",
        "currency": "EUR",
        "before": "100.00",
        "after": total["after"],
        "change": total["change"],
        "complete": True,
    }
    assert (AssetSnapshot.objects.count(), JournalEntry.objects.count()) == (1, entries)
    assert not IdempotentAnswer.objects.exists()
    real = send(alice, rows)
    assert [result | {"id": None} for result in real["results"]] == answer["results"]
    assert f"{portfolio_total(portfolio, date(2026, 2, 28)).value}" == total["after"]


def test_dry_run_is_refused_as_the_real_call_is(alice, assets):
    assert refused(alice, [row(ABSENT)], 404, query="?dry_run=true") == [
        ("rows[0].asset_id", "ASSET_NOT_FOUND")
    ]
    assert alice.post(f"{BATCH}?dry_run=yes", {"rows": [row(assets[0])]}).status_code == 400


# --- history ---


def test_portfolio_has_one_event_for_the_batch_and_each_value_its_own(alice, alice_user, portfolio, assets):
    answer = alice.post(BATCH, {"rows": [row(asset) for asset in assets]})
    (event, *_) = alice.get(f"/api/v1/portfolios/{portfolio.pk}/history").json()["results"]
    assert (event["action"], event["count"], event["actor"]) == ("update_values", 3, "alice")
    assert (event["fields_changed"], event["request_id"]) == ([], answer["X-Request-Id"])
    entries = JournalEntry.objects.filter(request_id=answer["X-Request-Id"])
    assert entries.filter(model="assets.AssetSnapshot", action="create").count() == 3
    page = staff(alice_user).get(f"/admin/portfolios/portfolio/{portfolio.pk}/history/")
    assert page.content.decode().count("Updated 3 values") == 1


def test_portfolio_is_read_as_it_was_before_and_after_the_batch(alice, portfolio, assets):
    before = timezone.now()
    alice.patch(f"/api/v1/portfolios/{portfolio.pk}", {"name": "Renamed"})
    between = timezone.now()
    send(alice, [row(assets[0])])
    alice.patch(f"/api/v1/portfolios/{portfolio.pk}", {"name": "Again"})
    names = [
        alice.get(f"/api/v1/portfolios/{portfolio.pk}", {"known_at": at.isoformat()}).json()["name"]
        for at in (before, between)
    ]
    assert names == ["Main", "Renamed"]
    events = alice.get(f"/api/v1/portfolios/{portfolio.pk}/history").json()["results"]
    assert [event["action"] for event in events[:3]] == ["update", "update_values", "update"]
    assert [event["fields_changed"][0]["after"] for event in (events[0], events[2])] == ["Again", "Renamed"]


# --- size ---


def count_queries(client, rows, **options) -> int:
    with CaptureQueriesContext(connection) as queries:
        send(client, rows, **options)
    return len(queries)


def test_number_of_queries_does_not_grow_with_the_rows(alice, portfolio):
    assets = [create_asset(portfolio, str(number)) for number in range(40)]
    send(alice, [row(assets[0], on="2025-01-01")])  # Django asks SQLite once what it can
    for value in ("1", "2"):  # created, then replaced
        few, many = (
            count_queries(alice, [row(asset, value, on=on) for asset in assets[:number]], if_exists="replace")
            # in months of their own: one that has other values is read again, in one more
            for number, on in ((5, "2026-01-30"), (40, "2026-02-27"))  # from 5 on, entries share a write
        )
        assert few == many


def test_batch_may_be_larger_than_other_bodies(alice, assets, settings):
    settings.MAX_BODY_BYTES = 1000
    rows = [row(assets[0], on=f"2026-01-{day:02}") for day in range(1, 25)]
    assert send(alice, rows)["created"] == 24
    assert alice.post("/api/v1/tags", {"name": "x" * 1000}).status_code == 413
    settings.BODY_BYTES_OF_ROUTES = {BATCH: 1000}
    assert alice.post(f"{BATCH}/", {"rows": rows}).status_code == 413
