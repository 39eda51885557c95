"""Lists: filters, and cursors that neither skip nor repeat a row."""

from datetime import date, timedelta

import pytest
from django.db import connection

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Category, Tag
from assets.services.labels import label_asset
from strata.fields.dates import noon
from tests.refusals import assert_conflict

API = "/api/v1"


@pytest.fixture
def things(household, portfolio):
    """A flat, shares in dollars, and a bicycle that was sold."""
    top = Category.objects.create(household=household, name="Top")
    low = Category.objects.create(household=household, name="Low", parent=top)
    tag = Tag.objects.create(household=household, name="Blue")
    flat = Asset.objects.create(
        portfolio=portfolio,
        asset_type_id=TypeId.REAL_ESTATE,
        name="Flat",
        currency="EUR",
        acquired_on="2020-01-01",
    )
    shares = Asset.objects.create(
        portfolio=portfolio,
        asset_type_id=TypeId.STOCKS,
        name="Shares",
        currency="USD",
        notes="of a world fund",
    )
    bicycle = Asset.objects.create(
        portfolio=portfolio,
        asset_type_id=TypeId.PERSONAL_PROPERTY,
        name="Bicycle",
        currency="EUR",
        disposed_on="2024-05-01",
    )
    label_asset(flat.pk, category_ids=[top.pk], tag_ids=[tag.pk])
    label_asset(shares.pk, category_ids=[low.pk])
    return {"top": top, "low": low, "tag": tag, "flat": flat, "shares": shares, "bicycle": bicycle}


def names(client, query):
    answer = client.get(f"{API}/assets?{query}")
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


FILTERS = {
    "type=REAL_ESTATE": ["Flat"],
    "type=STOCKS&type=REAL_ESTATE": ["Flat", "Shares"],
    f"type={TypeId.STOCKS}": ["Shares"],
    "group=FINANCIAL": ["Shares"],
    "currency=usd": ["Shares"],
    "disposed=true": ["Bicycle"],
    "disposed=false": ["Flat", "Shares"],
    "disposed=true&on=2024-04-30": [],
    "acquired_from=2020-01-01&acquired_to=2020-01-01": ["Flat"],
    "disposed_from=2024-05-02": [],
    "search=WORLD+fund": ["Shares"],
    "ordering=-name": ["Shares", "Flat", "Bicycle"],
}


@pytest.mark.parametrize("query", FILTERS)
def test_filter_finds(alice, things, query):
    assert names(alice, query) == FILTERS[query]


def test_category_is_found_with_its_whole_subtree(alice, things):
    assert names(alice, f"category={things['top'].pk}") == ["Flat", "Shares"]
    assert names(alice, f"category={things['low'].pk}") == ["Shares"]
    assert names(alice, f"tag={things['tag'].pk}&portfolio={things['flat'].portfolio_id}") == ["Flat"]


def follow(client, url, direction):
    pages = []
    while url:
        page = client.get(url).json()
        pages.append([row["id"] for row in page["results"]])
        url = page[direction]
    return pages


