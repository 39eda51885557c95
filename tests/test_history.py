"""The history of a row in the API: its pages, names of related rows, entries of an asset, and deleted rows."""

from __future__ import annotations

import base64
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import Asset, AssetSnapshot, Category, Tag
from portfolios.models import Household, Portfolio
from tests.factories import create_asset

API = "/api/v1"


@pytest.fixture
def asset(portfolio):
    return create_asset(portfolio, "Checking")


@pytest.fixture
def path(asset):
    return f"{API}/assets/{asset.pk}/history"


def results(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def changed(event, field):
    """The change of the field in the event, or None."""
    return next((change for change in event["fields_changed"] if change["field"] == field), None)


def test_pages_have_every_event_once_and_newest_first(alice, asset, path):
    for number in range(6):
        Asset.objects.filter(pk=asset.pk).update(notes=str(number))
    url, pages = f"{path}?page_size=3", []
    while url:
        answer = alice.get(url).json()
        pages.append([(changed(row, "notes") or {}).get("after") for row in answer["results"]])
        url, previous = answer["next"], answer["previous"]
    assert pages == [["5", "4", "3"], ["2", "1", "0"], [""]]
    earlier = [changed(row, "notes")["after"] for row in results(alice.get(previous))]
    assert earlier == ["2", "1", "0"]


def test_last_event_of_a_page_shows_the_value_after_it(alice, asset, path):
    for notes in ("a", "b", "c"):
        Asset.objects.filter(pk=asset.pk).update(notes=notes)
    second = results(alice.get(alice.get(f"{path}?page_size=1").json()["next"]))
    assert changed(second[0], "notes") == {"field": "notes", "before": "a", "after": "b"}


def test_related_rows_have_a_name_beside_their_id(alice, portfolio, asset, path):
    other = Portfolio.objects.create(household=portfolio.household, name="Other")
    alice.patch(f"{API}/assets/{asset.pk}", {"portfolio_id": str(other.pk)})
    newest, oldest = results(alice.get(path))
    assert changed(newest, "portfolio_id") == {
        "field": "portfolio_id",
        "before": str(portfolio.pk),
        "after": str(other.pk),
        "before_name": "Main",
        "after_name": "Other",
    }
    assert changed(oldest, "portfolio_id")["after_name"] == "Main"


def test_related_row_that_the_user_may_not_see_is_not_named(alice, portfolio, asset, path):
    hidden = Portfolio.objects.create(household=Household.objects.create(name="Theirs"), name="Secret")
    Asset.objects.filter(pk=asset.pk).update(portfolio=hidden)
    Asset.objects.filter(pk=asset.pk).update(portfolio=portfolio)
    newest = results(alice.get(path))[0]
    assert "before_name" not in changed(newest, "portfolio_id")
    assert "Secret" not in alice.get(path).content.decode()


def test_deleted_value_is_in_the_history_of_its_asset(alice, bob, asset, path):
    snapshot = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "12.5", "on": "2026-01-31"}).json()
    assert bob.delete(f"{API}/assets/{asset.pk}/snapshots/{snapshot['id']}").status_code == 204
    deleted, created, _ = results(alice.get(f"{path}?include=children"))
    assert (deleted["model"], deleted["object_id"], deleted["action"], deleted["actor"]) == (
        "AssetSnapshot",
        snapshot["id"],
        "delete",
        "bob",
    )
    assert changed(deleted, "value") == {"field": "value", "before": "12.50", "after": ""}
    assert changed(created, "value") == {"field": "value", "before": "", "after": "12.50"}


