"""The values of the past year in the admin: a sparkline in each row of the list, a chart on the asset's page."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset
from assets.rendering.sparkline import sparkline
from assets.valuation.series import ValueSeries
from conftest import member
from strata.tenancy.roles import VIEWER
from tests.admin_forms import staff, url
from tests.factories import add_value, create_asset, create_valued_asset

TODAY = date(2024, 7, 31)
START = date(2023, 7, 31)
LIST = "/admin/assets/asset/"


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to("2024-07-31T12:00:00Z")


@pytest.fixture
def browser(household, alice_user):
    return staff(alice_user)


def pictures(page: str) -> dict[str, str]:
    """The path of each sparkline of the list by its name."""
    return dict(re.findall(r'aria-label="([^"]*)" viewBox="0 0 96 24"><path d="([^"]*)"', page))


def heights(path: str) -> list[float]:
    return [float(text) for text in re.findall(r"(?:M\d+ |V)([\d.]+)", path)]


# --- the values ---


def series(*values, disposed_on=None):
    return ValueSeries("EUR", [on for on, _ in values], [value for _, value in values], disposed_on)


def test_steps_begin_with_the_value_that_holds_on_the_first_day():
    days = [START - timedelta(days=9), START + timedelta(days=9), TODAY + timedelta(days=1)]
    steps = series(*zip(days, (1, 2, 3), strict=True)).steps(START, TODAY)
    assert steps == [(START, 1), (days[1], 2)]


def test_steps_begin_with_the_first_value_where_none_is_older():
    assert series((TODAY, 5)).steps(START, TODAY) == [(TODAY, 5)]
    assert series((TODAY, 5)).steps(START, START) == []


@pytest.mark.parametrize(
    ("disposed_on", "expected"),
    [
        (START, [(START, 0)]),
        (date(2024, 1, 1), [(START, 1), (date(2024, 1, 1), 0)]),
        (TODAY, [(START, 1), (date(2024, 3, 1), 2), (TODAY, 0)]),
        (TODAY + timedelta(days=1), [(START, 1), (date(2024, 3, 1), 2)]),
    ],
)
def test_steps_end_with_zero_on_the_disposal(disposed_on, expected):
    values = (START - timedelta(days=1), 1), (date(2024, 3, 1), 2)
    assert series(*values, disposed_on=disposed_on).steps(START, TODAY) == expected


# --- the sparkline ---


def test_sparkline_goes_by_steps_from_the_top_to_the_bottom_of_its_place():
    path = sparkline([(START, Decimal(1)), (date(2024, 1, 30), Decimal(3))], start=START, end=TODAY)
    assert path == "M0 22H47V2H96"


def test_value_that_stays_is_a_line_in_the_middle():
    steps = [(START, Decimal(5)), (date(2024, 1, 1), Decimal(5))]
    assert sparkline(steps, start=START, end=TODAY) == "M0 12H96"


def test_sparkline_of_a_year_of_days_is_short():
    steps = [(START + timedelta(days=number), Decimal(number % 9)) for number in range(366)]
    assert len(sparkline(steps, start=START, end=TODAY)) < 1_000


def test_sparkline_of_a_single_day_and_of_huge_amounts():
    assert sparkline([(TODAY, Decimal("1e14"))], start=TODAY, end=TODAY) == "M0 12H96"
    steps = [(START, Decimal("99999999999999.9999")), (TODAY, Decimal("99999999999999.9998"))]
    assert heights(sparkline(steps, start=START, end=TODAY)) == [2, 22]


# --- the list ---


def test_each_row_of_the_list_has_the_picture_of_its_past_year(browser, portfolio):
    account = create_valued_asset(portfolio, "Checking account", TypeId.CHECKING_ACCOUNT, "100")
    add_value(account, 300, date(2024, 7, 1))
    add_value(account, 999, date(2024, 8, 15))  # after today
    create_asset(portfolio, "Empty")
    create_asset(portfolio, "Gone", disposed_on=START)
    shown = pictures(browser.get(LIST).content.decode())
    assert shown.keys() == {"Value of Checking account, past year"}
    assert heights(shown["Value of Checking account, past year"]) == [22, 2]


def test_debt_that_grows_goes_up(browser, portfolio):
    loan = create_valued_asset(portfolio, "Loan", TypeId.LOAN, "-100")
    add_value(loan, -300, date(2024, 7, 1))
    (path,) = pictures(browser.get(LIST).content.decode()).values()
    assert heights(path) == [22, 2]


def test_name_is_escaped(browser, portfolio):
    create_valued_asset(portfolio, '"><script>alert(1)</script>', TypeId.CASH, "1")
    assert "<script>alert" not in browser.get(LIST).content.decode()


@pytest.mark.parametrize("assets", [1, 40])
def test_pictures_of_a_page_take_one_query(browser, portfolio, assets):
    for number in range(assets):
        create_valued_asset(portfolio, f"Account {number}", TypeId.CASH, "1")
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(LIST).content.decode()
    assert len(pictures(page)) == assets
    assert sum("assets_packedmonth" in query["sql"] for query in queries) == 1
    assert len(queries) == 17


def test_empty_list_reads_no_values(browser, portfolio):
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(LIST).status_code == 200
    assert not [query for query in queries if "assets_packedmonth" in query["sql"]]


# --- the asset's page ---


def chart(browser, asset) -> str:
    page = browser.get(url(Asset, "change", asset.pk)).content.decode()
    (markup,) = re.findall(r'<div class="value-chart".*?<p class="value-days">.*?</p>', page, re.S)
    return markup


def test_page_has_the_chart_with_amounts_and_days(browser, portfolio):
    account = create_valued_asset(portfolio, "Checking account", TypeId.CHECKING_ACCOUNT, "100")
    add_value(account, 300, date(2024, 7, 1))
    markup = chart(browser, account)
    assert 'role="img" aria-label="Value of Checking account, past year"' in markup
    assert {"150", "250", "<span>2024-06-01</span>", "<span>2024-07-31</span>"} <= set(
        re.findall(r"<span>.*?</span>|(?<=>)\d+(?=<)", markup)
    )
    (path,) = re.findall(r'<path d="(.*?)"', markup)
    assert re.fullmatch(r"M[\d.]+ [\d.]+(?:H[\d.]+|V[\d.]+)+", path)


def test_debt_is_shown_as_what_is_owed(browser, portfolio):
    loan = create_valued_asset(portfolio, "Loan", TypeId.LOAN, "-100")
    add_value(loan, -300, date(2024, 7, 1))
    assert not re.search(r'class="value-tick amount"[^>]*>-', chart(browser, loan))


def test_year_without_a_value_is_an_empty_picture(browser, portfolio):
    gone = create_valued_asset(portfolio, "Gone", TypeId.CASH, "5", on="2023-01-01")
    Asset.objects.filter(pk=gone.pk).update(disposed_on=date(2023, 2, 1))
    markup = chart(browser, gone)
    assert "No value in the past year" in markup
    assert "<svg" not in markup


def test_viewer_sees_the_chart(household, portfolio):
    account = create_valued_asset(portfolio, "Account", TypeId.CASH, "100")
    assert "Value of Account, past year" in chart(staff(member(household, "vera", VIEWER)), account)


def test_leap_day_is_compared_with_the_last_day_of_february(browser, portfolio, time_machine):
    time_machine.move_to("2024-02-29T12:00:00Z")
    account = create_valued_asset(portfolio, "Account", TypeId.CASH, "100", on="2023-01-01")
    assert "<span>2023-02-28</span><span>2024-02-29</span>" in chart(browser, account)


def test_axis_is_as_wide_as_its_longest_amount(browser, portfolio):
    account = create_valued_asset(portfolio, "Account", TypeId.CASH, "99999999999999.00")
    add_value(account, 5, date(2024, 7, 1))
    assert f'style="--longest: {len("100,000,000,000,000")}"' in chart(browser, account)
