"""The dashboard in a real Chromium: both themes, a phone, the keyboard, no scripts; no content policy is violated.

All rows are stored before the browser starts: Playwright runs an event loop in this thread, and Django refuses
queries in a thread with one.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from strata.accounts.models import User
from strata.fields.dates import noon
from tests.chromium import shared_browser

# No database changes what a browser does with a page: one of the two passes is enough.
pytestmark = [pytest.mark.browser, pytest.mark.on_sqlite, pytest.mark.django_db(transaction=True)]

EVIL_NAME = "<img src=x onerror=\"document.title='owned'\">"
WATCH = "window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective))"


@pytest.fixture
def session(transactional_db, portfolio, vera_user) -> str:
    """A session of Vera, who is staff; there are a house, an account with a hostile name, and a loan."""
    User.objects.filter(pk=vera_user.pk).update(is_staff=True)
    today = date.today()
    for name, asset_type, values in (
        ("House", TypeId.REAL_ESTATE, ("200000.00", "210000.00", "230000.00")),
        (EVIL_NAME, TypeId.CHECKING_ACCOUNT, ("9000.00", "12000.00", "8000.00")),
        ("Loan", TypeId.LOAN, ("-150000.00", "-140000.00", "-130000.00")),
    ):
        asset = Asset.objects.create(portfolio=portfolio, name=name, asset_type_id=asset_type, currency="EUR")
        for days, value in zip((400, 200, 3), values, strict=True):
            on = today - timedelta(days=days)
            AssetSnapshot.objects.create(asset=asset, value=value, on=on, observed_at=noon(on, "UTC"))
    client = Client()
    client.force_login(vera_user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def quality_page(session, portfolio) -> str:
    """The path of the quality page, which has a finding."""
    Asset.objects.create(
        portfolio=portfolio, name="Empty", asset_type_id=TypeId.CHECKING_ACCOUNT, currency="EUR"
    )
    return f"/admin/portfolios/portfolio/{portfolio.pk}/quality/"


@pytest.fixture
def browse(live_server, session):
    """Opens a page with a theme and a width. At the end no page may have reported an error."""
    errors: list[str] = []
    opened: list[Page] = []
    with shared_browser() as browser:

        def open_page(
            face: str = "light", width: int = 1280, path: str = "/admin/", *, javascript: bool = True
        ) -> Page:
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=face, java_script_enabled=javascript
            )
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
            )
            context.add_init_script(WATCH)
            page = context.new_page()
            page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(live_server.url + path, wait_until="load")
            opened.extend([page] * javascript)
            return page

        yield open_page
        for page in opened:
            errors += page.evaluate("violations")
    assert errors == []


def brightness(page: Page, colour: str) -> float:
    """The brightness, from 0 to 255, of any CSS colour."""
    return page.evaluate(
        """colour => {
            const context = new OffscreenCanvas(1, 1).getContext('2d')
            context.fillStyle = colour
            context.fillRect(0, 0, 1, 1)
            return context.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((sum, part) => sum + part) / 3
        }""",
        colour,
    )


def style(page: Page, selector: str, part: str) -> str:
    return page.evaluate(
        "([name, part]) => getComputedStyle(document.querySelector(name))[part]", [selector, part]
    )


def test_dashboard_works_in_both_themes_on_a_phone_and_by_keyboard(browse):
    for face, width in product(("light", "dark"), (390, 1280)):
        page = browse(face, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground = brightness(page, style(page, "#main", "backgroundColor"))
        assert (ground > 200) is (face == "light")
        for part in (".dash-figure", ".dash-card h2", ".dash-up", ".dash-down", ".dash-note, .dash-card td"):
            assert abs(ground - brightness(page, style(page, part, "color"))) > 80, (face, part)
        for name in ("Net worth over time; the figures are in the table below", "Why it changed: past year"):
            assert page.get_by_role("img", name=name, exact=True).bounding_box()["width"] > 200
    assert page.locator(".dash").get_by_text(EVIL_NAME, exact=True).count() >= 1
    assert (page.locator(".dash img").count(), page.title()) == (0, "Dashboard | Strata")

    page.hover(".dash-plot")
    assert "Sep" in page.inner_text(".dash-tip") or "202" in page.inner_text(".dash-tip")
    page.get_by_role("button", name="Hide amounts", exact=True).press("Enter")
    assert "blur" in style(page, ".dash-figure", "filter")
    assert page.get_attribute(".dash-figure", "aria-hidden") == "true"
    page.goto(page.url.replace("/admin/", "/admin/assets/asset/"))
    assert "blur" in style(page, "td.field-value_now", "filter"), "on every page"
    page.go_back()
    page.get_by_role("button", name="Show amounts", exact=True).press("Enter")
    assert style(page, ".dash-figure", "filter") == "none"

    page.select_option("[name=group_by]", "asset")
    page.wait_for_url("**group_by=asset**")
    assert page.evaluate("document.activeElement.name") == "group_by"
    page.get_by_role("link", name="3M", exact=True).press("Enter")
    page.wait_for_url("**range=3m**")
    page.fill("[name=start]", "2020-01-01")
    page.wait_for_url("**start=2020-01-01**")
    assert "since your first value" in page.inner_text(".dash")
    assert page.get_by_role("button", name="Apply").count() == 0


def test_without_scripts_the_pictures_and_the_filters_are_there(browse):
    page = browse(javascript=False)
    assert page.locator(".dash-plot svg").is_visible()
    assert page.get_by_role("button", name="Apply", exact=True).is_visible()
    assert page.get_by_role("link", name="Assets", exact=False).first.is_visible()
    assert not page.locator("[data-hide-amounts]").is_visible()


@pytest.mark.parametrize("face", ["light", "dark"])
def test_links_of_the_quality_page_look_like_links(quality_page, browse, face):
    page = browse(face, path=quality_page)
    link, text = ("tbody th a", "td:last-child")
    assert style(page, link, "textDecorationLine") == "underline"
    assert style(page, link, "color") != style(page, text, "color")


def test_chart_image_opens_by_itself_with_its_colours(browse):
    backgrounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 24, 39)"}
    for report, face in product(("net-worth", "allocation"), backgrounds):
        page = browse(path=f"/api/v1/{report}/chart.svg?face={face}")
        assert page.evaluate("document.documentElement.tagName") == "svg", (report, face)
        fill = page.evaluate("getComputedStyle(document.querySelector('path')).fill")
        assert fill == backgrounds[face], (report, face)
        assert page.evaluate("document.querySelectorAll('text').length") > 8, (report, face)
