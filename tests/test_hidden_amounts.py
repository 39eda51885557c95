""" "Hide amounts": on no page an amount stays readable, for an owner who edits and for a viewer who only reads."""

from __future__ import annotations

from datetime import date

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Transaction
from portfolios.models import Household, Portfolio
from reports.services.portfolio_snapshots import take_snapshot
from strata.accounts.models import User
from strata.tenancy.roles import VIEWER
from tests.admin_forms import url
from tests.admin_pages import pages_of_the_admin
from tests.factories import create_valued_asset
from tests.test_browser import chromium, session_of

# No database changes what a browser does with a page: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]

# Texts with an amount that are neither hidden nor blurred. Help is no amount of the household.
READABLE = r"""() => {
    const AMOUNT = /\d[.,]\d{3}(?!\d|-)|\d\.\d\d(?!\d|\s?%|:)|\d\s?(EUR|USD|CHF)\b/;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (texts.nextNode()) {
        const text = texts.currentNode.data.replace(/[\d.,]+\s%/g, ""), element = texts.currentNode.parentElement;
        const aside = "[aria-hidden=true], script, style, template, [id$=_helptext], .leading-relaxed, .uv-quiet";
        if (AMOUNT.test(text) && !element.closest(aside) && element.checkVisibility()) found.push(text);
    }
    const inputs = [...document.querySelectorAll("input:not([type=hidden])")].filter(input => AMOUNT.test(input.value));
    return [...found, ...inputs.filter(input => input.checkVisibility()
        && !getComputedStyle(input).filter.includes("blur")).map(input => `${input.name}: ${input.value}`)];
}"""
HIDDEN = "localStorage.setItem('strata.amounts', 'hidden')"


@pytest.fixture
def root(db):
    return User.objects.create_user(
        "root", password="correct horse battery", is_superuser=True, is_staff=True
    )


@pytest.fixture
def pages(root) -> list[str]:
    """All pages, and those of an account, a debt, a purchase and a saved total with amounts of some size."""
    pages, today = pages_of_the_admin(root), date.today()
    portfolio = Portfolio.objects.get()
    account = create_valued_asset(
        portfolio, "Account", TypeId.CHECKING_ACCOUNT, "1234.56", on=today.isoformat()
    )
    create_valued_asset(portfolio, "Mortgage", TypeId.MORTGAGE, "-98765.43", on=today.isoformat())
    bought = Transaction.objects.create(
        asset=account, type="ACQUIRE", amount="4321.09", quantity="1.25", fee="9.99", tax="7.77",
        currency="EUR", on=today, occurred_at=account.created_at,
    )  # fmt: skip
    total = take_snapshot(portfolio.pk, on=today)
    rows = (account, AssetSnapshot.objects.get(asset=account), bought, total)
    return [*pages, *(url(type(row), name, row.pk) for row in rows for name in ("change", "history"))]


@pytest.fixture
def viewer(pages) -> User:
    user = User.objects.create_user("viewer", password="correct horse battery", is_staff=True)
    Household.objects.get().memberships.create(user=user, role=VIEWER, accepted_at=user.date_joined)
    return user


def readable(browser, paths: list[str]) -> list[tuple[str, str]]:
    browser.page.add_init_script(HIDDEN)
    texts = []
    for path in paths:
        browser.open(path)
        texts += [(path, text) for text in browser.page.evaluate(READABLE)]
    return texts


def test_no_page_shows_an_amount_while_amounts_are_hidden(live_server, root, pages):
    ours = [path for path in pages if "exchangerate" not in path and "target" not in path]
    with chromium(live_server.url, session_of(root)) as browser:
        assert readable(browser, ours) == []


def test_a_viewer_reads_no_amount_while_amounts_are_hidden(live_server, viewer, pages):
    ours = [path for path in pages if "/assets/asset" in path or "transaction" in path or "snapshot" in path]
    with chromium(live_server.url, session_of(viewer)) as browser:
        assert readable(browser, [path for path in ours if path.endswith(("change/", "history/"))]) == []


def test_the_total_while_typing_is_hidden_and_its_percentage_is_not(live_server, root, pages):
    account = Asset.objects.get(name="Account")
    with chromium(live_server.url, session_of(root)) as browser:
        browser.page.add_init_script(HIDDEN)
        browser.open("/admin/update-values/")
        browser.page.fill(f"[name='value-{account.pk}']", "2000")
        browser.page.wait_for_selector("[data-total] .amount[aria-hidden=true]")
        seen = """element => {
            const copy = element.cloneNode(true);
            copy.querySelectorAll("[aria-hidden=true]").forEach(hidden => hidden.remove());
            return copy.textContent;
        }"""
        total = browser.page.locator("[data-total]").evaluate(seen)
        assert "%" in total and "→" in total
        assert browser.page.evaluate(READABLE) == []
