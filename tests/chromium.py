"""Debian's Chromium, headless and without any background network access, for browser tests."""

from __future__ import annotations

import os
from shutil import which

from playwright.sync_api import Browser, Playwright

CHROMIUM = os.environ.get("CHROMIUM") or which("chromium") or "chromium"
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


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
