"""The first hour in Chromium: from an empty database to a household with twelve things, by few clicks."""

from __future__ import annotations

import pytest

from assets.models import Asset
from portfolios.models import Household, Portfolio
from strata.accounts.models import User
from tests.test_browser import chromium, session_of

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.django_db(transaction=True)]
THINGS = {
    "Checking account": "1204.55",
    "Savings account": "9,400",
    "ETF or fund": "21000",
    "Shares": "4,100.20",
    "Crypto": "890",
    "Pension": "35000",
    "House or flat": "312,000",
    "Mortgage": "180,000",
    "Car": "11500",
    "Loan": "2500",
    "Credit card": "310.40",
    "Insurance": "6,000",
}
DEBTS = ("Mortgage", "Loan", "Credit card")
MOST_CLICKS = 40
COUNT_CLICKS = """
    addEventListener("click", event => {
        if (event.detail) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
    }, true);
"""


@pytest.fixture
def anna(db) -> User:
    return User.objects.create(username="anna", is_staff=True)


def test_twelve_things_take_thirteen_clicks(live_server, anna, figures):
    """Each tile is clicked, its value typed where the focus is, and all of it is created."""
    with chromium(live_server.url, session_of(anna), locale="en-IE", timezone_id="Europe/Berlin") as browser:
        page = browser.page
        page.add_init_script(COUNT_CLICKS)
        browser.open("/")
        assert page.url == f"{live_server.url}/admin/"
        page.get_by_role("heading", name="Welcome: add what you own and owe", exact=True).wait_for()
        for name, value in THINGS.items():
            page.get_by_role("checkbox", name=name, exact=True).click()
            page.keyboard.type(value)
        page.get_by_role("button", name="Create", exact=True).click()
        page.wait_for_selector(".dash")
        clicks = int(page.evaluate("sessionStorage.clicks"))
        browser.require_harmless("the dashboard")
    figures(f"{clicks} clicks")
    assert clicks == len(THINGS) + 1 < MOST_CLICKS
    portfolio = Portfolio.objects.get()
    assert (portfolio.base_currency, portfolio.time_zone) == ("EUR", "Europe/Berlin")
    stored = {asset.name: str(asset.snapshots.get().value) for asset in Asset.objects.all()}
    plain = {name: value.replace(",", "") for name, value in THINGS.items()}
    assert {name: float(value) for name, value in stored.items()} == {
        name: float(value) * (-1 if name in DEBTS else 1) for name, value in plain.items()
    }


def test_keyboard_ticks_adds_another_and_keeps_what_is_typed(live_server, anna):
    with chromium(live_server.url, session_of(anna), viewport={"width": 390, "height": 800}) as browser:
        page = browser.page
        browser.open("/admin/")
        page.get_by_role("checkbox", name="Checking account", exact=True).focus()
        page.keyboard.press("Space")
        page.keyboard.type("100")
        page.get_by_role("button", name="Another checking account").press("Enter")
        page.keyboard.type("12x")
        page.get_by_role("checkbox", name="Crypto", exact=True).press("Space")
        page.keyboard.type("7")
        page.get_by_role("checkbox", name="Crypto", exact=True).press("Space")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="Create", exact=True).press("Enter")
        page.get_by_role("alert").wait_for()
        wrong = page.get_by_label("Checking account 2: value today", exact=True)
        assert wrong.evaluate("field => field === document.activeElement && field.value") == "12x"
        assert page.get_by_label("Checking account: value today", exact=True).input_value() == "100"
        wrong.fill("12")
        page.get_by_role("button", name="Create", exact=True).press("Enter")
        page.wait_for_selector(".dash")
        browser.require_harmless("the dashboard")
    names = set(Asset.objects.values_list("name", flat=True))
    assert names == {"Checking account", "Checking account 2"}, "the tile that was unticked again is not made"


def test_demo_is_explored_and_removed_by_two_buttons(live_server, anna):
    with chromium(live_server.url, session_of(anna)) as browser:
        page = browser.page
        browser.open("/admin/")
        page.get_by_role("button", name="Explore with demo data").click()
        page.get_by_role("button", name="Remove demo data").click()
        dialog = page.get_by_role("dialog", name="Remove the demo data?")
        dialog.get_by_role("link", name="Cancel").click()
        page.get_by_role("button", name="Remove demo data").click()
        dialog.get_by_role("button", name="Remove demo data").click()
        page.get_by_role("heading", name="Welcome: add what you own and owe").wait_for()
        browser.require_harmless("removed")
    assert not Household.objects.exists()
