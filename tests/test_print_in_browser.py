"""Every page on paper, from the dark theme: black on white, no menu, bar or buttons, nothing covered or cut off."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from playwright.sync_api import TimeoutError as BrowserTimeoutError

from assets.classification.seeds import TypeId
from portfolios.models import Portfolio
from strata.accounts.models import User
from tests.admin_pages import pages_of_the_admin
from tests.factories import create_valued_asset
from tests.test_browser import chromium, session_of

# No database changes how a page looks: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]

PAPER = {"width": 680, "height": 1000}  # A4 without its margins
WRONG = """width => {
    const wrong = [], styles = element => getComputedStyle(element);
    const all = [...document.body.querySelectorAll("*")].filter(element => element.checkVisibility());
    if (document.documentElement.scrollWidth > width) wrong.push("wider than the paper");
    if (styles(document.body).backgroundColor !== "rgb(255, 255, 255)") wrong.push("no white ground");
    for (const element of all) {
        const {position, backgroundColor, color} = styles(element), text = [...element.childNodes]
            .some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        const name = element.outerHTML.slice(0, 90);
        if (element.matches("button, [type=submit], [role=button], #nav-sidebar, .strata-skip")) wrong.push(`a button: ${name}`);
        if (["fixed", "sticky"].includes(position)) wrong.push(`covers something: ${name}`);
        if (text && color !== "rgb(0, 0, 0)" && !element.closest("svg")) wrong.push(`not black: ${name}`);
        if (text && backgroundColor !== "rgba(0, 0, 0, 0)") wrong.push(`not white: ${name}`);
        if (text && element.getBoundingClientRect().right > width + 1 && !element.closest(".sr-only")) wrong.push(`cut off: ${name}`);
    }
    return [...new Set(wrong)];
}"""  # noqa: E501


@pytest.fixture
def root(db):
    return User.objects.create_user(
        "root", password="correct horse battery", is_superuser=True, is_staff=True
    )


@pytest.fixture
def pages(root) -> list[str]:
    pages = pages_of_the_admin(root)
    portfolio, today = Portfolio.objects.get(), date.today().isoformat()
    create_valued_asset(portfolio, "Flat", TypeId.REAL_ESTATE, "336000.00", on=today)
    create_valued_asset(portfolio, "Mortgage", TypeId.MORTGAGE, "-98765.43", on=today)
    return pages


def settle(page) -> None:
    """Wait until fonts are there and scripts have laid their fields out. What stays too wide is found after it."""
    page.evaluate("document.fonts.ready")
    with suppress(BrowserTimeoutError):
        page.wait_for_function(
            "width => document.documentElement.scrollWidth <= width", arg=PAPER["width"], timeout=2000
        )


def test_every_page_can_be_printed_from_the_dark_theme(live_server, root, pages):
    with chromium(live_server.url, session_of(root), viewport=PAPER, color_scheme="dark") as browser:
        browser.page.emulate_media(media="print")
        wrong = []
        for path in [path for path in pages if not path.endswith(("/add/", "/delete/"))]:
            browser.open(path)
            assert browser.page.locator(":is(h1, h2):visible").count(), path
            settle(browser.page)
            wrong += [(path, what) for what in browser.page.evaluate(WRONG, PAPER["width"])]
        browser.open("/nowhere")
        colours = "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
        assert browser.page.evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        assert [f"{path}: {what}" for path, what in wrong] == []
