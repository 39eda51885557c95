"""Assets that do not count in net worth: left out of every total on all days, and in it with include=all.

The holdings are worth 300 + 100 + 50 - 40 / 1.25 = 418 euros from 1 June 2024 on; without the bond of 100, 318.
"""

import csv
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, ExchangeRate
from assets.services.assets import update_asset
from portfolios.models import Portfolio
from reports.models import AllocationTarget
from tests.admin_forms import change_form_data, save, staff
from tests.factories import add_value, create_valued_asset

pytestmark = pytest.mark.usefixtures("shared_holdings")

API = "/api/v1"
WEEK = {"start": "2024-06-28", "end": "2024-07-04"}  # with a rate of the dollar
ON = {"on": "2024-06-30"}
ALL = {"include": "all"}


@pytest.fixture
def left_out(holdings):
    """The bond does not count."""
    bond = holdings["bond"]
    update_asset(bond.pk, {"counts_in_net_worth": False})
    bond.refresh_from_db()
    return bond


def ask(client, path, **asked):
    answer = client.get(f"{API}/{path}", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_asset_counts_unless_it_is_said_not_to(charlie):
    portfolio = charlie.post(f"{API}/portfolios", {"name": "Own"}).json()
    body = {"portfolio_id": portfolio["id"], "asset_type_id": TypeId.CASH, "name": "Ours"}
    assert charlie.post(f"{API}/assets", body).json()["counts_in_net_worth"] is True
    left_out = body | {"name": "Grandmother's account", "counts_in_net_worth": False, "value": "7"}
    created = charlie.post(f"{API}/assets", left_out)
    assert created.status_code == 201, created.content
    assert created.json()["counts_in_net_worth"] is False
    assert (created.json()["current_value"], ask(charlie, "me/summary")["net_worth"]) == ("7.00", "0.00")
    path = f"{API}/assets/{created.json()['id']}"
    assert charlie.put(path, {"name": "Grandmother's"}).json()["counts_in_net_worth"] is False
    assert charlie.put(path, charlie.get(path).json()).json()["counts_in_net_worth"] is False
    table = charlie.get(f"{API}/assets", {"format": "csv"}).getvalue().decode("utf-8-sig").splitlines()
    assert [row["counts_in_net_worth"] for row in csv.DictReader(table)] == ["false", "true"]


@pytest.mark.parametrize("value", ["false", 0, None, "no", []])
def test_flag_is_true_or_false(alice, holdings, value):
    refused = alice.patch(f"{API}/assets/{holdings['bond'].pk}", {"counts_in_net_worth": value})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "counts_in_net_worth")


def test_bond_of_100_is_in_no_total_and_in_each_with_include_all(alice, portfolio, left_out):
    for reports in ("", f"portfolios/{portfolio.pk}/"):
        for interval in ("day", "week", "month"):
            path = f"{reports}net-worth"
            points = ask(alice, path, **WEEK, interval=interval)["points"]
            assert {point["net"] for point in points} == {"318.00"}
            points = ask(alice, path, **WEEK, **ALL, interval=interval)["points"]
            assert {point["net"] for point in points} == {"418.00"}
        allocation = ask(alice, f"{reports}allocation", **ON)
        assert [allocation[name] for name in ("assets", "liabilities", "net")] == [
            "350.00",
            "-32.00",
            "318.00",
        ]
        assert allocation["liquid"] == {"value": "350.00", "share": "1.000000"}
        assert ask(alice, f"{reports}allocation", **ON, **ALL)["assets"] == "450.00"
    assert ask(alice, f"portfolios/{portfolio.pk}", **ON)["total_value"] == "318.00"
    assert ask(alice, f"portfolios/{portfolio.pk}", **ON, **ALL)["total_value"] == "418.00"
    (row,) = ask(alice, "portfolios", **ON)["results"]
    assert row["total_value"] == "318.00"
    (row,) = ask(alice, "portfolios", **ON, **ALL)["results"]
    assert row["total_value"] == "418.00"
    saved = alice.post(f"{API}/portfolios/{portfolio.pk}/snapshots", ON).json()
    assert saved["value"] == "318.00"


