"""The reports of the API: parameters, answers, errors, and the number of queries."""

import csv
import io
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Category, ExchangeRate, Tag
from assets.services.labels import label_asset
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget
from reports.queries import etag as freshness
from tests.factories import create_valued_asset
from tests.refusals import assert_refused

pytestmark = pytest.mark.usefixtures("shared_holdings")

API = "/api/v1"
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def path(portfolio):
    return f"{API}/portfolios/{portfolio.pk}"


def ok(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()


# --- net worth over time ---


def test_history_tells_every_point(alice, path, holdings):
    answer = ok(alice.get(f"{path}/net-worth?start=2024-05-31&end=2024-06-30"))
    assert (answer["currency"], answer["interval"], answer["group_by"]) == ("EUR", "month", None)
    assert answer["points"] == [
        {
            "on": "2024-05-31",
            "assets": "0.00",
            "liabilities": "0.00",
            "net": "0.00",
            "complete": True,
            "missing_rates": [],
            "missing_prices": [],
        },
        {
            "on": "2024-06-30",
            "assets": "450.00",
            "liabilities": "-32.00",
            "net": "418.00",
            "complete": True,
            "missing_rates": [],
            "missing_prices": [],
        },
    ]


def test_history_names_its_groups(alice, path, holdings, tree):
    answer = ok(alice.get(f"{path}/net-worth?end=2024-06-30&group_by=category&level=2"))
    assert sorted(answer["groups"], key=lambda group: group["name"]) == [
        {"key": str(tree["bonds"].pk), "name": "Bonds", "path": ["Invested", "Bonds"]},
        {"key": "none", "name": "No category", "path": []},
        {"key": str(tree["shares"].pk), "name": "Shares", "path": ["Invested", "Shares"]},
    ]
    assert answer["points"][-1]["groups"] == {
        str(tree["bonds"].pk): "100.00",
        str(tree["shares"].pk): "300.00",
        "none": "18.00",
    }


def test_missing_rate_is_named_on_each_point(alice, path, holdings):
    answer = ok(alice.get(f"{path}/net-worth?start=2024-06-25&end=2024-06-28&interval=day"))
    lacking = [point["missing_rates"] for point in answer["points"]]
    gap = {"currency": "USD", "amount": "-40.00"}
    assert lacking == [[gap | {"on": f"2024-06-{day}"}] for day in (25, 26, 27)] + [[]]
    assert [point["complete"] for point in answer["points"]] == [False, False, False, True]
    assert answer["points"][0]["net"] == "450.00"


def test_history_in_another_currency(alice, path, holdings):
    answer = ok(alice.get(f"{path}/net-worth?start=2024-06-30&end=2024-06-30&currency=usd"))
    assert (answer["currency"], answer["points"][0]["net"]) == ("USD", "522.50")


def test_several_portfolios_are_reported_in_their_common_currency_or_in_euro(
    alice, household, portfolio, holdings
):
    dollars = Portfolio.objects.create(household=household, name="Dollars", base_currency="USD")
    create_valued_asset(dollars, "Account", TypeId.CHECKING_ACCOUNT, "125", currency="USD")
    combined = ok(alice.get(f"{API}/net-worth?end=2024-06-30"))
    assert (combined["currency"], combined["points"][-1]["net"]) == ("EUR", "518.00")
    single = ok(alice.get(f"{API}/net-worth?end=2024-06-30&portfolio={dollars.pk}"))
    assert (single["currency"], single["points"][-1]["net"]) == ("USD", "125.00")
    named = ok(alice.get(f"{API}/net-worth?end=2024-06-30&portfolio={dollars.pk}&portfolio={portfolio.pk}"))
    assert named["points"] == combined["points"]


def test_net_worth_of_who_has_nothing_is_zero(charlie):
    assert [point["net"] for point in ok(charlie.get(f"{API}/net-worth"))["points"]] == ["0.00"]
    assert ok(charlie.get(f"{API}/allocation"))["asset_groups"] == []
    assert ok(charlie.get(f"{API}/net-worth/change"))["total"]["change"] == "0.00"


def test_strangers_portfolio_is_not_found_in_any_report(charlie, portfolio, holdings):
    for report in ("net-worth", "net-worth/change", "allocation"):
        foreign = charlie.get(f"{API}/{report}?portfolio={portfolio.pk}")
        assert (foreign.status_code, foreign.json()["code"]) == (404, "PORTFOLIO_NOT_FOUND")


def test_strangers_category_is_not_found(charlie, portfolio, tree):
    answer = charlie.get(f"{API}/allocation?group_by=category&category={tree['top'].pk}")
    assert (answer.status_code, answer.json()["code"]) == (404, "CATEGORY_NOT_FOUND")


REFUSALS = {
    "net-worth?interval=fortnight": "interval",
    "net-worth?group_by=colour": "group_by",
    "net-worth?start=2024-02-30": "start",
    "net-worth?start=2024-03-01&end=2024-02-01": "start",
    "net-worth?start=2200-01-01": "start",
    "net-worth?currency=EURO": "currency",
    "net-worth?level=2": "level",
    "net-worth?group_by=category&level=0": "level",
    "net-worth?group_by=category&level=21": "level",
    "net-worth?group=": "group",
    "allocation?asset_currency=XYZ": "asset_currency",
    "allocation?type=": "type",
    "allocation?type=CASH&type=LOAN": "type",
    "change?group=NOTHING": "group",
    "quality?type=CASH": "type",
    f"net-worth?portfolio={ABSENT}": "portfolio",
    "net-worth?by=type": "by",
    "net-worth?start=1800-01-01&end=2200-12-31&interval=day": "interval",
    "net-worth?page=1": "page",
    "allocation?on=yesterday": "on",
    "allocation?group_by=": "group_by",
    "change?start=2024-03-01&end=2024-02-01": "start",
    "change?group_by=nothing": "group_by",
    "quality?since=2024-03-01&on=2024-02-01": "since",
    "quality?currency=EUR": "currency",
}


@pytest.mark.parametrize("query", REFUSALS)
def test_refusal_names_the_parameter(alice, path, holdings, query):
    assert_refused(alice.get(f"{path}/{query}"), REFUSALS[query])


# Parameters that were renamed, and those of the report that was at history.
FORMER_PARAMETERS = (
    ("allocation?by=type", "by"),
    ("allocation?under=none", "under"),
    ("allocation/chart.svg?by=type", "by"),
    ("change?by=asset", "by"),
    ("change?under=none", "under"),
    ("net-worth?under=none", "under"),
    ("net-worth/chart.svg?under=none", "under"),
    ("history?interval=day", "interval"),
    ("history?group_by=type", "group_by"),
    ("history?start=2024-01-01", "start"),
)


@pytest.mark.parametrize(("query", "name"), FORMER_PARAMETERS)
def test_a_former_name_is_no_parameter(alice, path, holdings, query, name):
    answer = alice.get(f"{path}/{query}")
    assert_refused(answer, name)
    (error,) = answer.json()["errors"]
    assert error["message"] == "There is no such parameter."


def test_a_former_path_is_not_found_and_history_is_the_journal(alice, path, holdings):
    assert alice.get(f"{path}/changes").status_code == 404
    answer = ok(alice.get(f"{path}/history"))
    assert answer["results"][-1]["action"] == "create"
    assert {"channel", "actor"} <= answer["results"][-1].keys() and "road" not in answer["results"][-1]


def test_too_many_figures_are_refused_before_they_are_loaded(alice, path, portfolio):
    for number in range(14):
        Asset.objects.create(portfolio=portfolio, asset_type_id=TypeId.CASH, name=str(number), currency="EUR")
    with CaptureQueriesContext(connection) as seen:
        assert_refused(
            alice.get(f"{path}/net-worth?start=1980-01-01&end=2024-01-01&interval=day&group_by=asset"),
            "group_by",
        )
    assert not any("assets_assetsnapshot" in query["sql"] for query in seen)


# --- CSV ---


def table(answer):
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.reader(io.StringIO(answer.getvalue().decode())))


