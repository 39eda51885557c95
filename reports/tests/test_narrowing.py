"""Reports of a part: of a type, kind, tag, currency or branch of categories; and the way down into each group."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import AssetType, Category, Tag
from assets.taxonomy import label
from portfolios.models import Portfolio
from reports.models import AllocationTarget
from reports.queries import GROUP_BY
from reports.tests.conftest import held

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
    """A second portfolio; and what stands in a category directly, and in two branches at once."""
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    gold = held(second, "Gold", 9, "70")
    both = held(second, "Both", 5, "11", currency="USD")
    label(gold, category_ids=[Category.objects.create(household=household, name="Metal").pk])
    label(both, category_ids=[tree["bonds"].pk, tree["funds"].pk])
    return second


NARROWED = {
    "type=STOCKS": ["Fund"],
    "group=LIABILITIES": ["Loan"],
    "asset_currency=eur": ["Bond", "Cash", "Fund"],
    "tag=none": ["Cash", "Fund", "Loan"],
    "under=none": ["Cash", "Loan"],
    "group=FINANCIAL&under=none": ["Cash"],
    "type=CASH&tag=none&asset_currency=EUR": ["Cash"],
    "type=CASH&asset_currency=USD": [],
}


@pytest.mark.parametrize("query", NARROWED)
def test_only_what_is_asked_for_counts_in_any_report(alice, portfolio, holdings, query):
    path = f"{API}/portfolios/{portfolio.pk}"
    spread = ok(alice.get(f"{path}/allocation?{DAY}&by=asset&{query}"))
    assert sorted(one["name"] for one in (*spread["groups"], *spread["owed"])) == NARROWED[query]
    changed = ok(alice.get(f"{path}/change?start=2024-05-31&end=2024-06-30&{query}"))
    assert sorted(row["name"] for row in changed["rows"] if row["end"] != "0.00") == NARROWED[query]
    for interval in ("day", "month"):  # long enough for what is stored of the sums
        points = ok(alice.get(f"{path}/history?start=2024-06-20&end=2024-06-30&interval={interval}&{query}"))
        assert points["points"][-1]["net"] == changed["total"]["end"] == spread["net"]


def test_tag_and_type_are_named_by_id(alice, holdings):
    blue = Tag.objects.get(name="Blue")
    kind = AssetType.objects.get(code="CASH")
    assert ask(alice, "allocation", on="2024-06-30", tag=str(blue.pk))["assets"] == "100.00"
    assert ask(alice, "allocation", on="2024-06-30", type=str(kind.pk))["assets"] == "50.00"


def test_branch_narrows_any_grouping(alice, holdings, tree):
    found = ask(alice, "allocation", on="2024-06-30", by="type", under=str(tree["shares"].pk))
    assert [(one["name"], one["share"]) for one in found["groups"]] == [("Stocks", "1.000000")]


def test_shares_of_a_part_are_of_the_part_and_have_no_targets(alice, household, holdings):
    AllocationTarget.objects.create(household=household, currency="EUR", share="0.9")
    (euro,) = ask(alice, "allocation", on="2024-06-30", by="currency", type="CASH")["groups"]
    assert (euro["value"], euro["share"], euro["target"]) == ("50.00", "1.000000", None)


@pytest.mark.parametrize("by", GROUP_BY)
def test_way_down_leads_to_what_the_group_is_made_of(alice, several, by):
    """Each group again, asked for as it says: worth the same, down to single assets."""

    def follow(asked, depth=0):
        found = ask(alice, "allocation", **asked)
        for side, total in (("groups", "assets"), ("owed", "liabilities")):
            for group in found[side]:
                if group["down"] is None:
                    assert found["by"] == "asset"
                    continue
                below = asked | group["down"]
                assert ask(alice, "allocation", **below)[total] == group["value"], (asked, group)
                assert depth < 5
                follow(below, depth + 1)

    follow({"on": "2024-06-30", "by": by})


def test_way_down_of_one_portfolio_asks_what_its_path_takes(alice, portfolio, holdings):
    path = f"portfolios/{portfolio.pk}/allocation"
    led_down = set()
    for by in GROUP_BY:
        for group in ask(alice, path, by=by)["groups"]:
            if group["down"]:
                assert ask(alice, path, **group["down"])["groups"]
                led_down.add(by)
    assert led_down == set(GROUP_BY) - {"asset"}


@pytest.mark.parametrize("report", ["allocation", "net-worth", "net-worth/change", "allocation/chart.svg"])
@pytest.mark.parametrize("name", ["tag", "type", "under"])
def test_strangers_group_is_not_found(charlie, household, holdings, tree, report, name):
    own_type = AssetType.objects.create(household=household, code="OWN", label="Own", group="OTHER")
    theirs = {"tag": [Tag.objects.first().pk], "type": [own_type.pk, "OWN", "own"], "under": [tree["top"].pk]}
    code = {"type": "ASSET_TYPE", "under": "CATEGORY"}.get(name, "TAG")
    for one in (*theirs[name], ABSENT):
        answer = charlie.get(f"{API}/{report}", {name: str(one)})
        assert (answer.status_code, answer.json()["code"]) == (404, f"{code}_NOT_FOUND"), one


def test_narrowed_report_is_confirmed_until_its_part_changes(alice, holdings):
    path = f"{API}/allocation?{DAY}&tag={Tag.objects.get(name='Blue').pk}"
    tag = alice.get(path)["ETag"]
    assert alice.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    label(holdings["cash"], tag_ids=[Tag.objects.get(name="Blue").pk])
    assert alice.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 200


QUERIES = {
    "allocation?on=2024-06-30&by=asset&type=CASH": 6,
    "allocation?on=2024-06-30&by=type&group=FINANCIAL&tag=none": 5,
    "net-worth?start=2024-06-01&end=2024-06-30&interval=day&asset_currency=EUR": 4,
    "net-worth/change?start=2024-05-31&end=2024-06-30&under=none": 6,
}


@pytest.mark.parametrize("report", QUERIES)
def test_part_takes_a_fixed_number_of_queries(alice, portfolio, holdings, report):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            ok(alice.get(f"{API}/{report}"))
        return len(seen)

    before = queries()
    for number in range(7):
        held(portfolio, f"More {number}", 1, "10", on="2024-06-05")
    assert (before, queries()) == (QUERIES[report], QUERIES[report])
