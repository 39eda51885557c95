"""The history of a row over the API: pages, names beside ids, what belongs to an asset, and what is gone."""

from __future__ import annotations

import base64
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Category, Tag
from portfolios.models import Household, Portfolio

API = "/api/v1"


@pytest.fixture
def asset(portfolio):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Checking", currency="EUR"
    )


@pytest.fixture
def path(asset):
    return f"{API}/assets/{asset.pk}/history"


def results(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def changed(event, field):
    return next((change for change in event["fields_changed"] if change["field"] == field), None)


def test_pages_hold_every_line_once_newest_first(alice, asset, path):
    for number in range(6):
        Asset.objects.filter(pk=asset.pk).update(notes=str(number))
    url, seen = f"{path}?page_size=3", []
    while url:
        answer = alice.get(url).json()
        seen.append([(changed(row, "notes") or {}).get("after") for row in answer["results"]])
        url, back = answer["next"], answer["previous"]
    assert seen == [["5", "4", "3"], ["2", "1", "0"], [""]]
    earlier = [changed(row, "notes")["after"] for row in results(alice.get(back))]
    assert earlier == ["2", "1", "0"]


def test_line_at_the_end_of_a_page_knows_what_came_after_it(alice, asset, path):
    for notes in ("a", "b", "c"):
        Asset.objects.filter(pk=asset.pk).update(notes=notes)
    second = results(alice.get(alice.get(f"{path}?page_size=1").json()["next"]))
    assert changed(second[0], "notes") == {"field": "notes", "before": "a", "after": "b"}


def test_names_stand_beside_ids(alice, portfolio, asset, path):
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


def test_row_that_the_caller_may_not_see_is_not_named(alice, portfolio, asset, path):
    hidden = Portfolio.objects.create(household=Household.objects.create(name="Theirs"), name="Secret")
    Asset.objects.filter(pk=asset.pk).update(portfolio=hidden)
    Asset.objects.filter(pk=asset.pk).update(portfolio=portfolio)
    newest = results(alice.get(path))[0]
    assert "before_name" not in changed(newest, "portfolio_id")
    assert "Secret" not in alice.get(path).content.decode()


def test_deleted_value_is_traced_through_its_asset(alice, bob, asset, path):
    made = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "12.5", "on": "2026-01-31"}).json()
    assert bob.delete(f"{API}/assets/{asset.pk}/snapshots/{made['id']}").status_code == 204
    deleted, created, _ = results(alice.get(f"{path}?include=children"))
    assert (deleted["model"], deleted["object_id"], deleted["action"], deleted["actor"]) == (
        "AssetSnapshot",
        made["id"],
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
    lines = results(alice.get(f"{path}?include=children"))
    assert [(row["model"], row["action"]) for row in lines] == [
        ("AssetTag", "delete"),
        ("AssetCategory", "create"),
        ("AssetTag", "create"),
        ("Transaction", "create"),
        ("AssetSnapshot", "create"),
        ("Asset", "create"),
    ]
    assert changed(lines[0], "tag_id")["before_name"] == "Blue"
    assert [row["model"] for row in results(alice.get(path))] == ["Asset"]


def test_children_of_another_asset_are_left_out(alice, portfolio, asset, path):
    other = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="o", currency="EUR"
    )
    created = alice.post(f"{API}/assets/{other.pk}/snapshots", {"value": "1"}).json()
    alice.delete(f"{API}/assets/{other.pk}/snapshots/{created['id']}")
    assert [row["model"] for row in results(alice.get(f"{path}?include=children"))] == ["Asset"]


def test_deleted_asset_is_traced_by_its_household_alone(alice, vera, charlie, asset, path):
    alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "7"})
    alice.delete(f"{API}/assets/{asset.pk}")
    assert alice.get(f"{API}/assets/{asset.pk}").status_code == 404
    lines = results(vera.get(f"{path}?include=children"))
    assert [(row["model"], row["action"]) for row in lines] == [
        ("Asset", "delete"),
        ("AssetSnapshot", "delete"),
        ("AssetSnapshot", "create"),
        ("Asset", "create"),
    ]
    assert changed(lines[0], "name") == {"field": "name", "before": "Checking", "after": ""}
    absent = f"{API}/assets/{asset.portfolio_id}/history"
    answers = [charlie.get(one) for one in (path, absent)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert [answer.json() | {"request_id": ""} for answer in answers] == [
        answers[0].json() | {"request_id": ""}
    ] * 2


def test_deleted_value_is_found_only_below_its_own_asset(alice, portfolio, asset):
    other = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="o", currency="EUR"
    )
    created = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "1"}).json()
    alice.delete(f"{API}/assets/{asset.pk}/snapshots/{created['id']}")
    codes = [
        alice.get(f"{API}/assets/{one.pk}/snapshots/{created['id']}/history").status_code
        for one in (asset, other)
    ]
    assert codes == [200, 404]


def test_history_of_a_deleted_portfolio_stays(alice, charlie, portfolio):
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
            lines = results(alice.get(f"{path}?include=children&page_size=200"))
        return len(captured), len(lines)

    edits(2)
    few, lines = queries()
    edits(12)
    assert queries() == (few, lines + 4 * 12)
    assert few <= 10


@pytest.mark.parametrize(
    "place",
    [[False, ["x"]], [False, [10**30]], [False, [-1]], [False, [[]]], [False, []], 7, [False, [True]]],
)
def test_what_is_no_cursor_is_refused_by_name(alice, path, place):
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
    answer = alice.get(path, {"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("name", "value"), [("page_size", "201"), ("include", "all"), ("ordering", "name"), ("page", "1")]
)
def test_other_parameters_are_refused_by_name(alice, path, name, value):
    answer = alice.get(path, {name: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, name)