@pytest.mark.parametrize("group_by", ["type", "group", "liquidity", "currency", "portfolio", "institution"])
def test_groups_have_what_counts_by_every_reader(alice, left_out, group_by):
    for interval in ("day", "month"):
        for asked, total in (({}, 318), (ALL, 418)):
            series = ask(alice, "net-worth", **WEEK, **asked, interval=interval, group_by=group_by)
            groups = series["points"][-1]["groups"]
            assert sum(map(Decimal, groups.values())) == total
    assert ask(alice, "allocation", **ON, tag="Blue")["net"] == "0.00"
    assert ask(alice, "allocation", **ON, **ALL, tag="Blue")["net"] == "100.00"


def figures(change):
    return [change["total"][name] for name in ("start_value", "end_value", "change")]


def test_change_explains_what_counts_alone(alice, left_out, holdings):
    add_value(left_out, "130", date(2024, 7, 2))
    add_value(holdings["cash"], "55", date(2024, 7, 2))
    change = ask(alice, "net-worth/change", **WEEK)
    assert figures(change) == ["318.00", "323.00", "5.00"]
    assert {row["name"] for row in change["rows"]} == {"Fund", "Cash", "Loan"}
    change = ask(alice, "net-worth/change", **WEEK, **ALL, group_by="type")
    assert figures(change) == ["418.00", "453.00", "35.00"]


def test_summary_leaves_it_out_of_net_worth_and_month_alone(alice, left_out):
    add_value(left_out, "130", date(2024, 7, 20))
    day = {"on": "2024-07-31"}
    ExchangeRate.objects.create(currency="USD", on="2024-07-31", units_per_euro="1.25")
    shown, whole = ask(alice, "me/summary", **day), ask(alice, "me/summary", **day, **ALL)
    assert (shown["net_worth"], shown["month"]["change"]) == ("318.00", "0.00")
    assert (whole["net_worth"], whole["month"]["change"]) == ("448.00", "30.00")
    same = ("current_assets", "stale_values", "findings")
    assert [shown[name] for name in same] == [whole[name] for name in same]
    assert shown["current_assets"] == 4


def test_first_value_of_an_asset_left_out_begins_no_series(alice, left_out):
    add_value(left_out, "5", date(2023, 1, 15))
    assert ask(alice, "net-worth", end="2024-06-30")["points"][0]["on"] == "2024-06-30"
    assert ask(alice, "net-worth", end="2024-06-30", **ALL)["points"][0]["on"] == "2023-01-31"


def test_values_and_findings_stay(alice, portfolio, left_out):
    assert ask(alice, f"assets/{left_out.pk}")["current_value"] == "100.00"
    assert len(ask(alice, f"assets/{left_out.pk}/snapshots")["results"]) == 1
    findings = ask(alice, f"portfolios/{portfolio.pk}/quality", on="2024-12-31")["findings"]
    assert [each["code"] for each in findings if (each["asset"] or {}).get("name") == "Bond"] == [
        "STALE_VALUE"
    ]


def test_target_of_an_asset_left_out_is_not_reported(alice, household, holdings, left_out):
    for name, share in (("fund", "0.5"), ("bond", "0.5")):
        AllocationTarget.objects.create(household=household, asset=holdings[name], share=share)

    def targets(**asked):
        rows = ask(alice, "allocation", **ON, **asked, group_by="asset")["asset_groups"]
        return {row["name"]: row["target"] for row in rows if row["target"]}

    assert "Bond" not in targets()
    assert targets()["Fund"] == "0.500000"
    assert targets(**ALL)["Bond"] == "0.500000"


