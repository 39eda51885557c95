"""The statement on paper: one sheet of A4, black on white, without the frame of the admin."""

from __future__ import annotations

import re

import pytest

from assets.classification.seeds import TypeId
from tests.admin_forms import staff
from tests.chromium import shared_browser
from tests.factories import create_valued_asset

# No database changes how a page is printed: one of the two passes is enough.
pytestmark = [pytest.mark.browser, pytest.mark.on_sqlite]

TYPES = (TypeId.CASH, TypeId.REAL_ESTATE, TypeId.VEHICLE, TypeId.COLLECTIBLES, TypeId.MORTGAGE, TypeId.OTHER)


@pytest.fixture
def sheet(live_server, portfolio, household, alice_user):
    """The page in dark mode, of 25 assets of all classes with long names, one without a rate."""
    for number in range(25):
        kind = TYPES[number % len(TYPES)]
        value, currency = ("-5" if kind == TypeId.MORTGAGE else "123456.78"), "XAU" if number == 24 else "EUR"
        name = (
            f"{number} A name that is long enough for two lines of a table on a sheet of paper, or for three"
        )
        create_valued_asset(portfolio, name, kind, value, currency=currency)
    cookie = staff(alice_user).cookies["sessionid"].value
    with shared_browser() as browser:
        context = browser.new_context(color_scheme="dark")
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.goto(f"{live_server.url}/admin/statement/?portfolio={portfolio.pk}&on=2024-06-28")
        yield page


def test_statement_of_25_assets_is_one_page_black_on_white(sheet):
    pdf = sheet.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    assert re.search(rb"/MediaBox \[0 0 59[45]\.\d+ 84[12]\.\d+\]", pdf)
    sheet.emulate_media(media="print")
    colours = sheet.evaluate(
        """() => [document.body, document.querySelector(".statement"), document.querySelector("td .amount")]
            .map((element, place) => getComputedStyle(element)[place ? "color" : "backgroundColor"])"""
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)", "rgb(0, 0, 0)"]
    assert not [button for button in sheet.get_by_role("button").all() if button.is_visible()]
    assert not sheet.locator("#nav-sidebar").is_visible()


def test_button_prints(sheet):
    sheet.evaluate("window.print = () => { window.printed = true; }")
    sheet.get_by_role("button", name="Print").click()
    assert sheet.evaluate("window.printed")
