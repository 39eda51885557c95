"""The admin on a phone: no page is wider than the window, and rows of lists are cards."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset
from portfolios.models import Household, Membership, Portfolio
from strata.accounts.models import User
from tests.admin_forms import url
from tests.admin_pages import pages_of_the_admin
from tests.factories import add_value, create_asset, create_valued_asset
from tests.test_browser import chromium, session_of

# No database changes what a browser does with a page: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]

PHONE = {"width": 390, "height": 844}
UNBROKEN = "Accountatabankwithalongnamethatcannotbebrokenanywhereatall"
LONG_NAME = "Savings account at a bank with a long name"


@pytest.fixture
def root(db):
    return User.objects.create_user(
        "root", password="correct horse battery", is_superuser=True, is_staff=True
    )


@pytest.fixture
def pages(root) -> list[str]:
    pages = pages_of_the_admin(root)
    portfolio, today = Portfolio.objects.get(), date.today().isoformat()
    create_valued_asset(portfolio, LONG_NAME, TypeId.SAVINGS_ACCOUNT, "1234567.89", on=today)
    create_asset(portfolio, UNBROKEN, TypeId.SAVINGS_ACCOUNT)  # without a value, so it is a finding
    Portfolio.objects.create(household=portfolio.household, name=f"{LONG_NAME}, and at several others too")
    return pages


def test_no_page_is_wider_than_a_phone(live_server, root, pages):
    with chromium(live_server.url, session_of(root), viewport=PHONE) as browser:
        widths = {}
        for path in pages:
            browser.open(path)
            widths[path] = browser.page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in widths.items() if width > PHONE["width"]} == {}


def test_rows_of_a_list_are_cards_with_name_and_value_in_the_window(live_server, root, pages):
    with chromium(live_server.url, session_of(root), viewport=PHONE) as browser:
        browser.open(url(Asset))
        row = browser.page.locator("tr.data-row").filter(has_text=LONG_NAME)
        name, value, kind = (
            row.locator(cell).bounding_box()
            for cell in (".field-name", ".field-value_now", ".field-asset_type")
        )
        for box in (name, value):
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
        assert abs(value["y"] - name["y"]) < name["height"], "both are in the first line"
        assert kind["y"] > name["y"], "the rest is in a second line"
        heading = "element => getComputedStyle(element, '::before').content"
        assert "Type" in row.locator(".field-asset_type").evaluate(heading)
        assert row.locator(".field-disposed_on").is_hidden(), "nothing is in it"


def test_amounts_of_nine_digits_at_an_axis_stay_in_their_card(live_server, root):
    """Of the dashboard and of the page of an asset, where the axis is as wide as its longest amount."""
    household = Household.objects.create(name="Home")
    Membership.objects.create(household=household, user=root, role="OWNER", accepted_at=timezone.now())
    portfolio = Portfolio.objects.create(household=household, name="Main", base_currency="EUR")
    asset = create_valued_asset(
        portfolio, LONG_NAME, TypeId.SAVINGS_ACCOUNT, "-123456789.99", on="2026-01-31"
    )
    add_value(asset, 987654321, timezone.now().date())
    outside = """ticks => ticks.map(tick => {
        const card = tick.closest(".dash-card, .value-chart");
        return tick.getBoundingClientRect().left - card.getBoundingClientRect().left;
    }).filter(place => place < 0)"""
    with chromium(live_server.url, session_of(root), viewport=PHONE) as browser:
        for path, ticks in (("/admin/", ".dash-tick"), (url(Asset, "change", asset.pk), ".value-tick")):
            browser.open(path)
            assert browser.page.locator(ticks).count() > 1, path
            assert browser.page.locator(ticks).evaluate_all(outside) == [], path
