"""A portfolio's own order of its assets."""

import pytest
from django.utils import timezone

from assets.models import Asset
from portfolios.models import Portfolio
from strata.audit.models import JournalEntry
from tests.factories import create_asset

API = "/api/v1"


@pytest.fixture
def assets(portfolio):
    return [create_asset(portfolio, name) for name in ("Anna", "Berta", "Clara", "Dora")]


@pytest.fixture
def path(portfolio):
    return f"{API}/portfolios/{portfolio.pk}/asset-order"


def ids(*assets):
    return {"asset_ids": [str(asset.pk) for asset in assets]}


def names(client, portfolio, **asked):
    answer = client.get(f"{API}/assets", {"portfolio": str(portfolio.pk), "ordering": "own"} | asked)
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


def test_assets_are_listed_in_the_own_order_and_the_others_by_name(alice, vera, portfolio, assets, path):
    _, berta, _, dora = assets
    assert alice.get(path).json() == {"asset_ids": []}
    assert names(alice, portfolio) == ["Anna", "Berta", "Clara", "Dora"]
    put = alice.put(path, ids(dora, berta))
    assert (put.status_code, put.json()) == (200, ids(dora, berta))
    assert vera.get(path).json() == ids(dora, berta)
    assert names(vera, portfolio) == ["Dora", "Berta", "Anna", "Clara"]
    assert names(vera, portfolio, ordering="-own") == ["Clara", "Anna", "Berta", "Dora"]
    assert names(vera, portfolio, ordering="own", page_size="2", page="2") == ["Anna", "Clara"]


def test_no_asset_changes_by_an_order(alice, portfolio, assets, path):
    before = [alice.get(f"{API}/assets/{asset.pk}")["ETag"] for asset in assets]
    revision = Portfolio.objects.get().revision
    first = alice.get(path)["ETag"]
    assert alice.put(path, ids(*reversed(assets)), headers={"If-Match": first}).status_code == 200
    assert [alice.get(f"{API}/assets/{asset.pk}")["ETag"] for asset in assets] == before
    assert Portfolio.objects.get().revision == revision
    assert alice.put(path, ids(*assets), headers={"If-Match": first}).status_code == 412
    entries = JournalEntry.objects.count()
    assert alice.put(path, ids(*reversed(assets))).status_code == 200
    assert JournalEntry.objects.count() == entries


def test_order_is_shown_as_it_was_known(alice, portfolio, assets, path):
    alice.put(path, ids(assets[2]))
    then = timezone.now().isoformat()
    alice.put(path, ids(assets[3], assets[1]))
    assert alice.get(path, {"known_at": then}).json() == ids(assets[2])
    assert names(alice, portfolio, known_at=then)[0] == "Clara"


def test_assets_that_are_gone_lose_their_place(alice, household, portfolio, assets, path):
    other = Portfolio.objects.create(household=household, name="Other")
    alice.put(path, ids(*assets[:3]))
    assets[0].delete()
    Asset.objects.filter(pk=assets[1].pk).update(portfolio=other)
    assert alice.get(path).json() == ids(assets[2])


def test_asset_of_another_portfolio_or_named_twice_is_refused_by_its_place(alice, household, assets, path):
    other = create_asset(Portfolio.objects.create(household=household, name="Other"), "Elsewhere")
    refused = alice.put(path, ids(assets[0], assets[1], other))
    assert (refused.status_code, refused.json()["code"]) == (404, "ASSET_NOT_FOUND")
    assert refused.json()["errors"][0]["field"] == "asset_ids[2]"
    refused = alice.put(path, ids(assets[0], assets[0]))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "asset_ids[1]")
    assert alice.get(path).json() == {"asset_ids": []}


def test_who_may_set_it(bob, vera, charlie, assets, path):
    assert bob.put(path, ids(assets[1])).status_code == 200
    assert vera.put(path, ids(assets[0])).status_code == 403
    assert charlie.put(path, ids(assets[0])).status_code == 404
    assert charlie.get(path).status_code == 404


def test_own_order_is_of_one_portfolio(alice, charlie, household, portfolio, assets):
    other = Portfolio.objects.create(household=household, name="Other")
    for asked in ({}, {"portfolio": [str(portfolio.pk), str(other.pk)]}):
        refused = alice.get(f"{API}/assets", {"ordering": "name,-own"} | asked)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "ordering")
    stranger = charlie.get(f"{API}/assets", {"ordering": "own", "portfolio": str(portfolio.pk)})
    assert stranger.json()["code"] == "PORTFOLIO_NOT_FOUND"
