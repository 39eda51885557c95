"""The page "Statement of net worth": figures of the API, every current asset, on one sheet of paper."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset
from assets.models.classification import Group
from conftest import member
from portfolios.models import Household, Portfolio
from reports.calculations.allocation import Allocation, Slice
from reports.calculations.statement import Holding, statement
from reports.queries.statement import statement_on
from strata.tenancy.roles import OWNER, VIEWER
from tests.admin_forms import staff
from tests.factories import add_value, create_asset, create_valued_asset

PATH = "/admin/statement/"
ON = date(2024, 6, 28)


@pytest.fixture
def browser(household, alice_user):
    return staff(alice_user)


def page_of(browser, portfolio, on="2024-06-28", **headers) -> str:
    answer = browser.get(PATH, {"portfolio": portfolio.pk, "on": on}, **headers)
    assert answer.status_code == 200
    return answer.content.decode()


def rows_of(page: str) -> list[str]:
    """The texts of each row of the table."""
    table = page[page.index("<table") : page.index("</table>")]
    return [
        " ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    ]


# --- the calculation ---


def calculated(*holdings, owned=(), owed=()):
    owned, owed = (
        tuple(Slice(key, Decimal(value), None) for key, value in side.items()) if side else ()
        for side in (owned, owed)
    )
    sums = [sum((part.value for part in side), Decimal(0)) for side in (owned, owed)]
    by_asset = Allocation(ON, "EUR", *sums, owned, owed, overlap=False, missing_rates=())
    return statement(holdings, by_asset, debts=Group.LIABILITIES)


def holding(key, group, value, **more):
    return Holding(key, key, group, "EUR", None if value is None else Decimal(value), ON, **more)


def test_sums_of_the_classes_add_up_to_net_worth():
    result = calculated(
        holding("cash", "FINANCIAL", 50),
        holding("overdrawn", "FINANCIAL", -20),
        holding("loan", "LIABILITIES", -40),
        owned={"cash": 50},
        owed={"overdrawn": -20, "loan": -40},
    )
    assert [section.total for section in result.sections] == [30, -40]
    assert (result.assets, result.liabilities, result.net) == (50, -60, -10)
    assert result.mixes_sides


def test_asset_that_does_not_count_is_in_no_sum_and_in_a_list_of_its_own():
    result = calculated(
        holding("cash", "FINANCIAL", 50),
        holding("ring", "OTHER", 900, is_counted=False),
        owned={"cash": 50},
    )
    assert [section.group for section in result.sections] == ["FINANCIAL"]
    assert [line.holding.name for line in result.not_counted] == ["ring"]
    assert not result.mixes_sides


def test_zero_needs_no_rate_and_what_has_no_value_lacks_none():
    zero, empty, lacking = (holding(str(value), "OTHER", value) for value in (0, None, 7))
    (section,) = calculated(zero, empty, lacking).sections
    assert [(line.reported, line.lacks_rate) for line in section.lines] == [
        (0, False),
        (None, False),
        (None, True),
    ]


# --- the page ---


def test_page_shows_every_asset_by_class_with_sums_and_totals(browser, portfolio, holdings):
    page = page_of(browser, portfolio)
    assert "<title>Statement of net worth | Strata</title>" in " ".join(page.split()).replace(
        "> ", ">"
    ).replace(" <", "<")
    assert f"Statement of net worth: {portfolio.household.name}, 2024-06-28" in page
    assert rows_of(page) == [
        "Name As of Value Value in EUR",
        "Financial 450.00",
        "Bond 2024-06-01 100.00 EUR 100.00",
        "Cash 2024-06-01 50.00 EUR 50.00",
        "Fund 2024-06-01 300.00 EUR 300.00",
        "Debts 32.00",
        "Loan 2024-06-01 40.00 USD 32.00",
        "Assets 450.00",
        "Debts -32.00",
        "Net worth 418.00",
    ]


def test_asset_that_does_not_count_is_listed_below_the_totals(browser, portfolio, holdings):
    Asset.objects.filter(name="Loan").update(counts_in_net_worth=False)
    rows = rows_of(page_of(browser, portfolio))
    assert rows[-5:] == [
        "Assets 450.00",
        "Debts 0.00",
        "Net worth 450.00",
        "Not counted in net worth",
        "Loan 2024-06-01 40.00 USD 32.00",
    ]
    assert not any(row.startswith("Debts 32") for row in rows)


def test_figures_are_those_of_the_api_to_the_cent(alice, portfolio, holdings):
    for number in range(7):
        create_valued_asset(portfolio, f"Third {number}", TypeId.CASH, "0.0333", currency="USD")
    result = statement_on([portfolio], ON)
    (point,) = alice.get(
        f"/api/v1/portfolios/{portfolio.pk}/net-worth?start=2024-06-28&end=2024-06-28"
    ).json()["points"]
    figures = (result.assets, result.liabilities, result.net)
    assert tuple(map(str, figures)) == (point["assets"], point["liabilities"], point["net"])
    assert sum(section.total for section in result.sections) == result.net
    lines = [line.reported for section in result.sections for line in section.lines]
    assert sum(value for value in lines if value > 0) == result.assets


def test_missing_rate_is_named_and_left_out(browser, portfolio, holdings):
    page = page_of(browser, portfolio, "2024-06-20")
    assert "Loan 2024-06-01 40.00 USD No exchange rate" in rows_of(page)
    assert "USD on 2024-06-20: -40.00 USD is left out." in page


def test_sold_asset_is_there_on_the_days_before_its_sale_only(browser, portfolio):
    create_asset(portfolio, "Car", TypeId.VEHICLE, disposed_on=ON)
    sold = create_valued_asset(portfolio, "Bicycle", TypeId.VEHICLE, "70")
    sold.disposed_on = ON
    sold.save()
    assert "Bicycle 2024-06-01 70.00 EUR 70.00" in rows_of(page_of(browser, portfolio, "2024-06-27"))
    after = rows_of(page_of(browser, portfolio))
    assert not [row for row in after if row.startswith(("Bicycle", "Car"))]
    assert after[-1] == "Net worth 0.00"


def test_asset_with_a_later_first_value_is_not_there_yet(browser, portfolio):
    create_valued_asset(portfolio, "Later", TypeId.CASH, "5", on="2024-07-01")
    create_asset(portfolio, "Empty", TypeId.CASH)
    rows = rows_of(page_of(browser, portfolio))
    assert "Empty No value yet" in rows
    assert not [row for row in rows if row.startswith("Later")]


def test_debt_in_ones_favour_says_so(browser, portfolio):
    create_valued_asset(portfolio, "Card", TypeId.CREDIT_CARD, "12")
    page = page_of(browser, portfolio)
    assert "Card 2024-06-01 12.00 EUR in your favour 12.00" in rows_of(page)
    assert "a debt in your favour as an asset" in page


def test_amounts_and_days_are_in_the_formats_of_the_user(browser, portfolio, alice_user):
    create_valued_asset(portfolio, "Haus", TypeId.REAL_ESTATE, "1234567.50")
    alice_user.language, alice_user.number_format, alice_user.date_format = "de", "1.234,56", "DD.MM.YYYY"
    alice_user.save()
    page = page_of(browser, portfolio)
    assert "Haus 01.06.2024 1.234.567,50 EUR 1.234.567,50" in rows_of(page)
    assert "Vermögensaufstellung" in page


def test_day_that_cannot_be_read_is_refused_and_today_is_shown(browser, portfolio):
    page = page_of(browser, portfolio, "31 Feb 2024")
    assert 'role="alert" class="statement-alert"' in page


def test_portfolio_of_strangers_is_not_found(browser, portfolio, charlie_user):
    stranger = staff(charlie_user)
    for asked in (portfolio.pk, "nonsense"):
        assert stranger.get(PATH, {"portfolio": asked}).status_code == 404


def test_viewer_may_see_it_and_nobody_may_post(household, portfolio, holdings):
    viewer = staff(member(household, "vera-2", VIEWER))
    assert "Net worth 418.00" in rows_of(page_of(viewer, portfolio))
    assert viewer.post(PATH).status_code == 405


def test_without_a_portfolio_it_is_none_of_a_demo(browser, portfolio, holdings, alice_user):
    demo = Household.objects.create(name="Demo", is_demo=True)
    demo.memberships.create(user=alice_user, role=OWNER, accepted_at=demo.created_at)
    sample = Portfolio.objects.create(household=demo, name="Sample")
    Portfolio.objects.filter(pk=sample.pk).update(created_at="2000-01-01T00:00:00Z")
    browser.cookies["strata_portfolio"] = str(sample.pk)
    assert browser.get(PATH).context["portfolio"] == portfolio
    assert browser.get(PATH, {"portfolio": sample.pk}).context["portfolio"] == sample


def test_user_without_a_portfolio_is_led_to_the_first_page(charlie_user):
    assert staff(charlie_user).get(PATH)["Location"] == "/admin/"


def test_menu_leads_to_it(browser, portfolio, holdings):
    assert f'href="{PATH}"' in browser.get("/admin/assets/asset/").content.decode()


@pytest.mark.parametrize("assets", [1, 25])
def test_page_takes_as_many_queries_for_one_asset_as_for_many(browser, portfolio, assets):
    for number in range(assets):
        asset = create_valued_asset(portfolio, f"Account {number}", TypeId.CASH, "1")
        add_value(asset, 2, date(2024, 6, 10))
    with CaptureQueriesContext(connection) as queries:
        page_of(browser, portfolio)
    assert len(queries) == 13
