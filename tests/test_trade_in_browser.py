"""Entering a trade in Chromium: a double click saves once, and Back after a refusal shows what was typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request

from assets.models import Instrument, Transaction
from tests.admin_forms import staff
from tests.test_browser import chromium, session_of

# No database changes what a browser does with a page: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]
TYPED = {"Symbol or ISIN": "ABC", "Quantity": "3", "Price per unit": "12.5"}


@pytest.fixture
def user(alice_user, household):
    Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")
    staff(alice_user)
    return alice_user


def type_trade(page: Page, **values: str) -> None:
    for label, text in (TYPED | values).items():
        page.get_by_label(label).fill(text)


def is_post(request: Request) -> bool:
    return request.method == "POST"


def typed_in(page: Page) -> dict[str, str]:
    return {label: page.get_by_label(label).input_value() for label in TYPED}


def test_a_double_click_saves_one_trade(live_server, user, portfolio):
    with chromium(live_server.url, session_of(user)) as browser:
        page = browser.page
        browser.open("/admin/trade/")
        type_trade(page)
        save = page.get_by_role("button", name="Save", exact=True)
        save.scroll_into_view_if_needed()
        box = save.bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        with page.expect_request(is_post):
            page.mouse.click(*middle)
        with page.expect_request(is_post):
            page.mouse.click(*middle, click_count=2)
        page.get_by_text("Recorded: Buy 3 Abc").wait_for()
        browser.require_harmless("saved")
    assert Transaction.objects.count() == 1


def test_back_after_a_refused_trade_shows_what_was_typed(live_server, user, portfolio):
    with chromium(live_server.url, session_of(user)) as browser:
        page = browser.page
        browser.open("/admin/trade/")
        page.get_by_label("Type").select_option("DISPOSE")
        type_trade(page, Quantity="0")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Enter a number greater than zero.").wait_for()
        page.go_back()
        page.get_by_text("Enter a number greater than zero.").wait_for(state="detached")
        assert typed_in(page) == TYPED | {"Quantity": "0"}
        assert page.get_by_label("Type").input_value() == "DISPOSE"
        browser.open("/admin/trade/")
        assert set(typed_in(page).values()) == {""}, "another visit is another form"
        browser.require_harmless("back")
