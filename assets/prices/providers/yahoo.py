"""Prices of Yahoo Finance, by yfinance in a process of its own: it is an extra, and brings much that Strata needs not.

Its prices are divided by later splits, so the source has `split_adjusted`.
"""

from __future__ import annotations

import json
import subprocess  # nosemgrep: no-shell - this interpreter with a fixed program, and no shell # nosec B404
import sys
from datetime import timedelta

from assets.prices.providers.formats import FeedRow, Layout, Span, price_in_units
from assets.prices.providers.http import FetchFailed, Limits

NOT_INSTALLED = 3
PROGRAM = f"""
import json, sys
try:
    import yfinance
except ImportError:
    sys.exit({NOT_INSTALLED})
symbol, start, end = sys.argv[1:]
closes = yfinance.Ticker(symbol).history(start=start, end=end, auto_adjust=False)["Close"]
print(json.dumps([[on.date().isoformat(), repr(float(price))] for on, price in closes.items()]))
"""


class YahooProvider:
    has_address = False

    def prices(
        self, url: str, layout: Layout, symbol: str, currency: str, span: Span, limits: Limits
    ) -> list[FeedRow]:
        """Its end is a day that it leaves out. The number of a price is the shortest text that names its float."""
        end = span.end + timedelta(days=1)
        arguments = [sys.executable, "-c", PROGRAM, symbol, span.start.isoformat(), end.isoformat()]
        try:
            done = subprocess.run(arguments, capture_output=True, timeout=limits.seconds, check=False)  # noqa: S603 - see above # nosec B603
        except subprocess.TimeoutExpired:
            raise FetchFailed("timeout") from None
        if done.returncode == NOT_INSTALLED:
            raise FetchFailed("yfinance is not installed")
        if done.returncode or len(done.stdout) > limits.most_bytes:
            raise FetchFailed("yfinance failed")
        try:
            rows = json.loads(done.stdout)
        except ValueError:
            raise FetchFailed("yfinance failed") from None
        return [FeedRow(on, price_in_units(price, layout)) for on, price in rows]
