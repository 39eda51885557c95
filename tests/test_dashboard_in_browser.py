"""The dashboard in a real Chromium: charts are drawn in both themes, and the page violates no content policy.

All rows are stored before the browser starts: Playwright runs an event loop in this thread, and Django refuses
queries in a thread with one.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from strata.accounts.models import User
from strata.fields.dates import noon
from tests.chromium import launch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVIL_NAME = "<img src=x onerror=\"document.title='owned'\">"
WATCH = "window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective))"
# The number of pixels of a canvas that are near a colour.
COUNT = """([id, r, g, b]) => {
    const canvas = document.getElementById(id)
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    let count = 0
    for (let i = 0; i < pixels.length; i += 4) {
        const distance = Math.abs(pixels[i] - r) + Math.abs(pixels[i + 1] - g) + Math.abs(pixels[i + 2] - b)
        if (pixels[i + 3] > 200 && distance < 30) count += 1
    }
    return count
}"""
VIOLET, BLUE = (139, 92, 246), (0, 114, 178)


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
    with sync_playwright() as playwright:
        browser = launch(playwright)

        def open_page(face: str = "light", width: int = 1280, path: str = "/admin/") -> Page:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=face)
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
            )
            context.add_init_script(WATCH)
            page = context.new_page()
            page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(live_server.url + path, wait_until="load")
            opened.append(page)
            return page

        yield open_page
        for page in opened:
            errors += page.evaluate("violations")
        browser.close()
    assert errors == []


def drawn(page: Page, canvas: str, colour: tuple[int, int, int]) -> int:
    """The number of pixels of the canvas that are near the colour."""
    return page.evaluate(COUNT, [canvas, *colour])


def day_count(page: Page) -> int:
    return page.evaluate("Chart.getChart('worth-chart').data.labels.length")


@pytest.mark.parametrize("face", ["light", "dark"])
def test_charts_are_drawn_in_both_themes(browse, face):
    page = browse(face)
    assert page.evaluate("document.documentElement.classList.contains('dark')") is (face == "dark")
    assert drawn(page, "worth-chart", VIOLET) > 500
    assert drawn(page, "allocation-chart", BLUE) > 2000
    background = page.evaluate("getComputedStyle(document.getElementById('main')).backgroundColor")
    text_colour = page.evaluate("getComputedStyle(document.querySelector('.dash-figure')).color")
    assert brightness(page, background) > 200 if face == "light" else brightness(page, background) < 60
    assert abs(brightness(page, background) - brightness(page, text_colour)) > 120


# The labels of the chart's money axis with ticks in steps of a given size.
LABELS = """([step, sign]) => {
    const chart = Chart.getChart('worth-chart'), axis = chart.options.scales.y
    chart.data.datasets = [{data: [0, 7 * step * sign]}]
    chart.data.labels = ['a', 'b']
    axis.ticks.stepSize = step
    chart.update()
    return chart.scales.y.ticks.map(tick => [tick.value, tick.label])
}"""
STEPS = [float(f"{digits}e{power}") for digits in ("1", "2", "2.5", "5") for power in range(-4, 21)]


def test_tick_labels_of_the_chart_are_their_values(browse):
    page = browse()
    for step, sign in product(STEPS, (1, -1)):
        ticks = page.evaluate(LABELS, [step, sign])
        assert len(ticks) >= 7
        for value, label in ticks:
            assert abs(float(label.replace(",", "")) - value) <= 1e-6 * step, (step, value, label)


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


def test_theme_switch_redraws_the_page(browse):
    page = browse("light")
    before = page.evaluate("getComputedStyle(document.querySelector('.dash-figure')).color")
    page.evaluate("""document.querySelector(`[x-on\\\\:click="switchTheme('dark')"]`).click()""")
    page.wait_for_selector("html.dark")
    after = page.evaluate("getComputedStyle(document.querySelector('.dash-figure')).color")
    assert brightness(page, before) < 100 < brightness(page, after)
    assert drawn(page, "worth-chart", VIOLET) > 500


def test_range_picker_changes_the_chart(browse):
    page = browse()
    year = day_count(page)
    page.click("[data-range='1m']")
    page.wait_for_load_state("load")
    assert day_count(page) in range(29, 33)
    assert day_count(page) != year
    assert page.get_attribute("[data-range='1m']", "aria-current") == "page"
    page.fill("[name=start]", "2020-01-01")
    page.fill("[name=end]", "2020-01-10")
    page.click("text=Show")
    page.wait_for_load_state("load")
    assert day_count(page) == 10
    assert "2020-01-10" in page.inner_text(".dash-worth")


def test_name_is_shown_as_text(browse):
    page = browse()
    assert page.locator(".dash").get_by_text(EVIL_NAME, exact=True).count() >= 1
    assert page.locator(".dash img").count() == 0
    assert page.title() != "owned"


def test_page_fits_a_phone(browse):
    page = browse(width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert drawn(page, "worth-chart", VIOLET) > 100


@pytest.mark.parametrize("face", ["light", "dark"])
def test_links_of_the_quality_page_look_like_links(quality_page, browse, face):
    page = browse(face, path=quality_page)
    link, text = ("td a", "td:last-child")
    style = "([name, part]) => getComputedStyle(document.querySelector(name))[part]"
    assert page.evaluate(style, [link, "textDecorationLine"]) == "underline"
    assert page.evaluate(style, [link, "color"]) != page.evaluate(style, [text, "color"])


def test_chart_image_opens_by_itself_with_its_colours(browse):
    backgrounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 24, 39)"}
    for report, face in product(("net-worth", "allocation"), backgrounds):
        page = browse(path=f"/api/v1/{report}/chart.svg?face={face}")
        assert page.evaluate("document.documentElement.tagName") == "svg", (report, face)
        fill = page.evaluate("getComputedStyle(document.querySelector('path')).fill")
        assert fill == backgrounds[face], (report, face)
        assert page.evaluate("document.querySelectorAll('text').length") > 8, (report, face)
