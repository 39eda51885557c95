"""The monthly update in a real Chromium: twelve values take one page load and one click.

All rows are stored before the browser starts (see tests/test_dashboard_in_browser.py), and are read after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.conf import settings
from playwright.sync_api import Page

from assets.classification.seeds import TypeId
from assets.models import AssetSnapshot
from tests.admin_forms import staff
from tests.chromium import shared_browser
from tests.factories import create_valued_asset

# No database changes what a browser does with a page: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]
# Counts what the person does: clicks that a key makes have no position.
COUNT = "window.clicks = 0; addEventListener('click', event => { clicks += event.detail > 0 }, true)"


@pytest.fixture
def session(transactional_db, portfolio, alice_user) -> str:
    """A session of Alice, who has eleven accounts at 1,000 and a mortgage of 180,000."""
    for number in range(1, 12):
        create_valued_asset(portfolio, f"Account {number:02}", TypeId.CHECKING_ACCOUNT, "1000.00")
    create_valued_asset(portfolio, "Mortgage", TypeId.MORTGAGE, "-180000.00")
    return staff(alice_user).cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def opened(live_server, session: str, **options) -> Iterator[tuple[Page, list[str]]]:
    """The page Update values, and the addresses of the pages that were loaded and errors that were logged."""
    with shared_browser() as browser:
        context = browser.new_context(**options)
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        page, events = context.new_page(), []
        page.add_init_script(COUNT)
        page.on("framenavigated", lambda frame: events.append(frame.url))
        page.on("console", lambda line: events.append(line.text) if line.type == "error" else None)
        page.goto(f"{live_server.url}/admin/update-values/")
        page.wait_for_function("document.activeElement.name?.startsWith('value-')")
        yield page, events


def values_of_today() -> list[Decimal]:
    newest = AssetSnapshot.objects.exclude(on="2024-06-01").order_by("asset__name_key")
    return list(newest.values_list("value", flat=True))


@pytest.mark.parametrize(
    ("options", "typed", "save", "saved"),
    [
        ({}, "1,100.50", "Save", "Saved 12 values for"),
        ({"viewport": {"width": 390, "height": 844}}, "1,100.50", "Save", "Saved 12 values for"),
    ],
    ids=["desktop", "phone"],
)
def test_twelve_values_take_one_load_and_one_click(live_server, session, options, typed, save, saved):
    with opened(live_server, session, **options) as (page, events):
        for _number in range(11):
            page.keyboard.type(typed)
            page.keyboard.press("Enter")
        page.keyboard.type("179000")
        page.locator("[data-total]", has_text="(+2,106").wait_for()
        page.get_by_role("button", name=save, exact=True).click()
        page.get_by_role("status").filter(has_text=saved).wait_for()
        assert page.evaluate("clicks") == 1
        assert events == [f"{live_server.url}/admin/update-values/"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert values_of_today() == [Decimal("1100.50")] * 11 + [Decimal(-179000)]


def test_undo_is_one_click(live_server, session):
    with opened(live_server, session) as (page, events):
        page.keyboard.type("1,100")
        page.keyboard.press("Control+Enter")
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("status").filter(has_text="Undone: 1 value.").wait_for()
        assert len(events) == 1
    assert values_of_today() == []


def test_slip_is_asked_about_and_a_pasted_column_fills_the_rows_below(live_server, session):
    with opened(live_server, session) as (page, events):
        page.evaluate(
            """() => {
                const data = new DataTransfer()
                data.setData('text/plain', '1100\\n\\n10000')
                document.activeElement.dispatchEvent(
                    new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}))
            }"""
        )
        page.locator("[data-total]", has_text="(+9,100").wait_for()
        page.keyboard.press("Control+Enter")
        dialog = page.get_by_role("dialog", name="Please check")
        dialog.get_by_text("Account 03: from 1,000 to 10,000, about 10 times as much.").wait_for()
        dialog.get_by_role("button", name="Save anyway").click()
        page.get_by_role("status").filter(has_text="Saved 2 values for").wait_for()
        assert len(events) == 1
    assert values_of_today() == [Decimal(1100), Decimal(10000)]


def test_answer_that_comes_after_saving_changes_nothing(live_server, session):
    with opened(live_server, session) as (page, _events):
        held = []

        def hold_previews(route) -> None:
            is_preview = '"action":"preview"' in (route.request.post_data or "")
            held.append(route) if is_preview else route.continue_()

        page.route("**/admin/update-values/", hold_previews)
        with page.expect_request(lambda request: '"preview"' in (request.post_data or "")):
            page.keyboard.type("1,100")
        page.keyboard.press("Control+Enter")
        page.get_by_role("status").filter(has_text="Saved 1 value for").wait_for()
        with page.expect_response(lambda answer: '"preview"' in (answer.request.post_data or "")):
            for route in held:
                route.continue_()
        page.evaluate("new Promise(requestAnimationFrame)")
        assert page.locator("[data-total]").inner_text() == "Nothing entered"
        assert page.locator("[data-cell=difference]").all_inner_texts() == [""] * 12


def test_what_is_typed_can_be_saved_after_another_login(live_server, session):
    with opened(live_server, session) as (page, events):
        page.keyboard.type("1,100")
        page.context.clear_cookies()
        page.keyboard.press("Control+Enter")
        page.get_by_role("alert").filter(has_text="Nothing was saved: you are logged out.").wait_for()
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
        page.context.add_cookies([cookie])
        page.keyboard.press("Control+Enter")
        page.get_by_role("status").filter(has_text="Saved 1 value for").wait_for()
        assert [event for event in events if event.startswith("http")] == [
            f"{live_server.url}/admin/update-values/"
        ]
    assert values_of_today() == [Decimal(1100)]


def test_still_the_same_for_all_keeps_what_is_typed(live_server, session):
    with opened(live_server, session) as (page, _events):
        page.keyboard.type("1,100")
        page.get_by_role("button", name="Still the same for all").click()
        page.keyboard.press("Control+Enter")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("status").filter(has_text="Saved 12 values for").wait_for()
    assert values_of_today() == [Decimal(1100)] + [Decimal(1000)] * 10 + [Decimal(-180000)]
