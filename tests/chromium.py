"""Debian's Chromium, headless and without any background network access, for browser tests.

The headless shell has the same engine without a window: it starts in half the time and needs a third less for a page.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

from playwright.sync_api import Browser, Locator, Page, Playwright, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or which("chromium-headless-shell") or which("chromium") or "chromium"
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _Shared:
    """Playwright and Chromium, as soon as a test of this process has needed them."""

    playwright: Playwright | None = None
    browser: Browser | None = None
    loop: asyncio.AbstractEventLoop | None = None


@contextmanager
def shared_browser() -> Iterator[Browser]:
    """The Chromium of this process, which its tests use one after the other: each start takes a second of CPU.

    A test has contexts of its own, so no cookie, cache or page of another. Between the tests no event loop is said to
    run in this thread, though Playwright's is only suspended: Django refuses queries in a thread with one.
    """
    if _Shared.browser and not _Shared.browser.is_connected():
        stop()
    asyncio._set_running_loop(_Shared.loop)
    try:
        yield _Shared.browser or _start()
    finally:
        try:
            for context in _Shared.browser.contexts if _Shared.browser else ():
                context.close()
        finally:
            asyncio._set_running_loop(None)


def _start() -> Browser:
    atexit.register(stop)
    _Shared.playwright = sync_playwright().start()
    _Shared.loop = asyncio.get_running_loop()
    _Shared.browser = _Shared.playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
    return _Shared.browser


def stop() -> None:
    """Ends what was started: at the end of the process."""
    atexit.unregister(stop)
    if _Shared.playwright:
        asyncio._set_running_loop(_Shared.loop)
        _Shared.playwright.stop()
        asyncio._set_running_loop(None)
    _Shared.playwright = _Shared.browser = _Shared.loop = None


def swagger_operation(page: Page, tag: str, operation: str) -> Locator:
    """The open block of an operation on Swagger's page, which draws only the operations near the window."""
    page.locator(".operation-filter-input").fill(tag)
    block = page.locator(f"#operations-{tag}-{operation}")
    if not block.count():
        page.locator(f"#operations-tag-{tag} button.expand-operation").click()
    block.locator("button.opblock-summary-control").click()
    return block
