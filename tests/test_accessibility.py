"""axe-core on every page of the admin, in the light and the dark theme; and what a keyboard reaches with few keys.

All rows are stored before the browser starts: Playwright runs an event loop in this thread, and Django refuses
queries in a thread with one.
"""

from __future__ import annotations

from datetime import date

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from assets.classification.seeds import TypeId
from assets.models import Asset, Tag
from portfolios.models import Portfolio
from strata.accounts.models import User
from tests.admin_forms import url
from tests.admin_pages import pages_of_the_admin
from tests.factories import create_valued_asset
from tests.test_browser import WatchedPage, chromium, session_of

# No database changes how a page looks: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]

TODAY = date.today().isoformat()
# The menu is the same on every page: it is examined on the first one only.
AXE = """([all, rules]) => axe.run(
    all ? document : {exclude: ["#nav-sidebar"]},
    {resultTypes: ["violations"], ...(rules.length ? {runOnly: rules} : {})}
).then(found => found.violations
    .filter(rule => ["serious", "critical"].includes(rule.impact))
    .flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}`)))"""
THEME = "is_dark => document.documentElement.classList.toggle('dark', is_dark)"
STILL = """() => {
    const sheet = new CSSStyleSheet();  // no content policy forbids it
    sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
    document.adoptedStyleSheets.push(sheet);
}"""
FOCUSED = """() => {
    const element = document.activeElement;
    return element.getAttribute("aria-label") || element.title || element.textContent.trim() || element.name || "";
}"""


@pytest.fixture
def root(db):
    return User.objects.create_user(
        "root", password="correct horse battery", is_superuser=True, is_staff=True
    )


@pytest.fixture
def pages(root) -> list[str]:
    """All pages, with an account and a debt that have values."""
    pages = pages_of_the_admin(root)
    portfolio = Portfolio.objects.get()
    create_valued_asset(portfolio, "Account", TypeId.CHECKING_ACCOUNT, "1234.56", on=TODAY)
    create_valued_asset(portfolio, "Mortgage", TypeId.MORTGAGE, "-98765.43", on=TODAY)
    return [*pages, url(Asset) + "?q=ccount", url(Asset) + "?q=nothing"]


def serious_problems(page: Page, *, whole: bool = False) -> list[str]:
    """What axe-core finds in both themes. The themes differ in colours only."""
    page.evaluate(STILL)
    page.evaluate(AXE_SCRIPT)
    problems = []
    for is_dark, rules in ((False, []), (True, ["color-contrast"])):
        page.evaluate(THEME, is_dark)
        problems += page.evaluate(AXE, [whole, rules])
    return problems


def test_axe_finds_nothing_serious_on_any_page(live_server, root, pages):
    with chromium(live_server.url, session_of(root)) as browser:
        problems = {}
        for path in pages:
            browser.open(path)
            problems[path] = serious_problems(browser.page, whole=path == "/admin/")
        browser.open(url(Asset))
        browser.page.click("text=Filters")
        problems["filters"] = serious_problems(browser.page)
        browser.page.keyboard.press("Escape")
        for path in ("/nowhere", "/admin/nowhere/"):
            browser.open(path)
            problems[path] = serious_problems(browser.page)
        assert [(path, line) for path, lines in problems.items() for line in lines] == []
        assert len(problems) > 60


def test_axe_finds_nothing_serious_on_the_first_pages_of_a_new_user(live_server, db):
    newcomer = User.objects.create_user("newcomer", password="correct horse battery", is_staff=True)
    cookie = session_of(newcomer)
    with chromium(live_server.url) as browser:
        browser.open("/admin/login/")
        assert serious_problems(browser.page, whole=True) == []
        browser.page.context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": browser.base}])
        browser.open("/admin/")
        browser.page.check("text=Checking account")
        assert serious_problems(browser.page, whole=True) == []


# --- the keyboard ---


def stops(browser: WatchedPage, path: str, count: int = 10) -> list[str]:
    """The names of the first tab stops of a page, by way of the link that skips the menu."""
    browser.open(path)
    browser.page.keyboard.press("Tab")
    names = [browser.page.evaluate(FOCUSED)]
    browser.page.keyboard.press("Enter")
    for _ in range(count - 1):
        browser.page.keyboard.press("Tab")
        names.append(browser.page.evaluate(FOCUSED))
    return names


def test_what_is_done_most_is_within_ten_tab_stops(live_server, root, pages):
    account = Asset.objects.get(name="Account")
    lists = [url(model) for model in (Asset, Tag, Portfolio)]
    with chromium(live_server.url, session_of(root)) as browser:
        dashboard = stops(browser, "/admin/")
        assert dashboard[0] == "Skip to content"
        assert any(name.startswith("Update values") for name in dashboard), dashboard
        for path in lists:
            names = stops(browser, path)
            assert any(name.startswith("Add") for name in names), (path, names)
        names = stops(browser, url(Asset, "change", account.pk))
        assert {"Value", "Save value"} <= set(names), names