def test_cursor_walks_every_row_once_both_ways(alice, things):
    flat, day = things["flat"], date(2024, 1, 1)
    for number in range(11):  # several on each day, so that a page ends within one
        on = day + timedelta(days=number // 4)
        AssetSnapshot.objects.create(
            asset=flat, value=number, on=on, observed_at=noon(on, "UTC") + timedelta(seconds=number)
        )
    expected = [str(pk) for pk in flat.snapshots.order_by("-observed_at").values_list("id", flat=True)]
    first = f"{API}/assets/{flat.pk}/snapshots?page_size=3"
    forwards = follow(alice, first, "next")
    assert [pk for page in forwards for pk in page] == expected
    assert [len(page) for page in forwards] == [3, 3, 3, 2]
    url = first
    while url:
        last, url = url, alice.get(url).json()["next"]
    backwards = follow(alice, last, "previous")
    assert [pk for page in reversed(backwards) for pk in page] == expected


@pytest.mark.parametrize("cursor", ["x", "", "W10=", "bnVsbA==", "%00", "9" * 5000, "é"])
def test_bad_cursor_is_refused_by_name(alice, things, cursor):
    answer = alice.get(f"{API}/assets/{things['flat'].pk}/snapshots?cursor={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cursor")


def test_asset_type_is_in_use_and_category_has_children(alice, household, things):
    own = alice.post(
        f"{API}/asset-types", {"code": "WINE", "label": "Wine", "group": "PHYSICAL_COLLECTIONS"}
    ).json()
    assert alice.patch(f"{API}/assets/{things['flat'].pk}", {"asset_type_id": own["id"]}).status_code == 200
    assert alice.delete(f"{API}/asset-types/{own['id']}").json()["code"] == "IN_USE"
    assert alice.delete(f"{API}/asset-types/{TypeId.CASH}").status_code == 403
    assert alice.delete(f"{API}/categories/{things['top'].pk}").json()["code"] == "CATEGORY_HAS_CHILDREN"
    assert alice.delete(f"{API}/categories/{things['low'].pk}").status_code == 204


def test_currency_is_fixed_once_there_are_values(alice, things):
    path = f"{API}/assets/{things['flat'].pk}"
    assert alice.patch(path, {"currency": "USD"}).json()["currency"] == "USD"
    assert alice.post(f"{path}/snapshots", {"value": "1"}).status_code == 201
    refused = alice.patch(path, {"currency": "EUR"})
    assert_conflict(refused, "CURRENCY_IN_USE")


def test_missing_rate_is_named_and_left_out(alice, portfolio, things):
    for thing, value in (("flat", "100"), ("shares", "50")):
        path = f"{API}/assets/{things[thing].pk}/snapshots"
        assert alice.post(path, {"value": value, "on": "2024-06-01"}).status_code == 201
    answer = alice.get(f"{API}/portfolios/{portfolio.pk}?on=2024-06-02").json()
    assert (answer["total_value"], answer["complete"]) == ("100.00", False)
    assert answer["missing_rates"] == [{"currency": "USD", "on": "2024-06-02", "amount": "50.00"}]


def test_first_value_can_come_with_the_asset(alice, portfolio, household):
    body = {
        "name": "Car",
        "portfolio_id": str(portfolio.pk),
        "asset_type_id": TypeId.VEHICLE,
        "value": "9000",
    }
    created = alice.post(f"{API}/assets", body | {"on": "2024-06-01"})
    assert (created.status_code, created.json()["current_value"], created.json()["current_value_on"]) == (
        201,
        "9000.00",
        "2024-06-01",
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("snapshots", {"value": "12.5", "observed_at": "2024-05-01T12:00:00.123456+02:00", "note": "a\r\nb"}),
        ("transactions", {"type": "ACQUIRE", "quantity": "2.50", "unit_price": "1.10", "on": "2024-05-01"}),
    ],
)
def test_entry_is_answered_as_a_get_shows_it(alice, things, kind, body):
    path = f"{API}/assets/{things['flat'].pk}/{kind}"
    created = alice.post(path, body)
    changed = alice.patch(f"{path}/{created.json()['id']}", {"note": "x"})
    shown = alice.get(f"{path}/{created.json()['id']}")
    assert {**created.json(), "note": "x", "updated_at": None} == {**shown.json(), "updated_at": None}
    assert (changed.content, changed["ETag"]) == (shown.content, shown["ETag"])


def test_value_is_written_in_a_fixed_number_of_queries(alice, things, django_assert_num_queries):
    path = f"{API}/assets/{things['flat'].pk}/snapshots"
    for on in ("2024-01-01", "2024-03-01"):
        assert alice.post(path, {"value": "1", "on": on}).status_code == 201
    # A savepoint; whether the asset is visible; the portfolio, locked, and then the asset; the role; the journal's
    # newest instant; the portfolio's revision; the value and its entry in the journal; the values around it, with those
    # of its month, looked up once after that; the deltas of the months that it changes, read and written; its month.
    with django_assert_num_queries(14 if connection.features.has_select_for_update else 13):
        assert alice.post(path, {"value": "2", "on": "2024-02-01"}).status_code == 201


def test_asset_is_changed_in_a_fixed_number_of_queries(alice, things, django_assert_num_queries):
    """Nothing is read twice, and nothing derived is read where the change cannot concern it."""
    path = f"{API}/assets/{things['flat'].pk}"
    assert alice.patch(path, {"notes": "warm"}).status_code == 200
    # A savepoint; whether it is visible; the household and the portfolio, locked; the asset; the role; the portfolio's
    # revision; the journal's newest instant; the entry in the journal; the asset written; the asset as it is shown; its
    # labels.
    with django_assert_num_queries(13 if connection.features.has_select_for_update else 11):
        assert alice.patch(path, {"name": "House"}).status_code == 200