def test_history_as_a_table(alice, path, holdings):
    answer = alice.get(
        f"{path}/net-worth?start=2024-06-30&end=2024-06-30&group_by=group", HTTP_ACCEPT="text/csv"
    )
    assert table(answer) == [
        [
            "on",
            "currency",
            "assets",
            "liabilities",
            "net",
            "Debts",
            "Financial",
            "complete",
            "missing_rates",
            "missing_prices",
        ],
        ["2024-06-30", "EUR", "450.00", "-32.00", "418.00", "-32.00", "450.00", "true", "", ""],
    ]


def test_refusal_is_json_for_who_accepts_tables_alone(alice, path):
    answer = alice.get(f"{path}/net-worth?interval=fortnight", HTTP_ACCEPT="text/csv")
    assert answer["Content-Type"] == "application/json"
    assert_refused(answer, "interval")


# --- allocation ---


def test_allocation_with_targets_says_what_to_buy_and_sell(alice, path, portfolio, holdings):
    for asset_type, share in ((TypeId.STOCKS, "0.5"), (TypeId.BONDS, "0.5")):
        body = {"portfolio_id": str(portfolio.pk), "asset_type_id": asset_type, "share": share}
        assert alice.post(f"{API}/allocation-targets", body).status_code == 201
    answer = ok(alice.get(f"{path}/allocation?on=2024-06-30"))
    assert [
        [group[name] for name in ("name", "value", "share", "target", "drift", "rebalance")]
        for group in answer["asset_groups"]
    ] == [
        ["Stocks", "300.00", "0.666667", "0.500000", "0.166667", "-75.00"],
        ["Bonds", "100.00", "0.222222", "0.500000", "-0.277778", "125.00"],
        ["Cash", "50.00", "0.111111", "0.000000", "0.111111", "-50.00"],
    ]
    assert [(group["name"], group["value"]) for group in answer["liability_groups"]] == [("Loan", "-32.00")]
    assert (answer["assets"], answer["liabilities"], answer["net"]) == ("450.00", "-32.00", "418.00")


