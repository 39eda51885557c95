"""The Chromium that tests look through: Debian's own, with nothing that reaches outside."""

from __future__ import annotations

import os
from shutil import which

from playwright.sync_api import Browser, Playwright

CHROMIUM = os.environ.get("CHROMIUM") or which("chromium") or "chromium"
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launched(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
