"""Filtered reports: by type, group, tag, currency or branch of categories; and drilling down into each group."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import AssetType, Category, Tag
from assets.services.labels import label_asset
from portfolios.models import Portfolio
from reports.models import AllocationTarget
from reports.queries import GROUP_BY
from tests.factories import create_valued_asset

pytestmark = pytest.mark.usefixtures("shared_holdings")

API = "/api/v1"
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
DAY = "on=2024-06-30"


def ok(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()


def ask(client, path, **asked):
    return ok(client.get(f"{API}/{path}", asked))


@pytest.fixture
def several(portfolio, household, holdings, tree):
    """A second portfolio, with an asset directly in a top category, and one in two branches."""
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    gold = create_valued_asset(second, "Gold", TypeId.PERSONAL_PROPERTY, "70")
    shares = create_valued_asset(second, "Both", TypeId.STOCKS, "11", currency="USD")
    label_asset(gold.pk, category_ids=[Category.objects.create(household=household, name="Metal").pk])
    label_asset(shares.pk, category_ids=[tree["bonds"].pk, tree["funds"].pk])
    return second


NARROWED = {
    "type=STOCKS": ["Fund"],
    "group=LIABILITIES": ["Loan"],
    "liquidity=liquid": ["Bond", "Cash", "Fund"],
    "liquidity=not_liquid": ["Loan"],
    "asset_currency=eur": ["Bond", "Cash", "Fund"],
    "tag=none": ["Cash", "Fund", "Loan"],
    "category=none": ["Cash", "Loan"],
    "group=FINANCIAL&category=none": ["Cash"],
    "type=CASH&tag=none&asset_currency=EUR": ["Cash"],
    "type=CASH&asset_currency=USD": [],
}


@pytest.mark.parametrize("query", NARROWED)
def test_only_what_is_asked_for_counts_in_any_report(alice, portfolio, holdings, query):
    path = f"{API}/portfolios/{portfolio.pk}"
    spread = ok(alice.get(f"{path}/allocation?{DAY}&group_by=asset&{query}"))
    assert (
        sorted(group["name"] for group in (*spread["asset_groups"], *spread["liability_groups"]))
        == NARROWED[query]
    )
    changed = ok(alice.get(f"{path}/change?start=2024-05-31&end=2024-06-30&{query}"))
    assert sorted(row["name"] for row in changed["rows"] if row["end_value"] != "0.00") == NARROWED[query]
    for interval in ("day", "month"):  # long enough for what is stored of the sums
        points = ok(
            alice.get(f"{path}/net-worth?start=2024-06-20&end=2024-06-30&interval={interval}&{query}")
        )
        assert points["points"][-1]["net"] == changed["total"]["end_value"] == spread["net"]


def test_tag_and_type_are_named_by_id(alice, holdings):
    blue = Tag.objects.get(name="Blue")
    kind = AssetType.objects.get(code="CASH")
    assert ask(alice, "allocation", on="2024-06-30", tag=str(blue.pk))["assets"] == "100.00"
    assert ask(alice, "allocation", on="2024-06-30", type=str(kind.pk))["assets"] == "50.00"


def test_branch_narrows_any_grouping(alice, holdings, tree):
    answer = ask(alice, "allocation", on="2024-06-30", group_by="type", category=str(tree["shares"].pk))
    assert [(group["name"], group["share"]) for group in answer["asset_groups"]] == [("Stocks", "1.000000")]


def test_shares_of_a_part_are_of_the_part_and_have_no_targets(alice, household, holdings):
    AllocationTarget.objects.create(household=household, currency="EUR", share="0.9")
    (euro,) = ask(alice, "allocation", on="2024-06-30", group_by="currency", type="CASH")["asset_groups"]
    assert (euro["value"], euro["share"], euro["target"]) == ("50.00", "1.000000", None)


@pytest.mark.parametrize("group_by", GROUP_BY)
def test_way_down_leads_to_what_the_group_is_made_of(alice, several, group_by):
    """Follows drill_down of each group down to single assets: the totals are the same."""

    def follow(asked, depth=0):
        answer = ask(alice, "allocation", **asked)
        for side, total in (("asset_groups", "assets"), ("liability_groups", "liabilities")):
            for group in answer[side]:
                if group["drill_down"] is None:
                    assert answer["group_by"] == "asset"
                    continue
                below = asked | group["drill_down"]
                assert ask(alice, "allocation", **below)[total] == group["value"], (asked, group)
                assert depth < 5
                follow(below, depth + 1)

    follow({"on": "2024-06-30", "group_by": group_by})


def test_way_down_of_one_portfolio_asks_what_its_path_takes(alice, portfolio, holdings):
    path = f"portfolios/{portfolio.pk}/allocation"
    led_down = set()
    for group_by in GROUP_BY:
        for group in ask(alice, path, group_by=group_by)["asset_groups"]:
            if group["drill_down"]:
                assert ask(alice, path, **group["drill_down"])["asset_groups"]
                led_down.add(group_by)
    assert led_down == set(GROUP_BY) - {"asset"}


@pytest.mark.parametrize("report", ["allocation", "net-worth", "net-worth/change", "allocation/chart.svg"])
@pytest.mark.parametrize("name", ["tag", "type", "category"])
def test_strangers_group_is_not_found(charlie, household, holdings, tree, report, name):
    own_type = AssetType.objects.create(household=household, code="OWN", label="Own", group="OTHER")
    foreign = {
        "tag": [Tag.objects.first().pk],
        "type": [own_type.pk, "OWN", "own"],
        "category": [tree["top"].pk],
    }
    code = {"type": "ASSET_TYPE", "category": "CATEGORY"}.get(name, "TAG")
    for pk in (*foreign[name], ABSENT):
        answer = charlie.get(f"{API}/{report}", {name: str(pk)})
        assert (answer.status_code, answer.json()["code"]) == (404, f"{code}_NOT_FOUND"), pk


def test_narrowed_report_is_confirmed_until_its_part_changes(alice, holdings):
    path = f"{API}/allocation?{DAY}&tag={Tag.objects.get(name='Blue').pk}"
    tag = alice.get(path)["ETag"]
    assert alice.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    label_asset(holdings["cash"].pk, tag_ids=[Tag.objects.get(name="Blue").pk])
    assert alice.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 200


QUERIES = {
    "allocation?on=2024-06-30&group_by=asset&type=CASH": 6,
    "allocation?on=2024-06-30&group_by=type&group=FINANCIAL&tag=none": 5,
    "net-worth?start=2024-06-01&end=2024-06-30&interval=day&asset_currency=EUR": 4,
    "net-worth/change?start=2024-05-31&end=2024-06-30&category=none": 7,
}


@pytest.mark.parametrize("report", QUERIES)
def test_part_takes_a_fixed_number_of_queries(alice, portfolio, holdings, report):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            ok(alice.get(f"{API}/{report}"))
        return len(seen)

    queries()  # loads the rates, which are kept from then on
    before = queries()
    for number in range(7):
        create_valued_asset(portfolio, f"More {number}", TypeId.CASH, "10", on="2024-06-05")
    assert (before, queries()) == (QUERIES[report], QUERIES[report])