def test_portfolio_without_targets_of_its_own_has_its_households(alice, household, portfolio, path, holdings):
    AllocationTarget.objects.create(household=household, currency="EUR", share="0.9")
    (euro,) = ok(alice.get(f"{path}/allocation?on=2024-06-30&group_by=currency"))["asset_groups"]
    assert euro["target"] == "0.900000"
    AllocationTarget.objects.create(household=household, portfolio=portfolio, currency="EUR", share="0.8")
    (euro,) = ok(alice.get(f"{path}/allocation?on=2024-06-30&group_by=currency"))["asset_groups"]
    assert euro["target"] == "0.800000"
    (euro,) = ok(alice.get(f"{API}/allocation?on=2024-06-30&group_by=currency"))["asset_groups"]
    assert euro["target"] == "0.800000"  # of all there is one: the same portfolio


def test_allocation_of_a_category_leads_to_its_assets(alice, path, holdings, tree):
    def look(query):
        return {
            group["name"]: group["drill_down"]
            for group in ok(alice.get(f"{path}/allocation?{query}"))["asset_groups"]
        }

    down = look("on=2024-06-30&group_by=category")["Invested"]
    assert down == {"group_by": "category", "category": str(tree["top"].pk)}
    down = look(f"on=2024-06-30&group_by={down['group_by']}&category={down['category']}")["Shares"]
    down = look(f"on=2024-06-30&group_by={down['group_by']}&category={down['category']}")["Funds"]
    assert down == {"group_by": "asset", "category": str(tree["funds"].pk)}
    last = ok(alice.get(f"{path}/allocation?on=2024-06-30&group_by=asset&category={tree['funds'].pk}"))
    assert [(group["name"], group["share"]) for group in last["asset_groups"]] == [("Fund", "1.000000")]


# --- why it changed, how sure ---


def test_change_by_asset_adds_up(alice, path, holdings):
    answer = ok(alice.get(f"{path}/change?start=2024-05-31&end=2024-06-30"))
    assert answer["total"] | {} == {
        "start_value": "0.00",
        "end_value": "418.00",
        "change": "418.00",
        "net_flows": "18.00",
        "income": "0.00",
        "expenses": "0.00",
        "value_change": "0.00",
        "fx_change": "0.00",
        "added": "400.00",
        "removed": "0.00",
    }
    rows = {row["name"]: (row["net_flows"], row["added"]) for row in answer["rows"]}
    assert rows == {
        "Fund": ("0.00", "300.00"),
        "Bond": ("0.00", "100.00"),
        "Cash": ("50.00", "0.00"),
        "Loan": ("-32.00", "0.00"),
    }


def test_change_begins_a_month_before_its_end(alice, path, holdings):
    assert ok(alice.get(f"{path}/change?end=2024-03-31"))["start"] == "2024-02-29"


def test_asset_without_a_rate_is_left_out_by_name(alice, path, portfolio, holdings):
    create_valued_asset(portfolio, "Yen", TypeId.CHECKING_ACCOUNT, "1000", currency="JPY")
    answer = ok(alice.get(f"{path}/change?start=2024-05-31&end=2024-06-30"))
    assert ([asset["name"] for asset in answer["left_out"]], answer["complete"]) == (["Yen"], False)
    assert answer["missing_rates"] == [{"currency": "JPY", "on": "2024-06-30", "amount": "1000.00"}]


def test_findings_carry_links_that_work(alice, path, portfolio, holdings):
    create_valued_asset(portfolio, "Mortgage", TypeId.MORTGAGE, "200000")
    answer = ok(alice.get(f"{path}/quality?on=2024-06-30"))
    (finding,) = answer["findings"]
    assert (finding["code"], finding["asset"]["name"], answer["since"]) == (
        "POSITIVE_LIABILITY",
        "Mortgage",
        "2023-05-27",
    )
    assert alice.patch(finding["link"], {"value": "-200000"}).status_code == 200
    assert ok(alice.get(f"{path}/quality?on=2024-06-30"))["findings"] == []