def test_change_of_the_flag_applies_to_the_whole_past_and_known_at_to_the_time_before(
    alice, portfolio, holdings
):
    bond, fund = holdings["bond"], holdings["fund"]
    saved = alice.post(f"{API}/portfolios/{portfolio.pk}/snapshots", {"on": "2024-06-10"}).json()
    assert saved["value"] == "418.00"
    before = timezone.now().isoformat()
    assert alice.patch(f"{API}/assets/{bond.pk}", {"counts_in_net_worth": False}).status_code == 200
    between = timezone.now().isoformat()
    alice.patch(f"{API}/assets/{bond.pk}", {"counts_in_net_worth": True})
    alice.patch(f"{API}/assets/{fund.pk}", {"counts_in_net_worth": False})
    for interval in ("day", "month"):
        for asked, net in (
            ({}, "118.00"),
            ({"known_at": between}, "318.00"),
            ({"known_at": before}, "418.00"),
            ({"known_at": between, **ALL}, "418.00"),
        ):
            points = ask(alice, "net-worth", **WEEK, **asked, interval=interval)["points"]
            assert {point["net"] for point in points} == {net}
    for asked, net in (({}, "118.00"), ({"known_at": between}, "318.00"), ({"known_at": before}, "418.00")):
        path = f"portfolios/{portfolio.pk}"
        assert ask(alice, path, **ON, **asked)["total_value"] == net
        assert ask(alice, "net-worth/change", **WEEK, **asked)["total"]["end_value"] == net
        assert ask(alice, f"{path}/snapshots", **asked)["results"][0]["value"] == net
    event = ask(alice, f"assets/{fund.pk}/history")["results"][0]
    assert event["fields_changed"] == [{"field": "counts_in_net_worth", "before": "true", "after": "false"}]
    call_command("take_snapshots")
    assert ask(alice, f"portfolios/{portfolio.pk}/snapshots")["results"][-1]["value"] == "118.00"


def test_undo_of_the_flag_gives_the_totals_of_before(alice, holdings):
    path = f"{API}/assets/{holdings['bond'].pk}"
    request_id = alice.patch(path, {"counts_in_net_worth": False})["X-Request-Id"]
    assert ask(alice, "net-worth", **WEEK, interval="day")["points"][-1]["net"] == "318.00"
    undone = alice.post(f"{API}/undo/{request_id}")
    assert undone.status_code == 200, undone.content
    assert ask(alice, path.removeprefix(f"{API}/"))["counts_in_net_worth"] is True
    assert ask(alice, "net-worth", **WEEK, interval="day")["points"][-1]["net"] == "418.00"


REPORTS = (
    "net-worth",
    "allocation",
    "net-worth/change",
    "me/summary",
    "net-worth/chart.svg",
    "net-worth/chart.png",
    "allocation/chart.svg",
    "allocation/chart.png",
    "portfolios/{pk}/net-worth",
    "portfolios/{pk}/allocation",
    "portfolios/{pk}/change",
    "portfolios/{pk}/net-worth/chart.svg",
    "portfolios/{pk}/net-worth/chart.png",
    "portfolios/{pk}/allocation/chart.svg",
    "portfolios/{pk}/allocation/chart.png",
    "portfolios/{pk}",
    "portfolios",
)


