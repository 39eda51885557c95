"""Currencies in files: codes of ISO 4217, and the signs that are written beside amounts."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale
from babel.numbers import get_currency_precision

# A sign that several countries use means the currency that most people write with it. Others are written as code.
SIGNS = {
    "€": "EUR",
    "$": "USD",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₺": "TRY",
    "₴": "UAH",
    "₪": "ILS",
    "₫": "VND",
    "₱": "PHP",
    "zł": "PLN",
    "kč": "CZK",
    "ft": "HUF",
    "lei": "RON",
    "us$": "USD",
    "ca$": "CAD",
    "c$": "CAD",
    "a$": "AUD",
    "au$": "AUD",
    "nz$": "NZD",
    "hk$": "HKD",
    "s$": "SGD",
    "r$": "BRL",
    "mx$": "MXN",
    "sfr.": "CHF",
    "fr.": "CHF",
}
# Codes of hundredths, which price lists use.
MINOR_UNITS = {
    "GBp": "GBP",
    "GBX": "GBP",
    "GBx": "GBP",
    "ZAc": "ZAR",
    "ZAC": "ZAR",
    "ILA": "ILS",
    "ILa": "ILS",
}
MINOR_QUOTE_UNIT = "1/100"
NO_CURRENCY = frozenset({"XXX", "XTS"})
_IN_BRACKETS = re.compile(r"[(\[]\s*([^()\[\]]{1,5}?)\s*[)\]]\s*$")
_LAST_WORD = re.compile(r"[\s,/_-]([A-Z]{3})$")


@cache
def codes() -> frozenset[str]:
    return frozenset(Locale("en").currencies) - NO_CURRENCY


def is_currency(code: str) -> bool:
    return code in codes()


def currency_of_mark(mark: str) -> str:
    """The code that the sign or code beside an amount means, "" for none."""
    mark = mark.strip()
    upper = mark.upper()
    return upper if upper in codes() and mark in (upper, mark.lower()) else SIGNS.get(mark.lower(), "")


def currency_in_heading(text: str) -> str:
    """The currency that a heading names: "Balance (EUR)", "Value in €", "Amount USD"; "" for none."""
    text = text.strip()
    if (match := _IN_BRACKETS.search(text)) and (code := currency_of_mark(match[1])):
        return code
    if (match := _LAST_WORD.search(text)) and match[1] in codes():
        return match[1]
    last = text.rsplit(maxsplit=1)[-1:] or [""]
    return SIGNS.get(last[0].lower(), "") if last[0] in SIGNS else ""


def currency_in_name(name: str) -> str:
    """The currency in brackets at the end of an account's name: "Savings (USD)"; "" for none."""
    match = _IN_BRACKETS.search(name.strip())
    return currency_of_mark(match[1]) if match else ""


def major_currency(code: str) -> tuple[str, str]:
    """The currency of a code of prices, and what one quoted unit is in it: GBp is GBP and 1/100. "" for no currency."""
    code = code.strip()
    if code in MINOR_UNITS:
        return MINOR_UNITS[code], MINOR_QUOTE_UNIT
    return code.upper() if is_currency(code.upper()) else "", "1"


@cache
def minor_units(code: str) -> int:
    """The decimal places that amounts of the currency have: EUR 2, JPY 0."""
    return get_currency_precision(code)
