"""POST transactions:batch: many transactions of any assets, each row with its own outcome or refusal."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import Asset, Transaction
from strata.audit.models import JournalEntry
from tests.all_routes import ABSENT
from tests.factories import create_asset

BATCH = "/api/v1/transactions:batch"
DAY = "2026-01-31"


@pytest.fixture
def assets(portfolio) -> list[Asset]:
    return [create_asset(portfolio, name) for name in ("Fund", "Coins")]


def row(asset, kind="ACQUIRE", **fields) -> dict:
    return {"asset_id": str(getattr(asset, "pk", asset)), "type": kind, "on": DAY} | fields


def send(client, rows, *, status=200, **options) -> dict:
    answer = client.post(BATCH, {"rows": rows, **options})
    assert answer.status_code == status, answer.content
    return answer.json()


def refused(client, rows, status) -> list[tuple]:
    """(field, code) of each error; nothing was written."""
    before = Transaction.objects.count()
    errors = send(client, rows, status=status)["errors"]
    assert Transaction.objects.count() == before
    return [(error["field"], error["code"]) for error in errors]


def test_rows_of_a_day_are_in_the_order_of_the_batch_after_those_before(alice, assets):
    fund, coins = assets
    alice.post(f"/api/v1/assets/{fund.pk}/transactions", {"type": "INCOME", "amount": "1", "on": DAY})
    rows = [
        row(fund, quantity="3", unit_price="1.5"),
        row(coins, "INCOME", quantity="2", amount="9"),
        row(fund, "DISPOSE", quantity="1", amount="2", unit_price="7"),
    ]
    answer = send(alice, rows)
    first, second, third = answer.pop("results")
    assert answer == {"created": 3, "replaced": 0, "skipped": 0, "refused_count": 0, "refused": []}
    assert first == {
        "outcome": "created",
        "id": str(fund.transactions.get(position=1).pk),
        "asset_id": str(fund.pk),
        "amount": "4.50",
        "on": DAY,
        "occurred_at": f"{DAY}T11:00:00Z",
        "position": 1,
    }
    assert (second["position"], third["position"], third["amount"]) == (0, 2, "2.00")


def test_row_that_the_asset_has_is_skipped_if_it_is_equal(alice, assets):
    known = {"source": "broker", "external_id": "7", "quantity": "1", "unit_price": "5"}
    send(alice, [row(assets[0], **known)])
    written = JournalEntry.objects.count()
    again = send(alice, [row(assets[0], **known)])
    assert (again["skipped"], again["results"][0]["id"]) == (1, str(Transaction.objects.get().pk))
    assert JournalEntry.objects.count() == written
    changed = [row(assets[1]) | known, row(assets[0]) | known | {"unit_price": "6"}]
    assert refused(alice, changed, 409) == [("rows[1].external_id", "DUPLICATE_TRANSACTION")]
    partly = send(alice, changed, on_error="skip")
    assert (partly["created"], partly["refused_count"]) == (1, 1)
    assert [result["outcome"] for result in partly["results"]] == ["created", "refused"]


def test_every_bad_row_is_named_and_400_comes_before_other_errors(alice, assets):
    twice = {"amount": "1", "external_id": "x"}
    rows = [
        row(assets[0]),
        row(ABSENT, amount="1"),
        row(assets[0], "TRANSFER", amount="1"),
        row(assets[0], amount="1", occurred_at="2026-02-01T12:00:00Z"),
        row(assets[0], amount="1", colour="red"),
        row(assets[0], "ADJUST", quantity="-1", amount="1"),
        row(assets[0], **twice),
        row(assets[0], **twice),
        row(assets[0], amount="1", source="strata-disposal", external_id="strata-disposal"),
    ]
    assert refused(alice, rows, 400) == [
        ("rows[0].amount", "required"),
        ("rows[2].type", "invalid_choice"),
        ("rows[3].on", "contradiction"),
        ("rows[4].colour", "unknown"),
        ("rows[5].amount", "invalid"),
        ("rows[7].external_id", "DUPLICATE_ROW"),
    ]
    assert refused(alice, rows[1:2], 404) == [("rows[0].asset_id", "ASSET_NOT_FOUND")]
    assert refused(alice, rows[8:], 409) == [("rows[0].external_id", "DISPOSAL_IS_FIXED")]


def test_viewer_may_not_and_no_row_is_too_few(vera, alice, assets):
    assert send(vera, [row(assets[0], amount="1")], status=403)["code"] == "FORBIDDEN"
    assert send(alice, [], status=400)["errors"][0]["field"] == "rows"


def test_history_of_the_portfolio_has_one_event_and_undo_takes_all_back(alice, assets, portfolio):
    answer = alice.post(BATCH, {"rows": [row(assets[0], amount="1"), row(assets[1], amount="2")]})
    (event, *_) = alice.get(f"/api/v1/portfolios/{portfolio.pk}/history").json()["results"]
    assert (event["action"], event["count"]) == ("add_transactions", 2)
    undone = alice.post(f"/api/v1/undo/{answer['X-Request-Id']}")
    assert undone.status_code == 200, undone.content
    assert not Transaction.objects.exists()


def test_number_of_queries_does_not_depend_on_the_rows(alice, assets):
    counts = []
    for count in (6, 40):  # from 5 on, entries share a write
        rows = [row(assets[n % 2], amount="1", on=str(date(2020, 1, 1 + n // 2))) for n in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            send(alice, rows)
        counts.append(len(queries))
    assert counts[0] == counts[1]
