"""Chromium on every page: stored text is shown as text and never runs, and no content policy is violated."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from playwright.sync_api import Page

from assets.models import Asset, AssetSnapshot, AssetType, Category, Tag
from portfolios.models import Portfolio
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from tests.admin_forms import url
from tests.chromium import shared_browser, swagger_operation
from tests.sample_rows import sample_rows

# No database changes what a browser does with a page: one of the two passes is enough.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.on_sqlite,
    pytest.mark.django_db(transaction=True),
]
# Escapes from text, from an attribute with either quote and from a script; and an expression for template engines.
EVIL = "</script><img src=x onerror=ran=1>\"'-(ran=1)-'{{ran=1}}${ran=1}"
SHOWN = "</script><im"  # as much of it as fits the shortest column
WATCH = """
    window.violations = [];
    addEventListener("securitypolicyviolation", e => violations.push(e.violatedDirective + " " + e.blockedURI));
"""


@dataclass
class WatchedPage:
    """A page of the browser, with the dialogs, console errors and failed requests that happened in it."""

    page: Page
    base: str
    problems: list[str] = field(default_factory=list)

    def listen(self) -> WatchedPage:
        self.page.add_init_script(WATCH)
        self.page.on(
            "dialog", lambda dialog: (self.problems.append(f"dialog {dialog.message}"), dialog.dismiss())
        )
        self.page.on("pageerror", lambda error: self.problems.append(f"error {error}"))
        self.page.on(
            "console",
            lambda line: self.problems.append(line.text) if line.type in ("error", "warning") else None,
        )
        return self

    def open(self, path: str) -> None:
        self.page.goto(self.base + path, wait_until="load")

    def require_harmless(self, step: str) -> None:
        ran = self.page.evaluate("typeof ran")
        assert (ran, self.page.evaluate("violations"), self.problems) == ("undefined", [], []), step

    def shows(self, text: str) -> bool:
        """Whether the text is visible on the page or in one of its inputs."""
        return self.page.evaluate(
            """text => document.body.innerText.toLowerCase().includes(text)
                || [...document.querySelectorAll("input, textarea, option")]
                    .some(input => (input.value + input.textContent).toLowerCase().includes(text))""",
            text.lower(),
        )


@contextmanager
def chromium(base: str, *cookies: tuple[str, str], **options) -> Iterator[WatchedPage]:
    with shared_browser() as process:
        context = process.new_context(**options)
        context.set_default_timeout(60_000)
        context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies])
        yield WatchedPage(context.new_page(), base).listen()


def session_of(user) -> tuple[str, str]:
    """The cookie of a session in which the user is logged in."""
    client = Client()
    client.force_login(user)
    return settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def root(db):
    return User.objects.create_user(EVIL, password="correct horse battery", is_staff=True, is_superuser=True)


@pytest.fixture
def world(root):
    """One row of every model with EVIL as each text, and two journal entries for each."""
    rows = sample_rows(EVIL, user=root)
    for row in rows.values():
        if hasattr(row, "household_lookup"):
            row.save()
    # Without a value, so the quality page lists it.
    Asset.objects.create(portfolio=rows[Portfolio], asset_type=rows[AssetType], name=EVIL, currency="EUR")
    JournalEntry.objects.create(
        **{
            name: getattr(rows[JournalEntry], name)
            for name in ("at", "model", "object_id", "action", "channel")
        },
        before={EVIL: EVIL},
    )
    return rows


def pages_of(rows) -> dict[str, bool]:
    """Every page of every registered model, and whether it must show the row's text."""
    pages = {"/admin/": False, "/admin/password_change/": False, "/swagger": False}
    for model in admin.site._registry:
        row, names_itself = rows[model], SHOWN.lower() in str(rows[model]).lower()
        pages |= {url(model): True, url(model) + "?q=script": False, url(model, "add"): False}
        pages |= {url(model, name, row.pk): names_itself for name in ("change", "delete", "history")}
    return pages | {url(Portfolio, "quality", rows[Portfolio].pk): True}


def test_every_page_shows_stored_text_as_text(live_server, root, world):
    """Pages that are 403 for everyone (nobody deletes a rate) are opened too and must be harmless."""
    without_text = {url(model) for model in admin.site._registry if model.__name__ == "ExchangeRate"}
    with chromium(live_server.url, session_of(root)) as browser:
        for path, must_show in pages_of(world).items():
            answer = browser.page.goto(browser.base + path, wait_until="load")
            assert answer.status in (200, 403), path
            if answer.status == 403:
                browser.problems = [message for message in browser.problems if "403" not in message]
            elif must_show and path not in without_text:
                assert browser.shows(SHOWN), path
            browser.require_harmless(path)


