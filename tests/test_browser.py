"""Chromium on every page: what people have stored shows as text, nothing of it runs, and no policy is broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from assets.models import Asset, AssetSnapshot, AssetType, Category, Tag
from portfolios.models import Portfolio
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from tests.admin_forms import url
from tests.chromium import launch
from tests.sample_rows import sample_rows

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.django_db(transaction=True)]
# Out of text, out of an attribute in either quotes, out of a script, and an expression for those who evaluate it.
EVIL = "</script><img src=x onerror=ran=1>\"'-(ran=1)-'{{ran=1}}${ran=1}"
SHOWN = "</script><im"  # as much of it as the shortest column takes
WATCH = """
    window.broken = [];
    addEventListener("securitypolicyviolation", e => broken.push(e.violatedDirective + " " + e.blockedURI));
"""


@dataclass
class Watched:
    """A page of the browser, and what went wrong in it: dialogs, errors on the console, answers of 400 and more."""

    page: Page
    base: str
    wrong: list[str] = field(default_factory=list)

    def listen(self) -> Watched:
        self.page.add_init_script(WATCH)
        self.page.on(
            "dialog", lambda dialog: (self.wrong.append(f"dialog {dialog.message}"), dialog.dismiss())
        )
        self.page.on("pageerror", lambda error: self.wrong.append(f"error {error}"))
        self.page.on(
            "console",
            lambda line: self.wrong.append(line.text) if line.type in ("error", "warning") else None,
        )
        return self

    def open(self, path: str) -> None:
        self.page.goto(self.base + path, wait_until="load")

    def require_harmless(self, where: str) -> None:
        ran = self.page.evaluate("typeof ran")
        assert (ran, self.page.evaluate("broken"), self.wrong) == ("undefined", [], []), where

    def shows(self, text: str) -> bool:
        """As text of the page, or in one of its inputs."""
        return self.page.evaluate(
            """text => document.body.innerText.toLowerCase().includes(text)
                || [...document.querySelectorAll("input, textarea, option")]
                    .some(one => (one.value + one.textContent).toLowerCase().includes(text))""",
            text.lower(),
        )


@contextmanager
def chromium(base: str, *cookies: tuple[str, str], **options) -> Iterator[Watched]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context(**options)
        context.set_default_timeout(60_000)
        context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies])
        try:
            yield Watched(context.new_page(), base).listen()
        finally:
            browser.close()


def session_of(user) -> tuple[str, str]:
    client = Client()
    client.force_login(user)
    return settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def root(db):
    return User.objects.create_user(EVIL, password="correct horse battery", is_staff=True, is_superuser=True)


@pytest.fixture
def world(root):
    """One row of everything, its every text evil, and two lines of history for each."""
    rows = sample_rows(EVIL, user=root)
    for row in rows.values():
        if hasattr(row, "household_lookup"):
            row.save()
    Asset.objects.create(
        portfolio=rows[Portfolio], asset_type=rows[AssetType], name=EVIL, currency="EUR"
    )  # it has no value, and so needs care
    JournalEntry.objects.create(
        **{
            name: getattr(rows[JournalEntry], name)
            for name in ("at", "model", "object_id", "action", "channel")
        },
        before={EVIL: EVIL},
    )
    return rows


def pages_of(rows) -> dict[str, bool]:
    """Every page of every registered model, and whether it is about the row itself and so must show its text."""
    pages = {"/admin/": False, "/admin/password_change/": False, "/swagger": False}
    for model in admin.site._registry:
        row, names_itself = rows[model], SHOWN.lower() in str(rows[model]).lower()
        pages |= {url(model): True, url(model) + "?q=script": False, url(model, "add"): False}
        pages |= {url(model, name, row.pk): names_itself for name in ("change", "delete", "history")}
    return pages | {url(Portfolio, "quality", rows[Portfolio].pk): True}


def test_every_page_shows_what_is_stored_as_text(live_server, root, world):
    """Those that answer 403 to everyone (nobody deletes a rate) are opened as well, and are as harmless."""
    plain = {url(model) for model in admin.site._registry if model.__name__ == "ExchangeRate"}
    with chromium(live_server.url, session_of(root)) as seen:
        for path, must_show in pages_of(world).items():
            answer = seen.page.goto(seen.base + path, wait_until="load")
            assert answer.status in (200, 403), path
            if answer.status == 403:
                seen.wrong = [message for message in seen.wrong if "403" not in message]
            elif must_show and path not in plain:
                assert seen.shows(SHOWN), path
            seen.require_harmless(path)


def test_what_pages_fetch_and_say_later_is_text_as_well(live_server, root, world):
    """Choices that are fetched, filters, messages after a save, a refusal, a deletion, and the answer in Swagger."""
    asset, tag = world[Asset], world[Tag]
    with chromium(live_server.url, session_of(root)) as seen:
        page = seen.page
        seen.open(url(AssetSnapshot, "add"))
        page.click(".select2-selection")
        page.wait_for_selector(f".select2-results__option:has-text('{SHOWN[:8]}')")
        seen.require_harmless("autocomplete")
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('.select2-selection').textContent.includes('script')")
        seen.require_harmless("chosen")

        seen.open(url(Asset, "change", asset.pk))
        page.click("text=Add another value")
        page.fill("#id_snapshots-1-value", "12.5")
        page.fill("#id_snapshots-1-on", "2026-02-02")
        page.click("button[name=_continue], input[name=_continue]")
        page.wait_for_selector("text=was changed successfully")
        assert seen.shows(SHOWN)
        seen.require_harmless("message after a change")

        page.fill("#id_name", "")
        page.click("button[name=_save], input[name=_save]")
        page.wait_for_selector("text=This field is required")
        seen.require_harmless("refusal")

        seen.open(url(Asset))
        page.click("text=Filters")
        page.wait_for_selector("text=By category")
        seen.require_harmless("filters")

        seen.open(url(Tag, "delete", tag.pk))
        page.click("[type=submit]:visible")
        page.wait_for_selector("text=was deleted successfully")
        seen.require_harmless("message after a deletion")


def test_swagger_reads_and_writes_by_session_and_shows_names_as_text(live_server, root, world):
    with chromium(live_server.url, session_of(root)) as seen:
        page = seen.page
        seen.open("/swagger")
        for operation, body in (
            ("households-households_list", None),
            ("tags-tags_create", '{"name": "made in Swagger"}'),
        ):
            block = page.locator(f"#operations-{operation}")
            block.locator("button.opblock-summary-control").click()
            block.locator(".try-out__btn").click()
            if body:
                block.locator("textarea").fill(body)
            block.locator(".execute").click()
            block.locator(".live-responses-table .microlight").first.wait_for()
            if body is None:
                assert SHOWN in block.locator(".live-responses-table .microlight").first.inner_text()
            seen.require_harmless(operation)
    assert Tag.objects.filter(name="made in Swagger").exists()


def test_the_apis_own_answers_run_nothing_in_a_browser(live_server, root, world):
    paths = ["households", "portfolios", "assets", "tags", "categories", "asset-types", "auth/tokens", "me"]
    paths += [
        f"assets/{world[Asset].pk}/history",
        f"assets/{world[Asset].pk}/transactions",
        f"tags/{EVIL}",
        EVIL,
    ]
    with chromium(live_server.url, session_of(root)) as seen:
        for path in paths:
            seen.open(f"/api/v1/{path}")
            seen.wrong = [
                message for message in seen.wrong if "404" not in message
            ]  # two of them name nothing
            seen.require_harmless(path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_logging_in_leads_to_the_admin_and_nothing_is_wider_than_the_screen(
    live_server, root, world, scheme, width
):
    viewport = {"width": width, "height": 800}
    with chromium(live_server.url, viewport=viewport, color_scheme=scheme) as seen:
        page = seen.page
        seen.open("/admin/login/")
        page.fill("#id_username", EVIL)
        page.fill("#id_password", "correct horse battery")
        page.press("#id_password", "Enter")
        page.wait_for_url("**/admin/")
        seen.require_harmless("login")
        for path in (url(Asset), url(Category), url(Asset, "change", world[Asset].pk)):
            for where in (path, path.replace("change/", "history/")):
                seen.open(where)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, where


def test_the_watch_itself_sees_a_script_that_runs_and_a_policy_that_is_broken(live_server, root):
    """Or everything above could pass for a browser that looks away."""
    with chromium(live_server.url, session_of(root)) as seen:
        seen.open("/swagger")
        seen.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=ran=1>')")
        seen.page.wait_for_function("broken.length > 0")
        with pytest.raises(AssertionError, match="script-src-attr"):
            seen.require_harmless("an inline handler")
        seen.open("/admin/")
        seen.page.evaluate("ran = 1")
        with pytest.raises(AssertionError, match="number"):
            seen.require_harmless("a script that ran")
