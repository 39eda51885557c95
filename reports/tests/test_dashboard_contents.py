"""What the admin's first page shows: the chart, the allocation, the reasons, the findings; and its queries."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetType, Category, Tag, Transaction
from assets.services.labels import label_asset
from portfolios.models import Household, Portfolio
from reports.dashboard.checks import MOST_ISSUES
from reports.dashboard.kept import KEPT
from reports.dashboard.page import show
from reports.dashboard.picker import CHARTS
from reports.tests.dashboard_pages import TODAY, entering, last_figures, page, worth
from strata.fields.dates import noon

QUERIES = (19, 19)  # of one year, and of all days by category


def test_chart_has_the_exact_figures_with_liabilities_below_zero(vera_staff, portfolio):
    day = TODAY - timedelta(days=3)
    worth(portfolio, "300.25", on=day)
    worth(portfolio, "-120.05", on=day, name="Loan", asset_type_id=TypeId.LOAN)
    net, sides, groups = [last_figures(page(vera_staff, start=day, end=day, chart=name)) for name in CHARTS]
    assert net == {"Net worth": "180.20 EUR"}
    assert sides == {"Assets": "300.25 EUR", "Debts": "-120.05 EUR", "Net worth": "180.20 EUR"}
    assert groups == {"Checking account": "300.25 EUR", "Loan": "-120.05 EUR", "Net worth": "180.20 EUR"}


def test_too_many_groups_to_draw_are_drawn_together(vera_staff, portfolio, monkeypatch):
    monkeypatch.setattr("reports.dashboard.worth.PALETTE", ("red", "blue"))
    for number in range(4):
        worth(portfolio, f"{9 - number}.00", name=f"A{number}")
    assert last_figures(page(vera_staff, group_by="asset", chart="groups")) == {
        "A0": "9.00 EUR",
        "Other (3)": "21.00 EUR",
        "Net worth": "30.00 EUR",
    }
    monkeypatch.setattr("reports.queries.net_worth.MOST_FIGURES", 3)
    shown = page(vera_staff, group_by="asset", chart="groups", portfolio=portfolio.pk)
    assert list(last_figures(shown)) == ["Net worth"]
    assert "too many groups" in shown["html"]


def test_allocation_is_of_the_last_day_shown(vera_staff, portfolio):
    worth(portfolio, "75.00", on=date(2020, 1, 1))
    worth(portfolio, "25.00", on=date(2020, 1, 1), name="House", asset_type_id=TypeId.REAL_ESTATE)
    worth(portfolio, "-10.00", on=date(2020, 1, 1), name="Loan", asset_type_id=TypeId.LOAN)
    worth(portfolio, "9999.00", on=date(2021, 1, 1))
    spread = page(vera_staff, start="2020-01-01", end="2020-06-01")["allocation"]
    assert [(row["share"], str(row["value"])) for row in spread["owned"]] == [
        ("75.0\N{NO-BREAK SPACE}%", "75.00 EUR"),
        ("25.0\N{NO-BREAK SPACE}%", "25.00 EUR"),
    ]
    assert [str(row["value"]) for row in spread["owed"]] == ["-10.00 EUR"]


def test_allocation_leads_down_to_assets_and_back_up(vera_staff, portfolio, household):
    account = worth(portfolio, "75.00")
    worth(portfolio, "25.00", name="House", asset_type_id=TypeId.REAL_ESTATE)
    worth(portfolio, "-10.00", name="Loan", asset_type_id=TypeId.LOAN)

    def follow(row):
        shown = vera_staff.get("/admin/" + row["link"]).context["dashboard"]["allocation"]
        return shown, [name for name, _ in shown["breadcrumbs"]]

    top = page(vera_staff, group_by="group", range="1m")["allocation"]
    assert top["breadcrumbs"] == []
    types, breadcrumbs = follow(top["owned"][0])
    assert ([row["name"] for row in types["owned"]], breadcrumbs) == (
        ["Checking account"],
        ["All", "Financial"],
    )
    assets, breadcrumbs = follow(types["owned"][0])
    assert breadcrumbs == ["All", "Financial", "Checking account"]
    assert [(row["name"], row["share"]) for row in assets["owned"]] == [
        ("Account", "100.0\N{NO-BREAK SPACE}%")
    ]
    assert assets["owned"][0]["link"] == f"/admin/assets/asset/{account.pk}/change/"
    for (_, address), rows in zip(assets["breadcrumbs"], (top, types, assets), strict=True):
        again = vera_staff.get("/admin/" + address).context["dashboard"]
        assert again["allocation"]["owned"] == rows["owned"]
        assert again["picker"].range_shown == "1m"
    debts, _ = follow(top["owed"][0])
    assert [row["name"] for row in debts["owed"]] == ["Loan"]


def test_way_down_the_categories_is_shown(vera_staff, portfolio, household):
    top = Category.objects.create(household=household, name="Top")
    below = Category.objects.create(household=household, name="Below", parent=top)
    label_asset(worth(portfolio, "5.00").pk, category_ids=[below.pk])
    worth(portfolio, "7.00", name="Loose")
    shown = page(vera_staff, group_by="asset", category=below.pk)
    assert [row["name"] for row in shown["allocation"]["owned"]] == ["Account"]
    assert [name for name, _ in shown["allocation"]["breadcrumbs"]] == ["All", "Top", "Below"]
    loose = page(vera_staff, group_by="asset", category="none")["allocation"]
    assert ([row["name"] for row in loose["owned"]], loose["breadcrumbs"][-1][0]) == (
        ["Loose"],
        "No category",
    )


@pytest.mark.parametrize("name", ["type", "tag", "category"])
def test_group_of_strangers_is_no_way_down(vera_staff, portfolio, foreign, name):
    worth(portfolio, "5.00")
    rows = {
        "type": AssetType.objects.create(
            household=foreign.household, code="SECRET", label="Secret", group="OTHER"
        ),
        "tag": Tag.objects.create(household=foreign.household, name="Secret"),
        "category": Category.objects.create(household=foreign.household, name="Secret"),
    }
    shown = page(vera_staff, **{name: rows[name].pk})
    assert name in shown["picker"].drill_down.errors
    assert "Secret" not in shown["html"]
    assert [str(row["value"]) for row in shown["allocation"]["owned"]] == ["5.00 EUR"]


API_FIELDS = {
    "Start": "start_value",
    "New assets": "added",
    "Removed assets": "removed",
    "Deposits and withdrawals": "net_flows",
    "Income": "income",
    "Costs": "expenses",
    "Gains and losses": "value_change",
    "Currency effect": "fx_change",
    "End": "end_value",
}


def test_reasons_are_the_figures_of_the_api(vera_staff, alice, portfolio, holdings):
    """Without own arithmetic: only the signs of costs and of removed assets are turned."""
    shares = worth(portfolio, "500.00", on=date(2024, 6, 10), name="Shares", asset_type_id=TypeId.STOCKS)
    worth(portfolio, "700.00", on=date(2024, 6, 20), name="Shares")
    Asset.objects.filter(pk=shares.pk).update(disposed_on=date(2024, 6, 25))
    Transaction.objects.create(
        asset=holdings["cash"],
        type="EXPENSE",
        on=date(2024, 6, 21),
        amount=Decimal(30),
        currency="EUR",
        occurred_at=noon(date(2024, 6, 21), "UTC"),
    )
    asked = {"start": "2024-06-03", "end": "2024-06-30"}
    rows = page(vera_staff, **asked)["change"]["rows"]
    total = alice.get("/api/v1/net-worth/change", asked).json()["total"]
    figures = {str(row["name"]): Decimal(row["value"].digits.replace(",", "")) for row in rows}
    signed = {name: Decimal(total[field]) for name, field in API_FIELDS.items()}
    signed |= {name: -signed[name] for name in ("Costs", "Removed assets")}
    assert figures == {name: value for name, value in signed.items() if value or name in ("Start", "End")}
    assert {"Costs", "Removed assets", "New assets"} <= figures.keys()
    *parts, end = figures.values()
    assert sum(parts) == end


def test_small_parts_are_one_row_that_opens(vera_staff, portfolio):
    start = TODAY - timedelta(days=300)
    worth(portfolio, "900.00", on=start, name="Large")
    for name, before, after in (("B", "9.00", "8.00"), ("C", "6.00", "7.00"), ("Sold", "5.00", "0.00")):
        worth(portfolio, before, on=start, name=name)
        worth(portfolio, after, name=name)
    large, other = page(vera_staff, group_by="asset")["allocation"]["owned"]
    assert (large["name"], str(large["value"]), str(large["change"])) == ("Large", "900.00 EUR", "0.00 EUR")
    shown = (other["name"], other["share"], str(other["value"]), str(other["change"]))
    assert shown == ("Other (3)", "1.6\N{NO-BREAK SPACE}%", "15.00 EUR", "-5.00 EUR")
    opened = vera_staff.get("/admin/" + other["link"]).context["dashboard"]["allocation"]["owned"]
    assert [(row["name"], str(row["change"])) for row in opened] == [
        ("Large", "0.00 EUR"),
        ("B", "-1.00 EUR"),
        ("C", "+1.00 EUR"),
        ("Sold", "-5.00 EUR"),
    ]


def test_more_parts_than_fit_are_one_row(vera_staff, portfolio, monkeypatch):
    monkeypatch.setattr("reports.dashboard.parts.MOST_ROWS", 2)
    for number in range(4):
        worth(portfolio, "5.00", name=f"A{number}")
    rows = page(vera_staff, group_by="asset", parts="all")["allocation"]["owned"]
    assert [(row["name"], str(row["value"]), bool(row["link"])) for row in rows] == [
        ("A0", "5.00 EUR", True),
        ("A1", "5.00 EUR", True),
        ("Other (2)", "10.00 EUR", False),
    ]


def test_change_is_given_with_its_reasons_from_start_to_end_and_who_changed_most(vera_staff, portfolio):
    house = worth(portfolio, "1000.00", on=date(2020, 1, 1), name="House", asset_type_id=TypeId.REAL_ESTATE)
    worth(portfolio, "1500.00", on=date(2020, 5, 20), name="House")
    worth(portfolio, "100.00", on=date(2020, 1, 1))
    worth(portfolio, "70.00", on=date(2020, 5, 20))
    Transaction.objects.create(
        asset=house,
        type="EXPENSE",
        on=date(2020, 5, 21),
        amount=Decimal(30),
        currency="EUR",
        occurred_at=noon(date(2020, 5, 21), "UTC"),
    )
    change = page(vera_staff, start="2020-01-01", end="2020-06-01")["change"]
    assert [(str(row["name"]), str(row["value"])) for row in change["rows"]] == [
        ("Start", "1,100.00 EUR"),
        ("Costs", "-30.00 EUR"),
        ("Gains and losses", "+500.00 EUR"),
        ("End", "1,570.00 EUR"),
    ]
    assert [(row["name"], str(row["value"])) for row in change["movers"]] == [
        ("House", "+500.00 EUR"),
        ("Account", "-30.00 EUR"),
    ]
    assert change["movers"][0]["link"] == f"/admin/assets/asset/{house.pk}/change/"


def test_finding_is_listed_with_a_link_that_opens(vera_staff, portfolio):
    asset = Asset.objects.create(
        portfolio=portfolio, name="Unvalued", asset_type_id=TypeId.CHECKING_ACCOUNT, currency="EUR"
    )
    shown = page(vera_staff)
    (issue,) = shown["checks"]["shown"]
    assert (issue["name"], issue["link"]) == ("Unvalued", f"/admin/assets/asset/{asset.pk}/change/")
    assert issue["text"][:3] == ("No value yet", "Enter what it is worth.", "Problem")
    assert vera_staff.get(issue["link"]).status_code == 200
    assert "Data checks" in shown["html"]


def test_clean_data_are_one_line_without_a_card(vera_staff, portfolio):
    worth(portfolio, "5.00")
    worth(portfolio, "7.00", name="Second")
    html = page(vera_staff)["html"]
    assert "All 2 values are up to date." in html
    assert "Data checks" not in html


def test_update_values_is_offered_to_those_who_may_edit(vera_staff, alice_user, portfolio):
    worth(portfolio, "5.00", on=TODAY - timedelta(days=300))
    address = f'href="/admin/update-values/?portfolio={portfolio.pk}"'
    assert page(entering(alice_user), portfolio=portfolio.pk)["html"].count(address) == 2
    assert "update-values/?portfolio" not in page(vera_staff)["html"]


def test_more_than_fits_is_behind_a_link_to_all_of_each_portfolio(vera_staff, portfolio, household):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    worth(Portfolio.objects.create(household=household, name="In order", base_currency="EUR"), "5.00")
    for number in range(MOST_ISSUES + 1):
        Asset.objects.create(
            portfolio=second if number else portfolio,
            name=f"A{number}",
            asset_type_id=TypeId.CHECKING_ACCOUNT,
            currency="EUR",
        )
    shown = page(vera_staff)
    assert (len(shown["checks"]["shown"]), shown["checks"]["more"]) == (MOST_ISSUES, 1)
    assert [(name, number) for name, _, number in shown["checks"]["pages"]] == [
        ("Main", 1),
        ("Second", MOST_ISSUES),
    ]
    for name, address, number in shown["checks"]["pages"]:
        assert f'<a href="{address}">{name}</a> ({number})' in shown["html"]
        assert len(vera_staff.get(address).context["issues"]) == number


def test_missing_rate_is_said_on_every_part_and_its_link_opens(vera_staff, portfolio):
    worth(portfolio, "5.00", currency="CHF", on=TODAY - timedelta(days=60))
    shown = page(vera_staff)
    assert shown["worth"]["missing"] == ["CHF"]
    assert (shown["change"]["missing"], shown["change"]["left_out"]) == (["CHF"], ["Account"])
    assert not shown["allocation"]["complete"]
    assert shown["html"].count("Incomplete: no exchange rate for CHF.") == 3
    assert [vera_staff.get(issue["link"]).status_code for issue in shown["checks"]["shown"]] == [200] * len(
        shown["checks"]["shown"]
    )


def test_names_are_escaped_everywhere(vera_staff, portfolio, household):
    mean = "<script>alert('&')</script>"
    Household.objects.filter(pk=household.pk).update(name=f"{mean} household")
    Portfolio.objects.filter(pk=portfolio.pk).update(name=f"{mean} portfolio")
    worth(portfolio, "5.00", name=f"{mean} doubtful", currency="CHF", on=TODAY - timedelta(days=50))
    moved = worth(portfolio, "9.00", name=f"{mean} moved", on=date(2020, 1, 1))
    worth(portfolio, "19.00", name=f"{mean} moved")
    label_asset(
        moved.pk, category_ids=[Category.objects.create(household=household, name=f"{mean} category").pk]
    )
    html = page(vera_staff, group_by="category")["html"]
    assert "<script>alert" not in html
    escaped = "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;"
    for where in ("portfolio", "doubtful", "moved", "category"):
        assert f"{escaped} {where}" in html


def test_page_runs_no_inline_script(vera_staff, portfolio):
    worth(portfolio, "5.00")
    answer = vera_staff.get("/admin/")
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"].split("style-src")[0]
    assert "<script>" not in answer.content.decode()


def test_number_of_queries_is_fixed(vera_user, portfolio, household, rf):
    def queries(**asked) -> int:
        request = rf.get("/admin/", asked)
        request.user = vera_user
        KEPT.clear()
        with CaptureQueriesContext(connection) as seen:
            assert show(request, {})["dashboard"]["worth"]
        return len(seen)

    worth(portfolio, "5.00", on=TODAY - timedelta(days=40))
    worth(portfolio, "500.00")
    seen = []
    for number in range(4):
        seen.append((queries(), queries(range="all", group_by="category")))
        more = Portfolio.objects.create(household=household, name=f"P{number}", base_currency="EUR")
        for asset in range(3):
            worth(more, "5.00", on=TODAY - timedelta(days=400), name=f"A{asset}")
            worth(more, "50.00", name=f"A{asset}")
    assert set(seen) == {QUERIES}


def test_whole_page_takes_no_more_queries_for_more_rows(vera_staff, portfolio):
    def queries() -> int:
        KEPT.clear()
        with CaptureQueriesContext(connection) as seen:
            page(vera_staff)
        return len(seen)

    worth(portfolio, "5.00")
    queries()
    before = queries()
    for asset in range(9):
        worth(portfolio, "50.00", name=f"A{asset}")
    queries()  # counts the values that are out of date, for the menu
    assert queries() == before
