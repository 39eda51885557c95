"""The providers: each gives the prices of a symbol for some days, or raises FetchFailed with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from assets.prices.providers.formats import (
    BadAnswer,
    FeedRow,
    Layout,
    Span,
    address,
    csv_rows,
    json_rows,
    last_of_each_day,
)
from assets.prices.providers.http import FetchFailed, Limits, fetch
from assets.prices.providers.yahoo import YahooProvider

COINGECKO_URL = (
    "https://api.coingecko.com/api/v3/coins/{symbol}/market_chart/range"
    "?vs_currency={currency}&from={start_epoch}&to={end_epoch}"
)


class Provider(Protocol):
    """`has_address`: it needs one in its settings."""

    @property
    def has_address(self) -> bool:
        raise NotImplementedError

    def prices(
        self, url: str, layout: Layout, symbol: str, currency: str, span: Span, limits: Limits
    ) -> list[FeedRow]:
        """The prices as the source has them; `currency` is the instrument's. Raises FetchFailed."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class WebProvider:
    """An answer over HTTP that `read` reads, with the layout of the source's settings or with its own."""

    read: Callable[[bytes, Layout], list[FeedRow]]
    has_address: bool = True
    usual_url: str = ""
    own_layout: Layout | None = None

    def prices(
        self, url: str, layout: Layout, symbol: str, currency: str, span: Span, limits: Limits
    ) -> list[FeedRow]:
        content = fetch(address(url or self.usual_url, symbol, currency, span), limits)
        try:
            return self.read(content, self.own_layout or layout)
        except BadAnswer as error:
            raise FetchFailed(str(error), of_symbol=error.of_symbol) from None


def coingecko_rows(content: bytes, layout: Layout) -> list[FeedRow]:
    """Its prices are of instants: those of today, or of a short span, are many a day."""
    return list(last_of_each_day(json_rows(content, layout)))


PROVIDERS: Mapping[str, Provider] = {
    "json": WebProvider(json_rows),
    "csv": WebProvider(csv_rows),
    "coingecko": WebProvider(
        coingecko_rows,
        has_address=False,
        usual_url=COINGECKO_URL,
        own_layout=Layout(rows_path="prices", date_field="0", price_field="1"),
    ),
    "yfinance": YahooProvider(),
}