@pytest.mark.parametrize("path", REPORTS)
def test_include_is_all_or_refused_by_its_name(alice, portfolio, left_out, path):
    path = f"{API}/{path.format(pk=portfolio.pk)}"
    assert alice.get(path, ALL).status_code == 200
    for wrong in ("counted", "ALL", "", "true", "children"):
        refused = alice.get(path, {"include": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "include")
    assert alice.get(path, {"include": ["all", "all"]}).status_code == 400


@pytest.mark.parametrize("path", [path for path in REPORTS if path != "portfolios"])
def test_another_flag_gives_the_answer_another_etag(alice, portfolio, holdings, path):
    path = f"{API}/{path.format(pk=portfolio.pk)}"
    answer = alice.get(path)
    assert alice.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    update_asset(holdings["fund"].pk, {"counts_in_net_worth": False})
    again = alice.get(path, headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("path", "asked", "queries", "with_all"),
    [
        ("net-worth", {**WEEK, "interval": "day"}, 3, 5),  # the others, and their months
        ("net-worth", {**WEEK, "interval": "day", "group_by": "asset"}, 6, 6),
        ("net-worth", {**WEEK, "interval": "week"}, 3, 5),
        ("allocation", ON, 6, 8),
        ("net-worth/change", WEEK, 6, 6),
        ("me/summary", ON, 13, 16),
        ("portfolios", ON, 3, 3),
    ],
)
def test_reports_take_their_number_of_queries(alice, portfolio, left_out, path, asked, queries, with_all):
    ask(alice, path, **asked, **ALL)  # loads the rates, which are kept from then on
    for _ in range(2):
        for include, count in (({}, queries), (ALL, with_all)):
            with CaptureQueriesContext(connection) as captured:
                ask(alice, path, **asked, **include)
            assert len(captured) == count
        for number in range(5):
            more = create_valued_asset(portfolio, f"More {number}", TypeId.CASH, "1", currency="USD")
            update_asset(more.pk, {"counts_in_net_worth": number % 2 == 0})


def test_dry_run_of_a_batch_has_the_totals_of_what_counts(alice, left_out, holdings):
    rows = [
        {"asset_id": str(left_out.pk), "on": "2024-06-30", "value": "500"},
        {"asset_id": str(holdings["cash"].pk), "on": "2024-06-30", "value": "60"},
    ]
    answer = alice.post(f"{API}/values:batch?dry_run=1", {"rows": rows}).json()
    (total,) = answer["totals"]
    assert [total[name] for name in ("before", "after", "change")] == ["318.00", "328.00", "10.00"]


# --- pages ---


def test_form_has_the_flag_with_its_help(alice_user, holdings):
    client, bond = staff(alice_user), Asset.objects.get(pk=holdings["bond"].pk)
    page = client.get(f"/admin/assets/asset/{bond.pk}/change/").content.decode()
    assert "Counts in net worth" in page
    assert "left out of all totals and reports, on all days" in page
    form = change_form_data(client, bond)
    assert form.pop("counts_in_net_worth")
    assert save(client, bond, form).status_code == 302  # a box that is not ticked is not sent
    assert Asset.objects.get(pk=bond.pk).counts_in_net_worth is False
    form = change_form_data(client, Asset.objects.get(pk=bond.pk))
    assert save(client, bond, form).status_code == 302
    assert Asset.objects.get(pk=bond.pk).counts_in_net_worth is False


def test_history_page_says_yes_and_no(alice_user, left_out):
    page = staff(alice_user).get(f"/admin/assets/asset/{left_out.pk}/history/").content.decode()
    assert "Counts in net worth" in page
    assert "Yes → No" in page


def test_update_values_shows_it_last_and_leaves_it_out_of_the_sentence(
    alice_user, portfolio, left_out, holdings
):
    client = staff(alice_user)
    Portfolio.objects.filter(pk=portfolio.pk).update(base_currency="EUR")
    page = client.get("/admin/update-values/", ON).context["sections"]
    assert [(heading, [row["name"] for row in rows]) for heading, rows in page] == [
        ("Financial", ["Cash", "Fund"]),
        ("Debts", ["Loan"]),
        ("Not counted in net worth", ["Bond"]),
    ]
    rows = [{"asset": str(left_out.pk), "text": "500"}, {"asset": str(holdings["cash"].pk), "text": "60"}]
    asked = {"portfolio": str(portfolio.pk), **ON, "rows": rows, "action": "preview"}
    answer = client.post("/admin/update-values/", asked, content_type="application/json").json()
    assert answer["total"] == "318 → 328 EUR (+10, +3.1 %)".replace(" %", "\N{NO-BREAK SPACE}%")


def test_dashboard_leaves_it_out(alice_user, left_out):
    client = staff(alice_user)
    page = client.get("/admin/", {"range": "own", "start": "2024-06-01", "end": "2024-06-30"})
    dashboard = page.context["dashboard"]
    assert "318.00" in str(dashboard["worth"]["net"])
    assert "Bond" not in str(dashboard["allocation"])