def test_content_loaded_later_is_shown_as_text(live_server, root, world):
    """Fetched choices, filters, and messages after a save, a refusal and a deletion."""
    asset, tag = world[Asset], world[Tag]
    with chromium(live_server.url, session_of(root)) as browser:
        page = browser.page
        browser.open(url(AssetSnapshot, "add"))
        page.click(".select2-selection")
        page.wait_for_selector(f".select2-results__option:has-text('{SHOWN[:8]}')")
        browser.require_harmless("autocomplete")
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('.select2-selection').textContent.includes('script')")
        browser.require_harmless("chosen")

        browser.open(url(Asset, "change", asset.pk))
        page.fill("#id_account_number_end", "1234")
        page.click("button[name=_continue], input[name=_continue]")
        page.wait_for_selector("text=was changed successfully")
        assert browser.shows(SHOWN)
        browser.require_harmless("message after a change")

        page.fill("[name=value]", "12.5")
        page.click("text=Save value")
        page.wait_for_selector("text=Is that right?")
        browser.require_harmless("question about a value")
        page.click("text=Save anyway")
        page.wait_for_selector("text=Saved the value for")
        browser.require_harmless("message after a value")

        page.fill("#id_name", "")
        page.click("button[name=_save], input[name=_save]")
        page.wait_for_selector("text=This field is required")
        browser.require_harmless("refusal")

        browser.open(url(Asset))
        page.click("text=Filters")
        page.wait_for_selector("text=By category")
        browser.require_harmless("filters")

        browser.open(url(Tag, "delete", tag.pk))
        page.click("[type=submit]:visible")
        page.wait_for_selector("text=was deleted successfully")
        browser.require_harmless("message after a deletion")


def test_swagger_reads_and_writes_by_session_and_shows_names_as_text(live_server, root, world):
    with chromium(live_server.url, session_of(root)) as browser:
        page = browser.page
        for tag, operation, body in (
            ("households", "households_list", None),
            ("tags", "tags_create", '{"name": "made in Swagger"}'),
        ):
            browser.open("/swagger")
            block = swagger_operation(page, tag, operation)
            block.locator(".try-out__btn").click()
            if body:
                block.locator("textarea").fill(body)
            block.locator(".execute").click()
            block.locator(".live-responses-table .microlight").first.wait_for()
            if body is None:
                assert SHOWN in block.locator(".live-responses-table .microlight").first.inner_text()
            browser.require_harmless(operation)
    assert Tag.objects.filter(name="made in Swagger").exists()


def test_api_responses_run_nothing_in_a_browser(live_server, root, world):
    paths = ["households", "portfolios", "assets", "tags", "categories", "asset-types", "auth/tokens", "me"]
    paths += [
        f"assets/{world[Asset].pk}/history",
        f"assets/{world[Asset].pk}/transactions",
        f"tags/{EVIL}",
        EVIL,
    ]
    with chromium(live_server.url, session_of(root)) as browser:
        for path in paths:
            browser.open(f"/api/v1/{path}")
            # Two of the paths name no row.
            browser.problems = [message for message in browser.problems if "404" not in message]
            browser.require_harmless(path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_login_opens_the_admin_and_no_page_is_wider_than_the_screen(live_server, root, world, scheme, width):
    viewport = {"width": width, "height": 800}
    with chromium(live_server.url, viewport=viewport, color_scheme=scheme) as browser:
        page = browser.page
        browser.open("/admin/login/")
        page.fill("#id_username", EVIL)
        page.fill("#id_password", "correct horse battery")
        page.press("#id_password", "Enter")
        page.wait_for_url("**/admin/")
        browser.require_harmless("login")
        for path in (url(Asset), url(Category), url(Asset, "change", world[Asset].pk)):
            for page_path in (path, path.replace("change/", "history/")):
                browser.open(page_path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, page_path


def test_watched_page_notices_scripts_and_policy_violations(live_server, root):
    """Without this the tests above could pass because nothing is detected."""
    with chromium(live_server.url, session_of(root)) as browser:
        browser.open("/swagger")
        browser.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=ran=1>')")
        browser.page.wait_for_function("violations.length > 0")
        with pytest.raises(AssertionError, match="script-src-attr"):
            browser.require_harmless("an inline handler")
        browser.open("/admin/")
        browser.page.evaluate("ran = 1")
        with pytest.raises(AssertionError, match="number"):
            browser.require_harmless("a script that ran")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_swagger_is_collapsed_and_follows_the_color_scheme(live_server, root, scheme):
    with chromium(live_server.url, session_of(root), color_scheme=scheme) as browser:
        browser.open("/swagger")
        page = browser.page
        page.locator("#operations-tag-me").wait_for()
        assert page.locator(".opblock").count() == 0
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(250, 250, 250)", "dark": "rgb(28, 32, 34)"}[scheme]
        browser.require_harmless(scheme)


def test_nothing_of_one_test_is_left_in_the_browser_for_the_next():
    base = "http://127.0.0.1:9"
    with chromium(base, ("sessionid", "mine")) as browser:
        assert [cookie["name"] for cookie in browser.page.context.cookies(base)] == ["sessionid"]
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()
    with chromium(base) as browser:
        assert browser.page.context.cookies(base) == []
        assert len(browser.page.context.browser.contexts) == 1