# --- freshness ---

REPORTS = (
    "net-worth?end=2024-06-30",
    "allocation?on=2024-06-30",
    "change?start=2024-05-31&end=2024-06-30",
    "quality",
)


@pytest.mark.parametrize("report", REPORTS)
def test_unchanged_report_is_confirmed_by_one_query(alice, path, holdings, report):
    first = alice.get(f"{path}/{report}")
    with CaptureQueriesContext(connection) as seen:
        again = alice.get(f"{path}/{report}", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert len(seen) == 1


CHANGES = {
    "value": lambda world: AssetSnapshot.objects.filter(asset=world["fund"]).update(value="7"),
    "asset": lambda world: Asset.objects.filter(pk=world["fund"].pk).update(disposed_on="2024-06-02"),
    "label": lambda world: label_asset(
        world["cash"].pk, tag_ids=list(Tag.objects.values_list("pk", flat=True))
    ),
    "rate": lambda world: ExchangeRate.objects.create(currency="USD", on="2024-06-28", units_per_euro="2"),
    "category": lambda world: Category.objects.filter(name="Shares").update(name="Stakes"),
    "tag": lambda world: Tag.objects.filter(name="Blue").update(name="Green"),
    "target": lambda world: AllocationTarget.objects.create(
        household=Household.objects.get(), group="OTHER", share="0.1"
    ),
    "type": lambda world: (
        type(world["fund"].asset_type).objects.filter(pk=TypeId.STOCKS).update(label="Shares")
    ),
    "portfolio": lambda world: Portfolio.objects.all().update(name="Other"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_bears_on_a_report_makes_it_another(alice, path, holdings, change):
    before = {report: alice.get(f"{path}/{report}")["ETag"] for report in REPORTS}
    CHANGES[change](holdings)
    for report, tag in before.items():
        assert alice.get(f"{path}/{report}", HTTP_IF_NONE_MATCH=tag).status_code == 200, report


@pytest.mark.parametrize("report", REPORTS)
def test_what_counts_it_bears_on_a_report_too(alice, path, holdings, settings, monkeypatch, report):
    tags = {alice.get(f"{path}/{report}")["ETag"]}
    settings.RATE_MAX_AGE_DAYS = 3
    tags.add(alice.get(f"{path}/{report}")["ETag"])
    monkeypatch.setattr(freshness, "__version__", "another")
    tags.add(alice.get(f"{path}/{report}")["ETag"])
    assert len(tags) == 3
    for tag in tags:
        answer = alice.get(f"{path}/{report}", HTTP_IF_NONE_MATCH=tag)
        assert answer.status_code == (304 if answer["ETag"] == tag else 200)


def test_day_that_ends_makes_another_report(alice, path, holdings, monkeypatch):
    tag = alice.get(f"{path}/net-worth")["ETag"]
    monkeypatch.setattr("reports.queries.etag.today_of", lambda portfolio: date(2099, 1, 1))
    assert alice.get(f"{path}/net-worth", HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_table_and_json_have_tags_of_their_own(alice, path, holdings):
    as_json = alice.get(f"{path}/net-worth")
    as_table = alice.get(f"{path}/net-worth", HTTP_ACCEPT="text/csv")
    assert as_json["ETag"] != as_table["ETag"]
    assert "Accept" in as_json["Vary"].split(", ")


# --- cost ---

QUERIES = {
    "net-worth?end=2024-06-30": 4,
    "net-worth?end=2024-06-30&start=2024-06-01&interval=day&group_by=type": 5,
    "net-worth?end=2024-06-30&group_by=category": 8,
    "net-worth?end=2024-06-30&group_by=tag": 8,
    "allocation?on=2024-06-30": 6,
    "allocation?on=2024-06-30&group_by=category": 7,
    "change?start=2024-05-31&end=2024-06-30": 6,
    "change?start=2024-03-31&end=2024-06-30": 7,
    "change?start=2024-05-31&end=2024-06-30&group_by=category": 9,
    "quality?on=2024-06-30": 7,
}


@pytest.mark.parametrize("report", QUERIES)
def test_report_takes_a_fixed_number_of_queries(alice, path, portfolio, holdings, report):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            ok(alice.get(f"{path}/{report}"))
        return len(seen)

    queries()  # loads the rates, which are kept from then on
    before = queries()
    for number in range(7):
        asset = create_valued_asset(
            portfolio, f"More {number}", TypeId.SAVINGS_ACCOUNT, "10000", on="2024-06-05"
        )
        label_asset(asset.pk, category_ids=list(Category.objects.values_list("pk", flat=True)[:2]))
    assert (before, queries()) == (QUERIES[report], QUERIES[report])