def test_children_are_values_transactions_and_links(alice, household, asset, path):
    tag = Tag.objects.create(household=household, name="Blue")
    category = Category.objects.create(household=household, name="Shares")
    alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "1"})
    alice.post(f"{API}/assets/{asset.pk}/transactions", {"type": "INCOME", "amount": "1"})
    alice.post(f"{API}/assets/{asset.pk}/tags/{tag.pk}")
    alice.post(f"{API}/assets/{asset.pk}/categories/{category.pk}")
    alice.delete(f"{API}/assets/{asset.pk}/tags/{tag.pk}")
    events = results(alice.get(f"{path}?include=children"))
    assert [(row["model"], row["action"]) for row in events] == [
        ("AssetTag", "delete"),
        ("AssetCategory", "create"),
        ("AssetTag", "create"),
        ("Transaction", "create"),
        ("AssetSnapshot", "create"),
        ("Asset", "create"),
    ]
    assert changed(events[0], "tag_id")["before_name"] == "Blue"
    assert [row["model"] for row in results(alice.get(path))] == ["Asset"]


def test_children_of_another_asset_are_left_out(alice, portfolio, asset, path):
    other = create_asset(portfolio, "o")
    created = alice.post(f"{API}/assets/{other.pk}/snapshots", {"value": "1"}).json()
    alice.delete(f"{API}/assets/{other.pk}/snapshots/{created['id']}")
    assert [row["model"] for row in results(alice.get(f"{path}?include=children"))] == ["Asset"]


def test_only_members_read_the_history_of_a_deleted_asset(alice, vera, charlie, asset, path):
    alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "7"})
    alice.delete(f"{API}/assets/{asset.pk}")
    assert alice.get(f"{API}/assets/{asset.pk}").status_code == 404
    events = results(vera.get(f"{path}?include=children"))
    assert [(row["model"], row["action"]) for row in events] == [
        ("Asset", "delete"),
        ("AssetSnapshot", "delete"),
        ("AssetSnapshot", "create"),
        ("Asset", "create"),
    ]
    assert changed(events[0], "name") == {"field": "name", "before": "Checking", "after": ""}
    absent = f"{API}/assets/{asset.portfolio_id}/history"
    answers = [charlie.get(history) for history in (path, absent)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert [answer.json() | {"request_id": ""} for answer in answers] == [
        answers[0].json() | {"request_id": ""}
    ] * 2


def test_history_of_a_deleted_value_is_only_below_its_asset(alice, portfolio, asset):
    other = create_asset(portfolio, "o")
    created = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "1"}).json()
    alice.delete(f"{API}/assets/{asset.pk}/snapshots/{created['id']}")
    codes = [
        alice.get(f"{API}/assets/{parent.pk}/snapshots/{created['id']}/history").status_code
        for parent in (asset, other)
    ]
    assert codes == [200, 404]


def test_history_of_a_deleted_portfolio_can_be_read(alice, charlie, portfolio):
    path = f"{API}/portfolios/{portfolio.pk}"
    alice.delete(path)
    assert results(alice.get(f"{path}/history"))[0]["action"] == "delete"
    assert charlie.get(f"{path}/history").status_code == 404


def test_number_of_queries_does_not_grow(alice, portfolio, asset, path, household):
    def edits(count):
        for number in range(count):
            created = AssetSnapshot.objects.create(
                asset=asset, value=number, on="2026-01-31", observed_at=f"2026-01-31T12:00:{number:02d}Z"
            )
            created.value += 1
            created.save()
            other = Portfolio.objects.create(household=household, name=f"{count} {number}")
            Asset.objects.filter(pk=asset.pk).update(portfolio=other)
        AssetSnapshot.objects.all().delete()

    def queries():
        with CaptureQueriesContext(connection) as captured:
            events = results(alice.get(f"{path}?include=children&page_size=200"))
        return len(captured), len(events)

    edits(2)
    few, event_count = queries()
    edits(12)
    assert queries() == (few, event_count + 4 * 12)
    assert few <= 10


@pytest.mark.parametrize(
    "position",
    [[False, ["x"]], [False, [10**30]], [False, [-1]], [False, [[]]], [False, []], 7, [False, [True]]],
)
def test_invalid_cursor_is_refused_by_name(alice, path, position):
    cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode()
    answer = alice.get(path, {"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("name", "value"), [("page_size", "201"), ("include", "all"), ("ordering", "name"), ("page", "1")]
)
def test_other_parameters_are_refused_by_name(alice, path, name, value):
    answer = alice.get(path, {name: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, name)
