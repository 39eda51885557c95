"""The rules of a price source: its address and where its answers have what they have."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from strata.fields.names import validate_name

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"[^\s.]+(\.[^\s.]+)*")
DELIMITERS = (",", ";", "\t", "|")
DECIMALS = (".", ",")


def validate_address(text: str, placeholders: Collection[str]) -> str:
    """A web address with {symbol}. "" for none."""
    url = text.strip()
    if not url:
        return ""
    if not url.isascii() or any(character.isspace() for character in url):
        raise ValidationError("Send a web address in plain characters, without spaces.", code="BAD_ADDRESS")
    unknown = [name for name in _PLACEHOLDER.findall(url) if name not in placeholders]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in placeholders)
        raise ValidationError(f"There is no {{{unknown[0]}}}: use {known}.", code="BAD_ADDRESS")
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and "{" not in parts.netloc and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host or parts.scheme not in ("http", "https"):
        raise ValidationError("Send an address that begins with https:// or http://.", code="BAD_ADDRESS")
    return url


def validate_path(text: str) -> str:
    """Names with dots between them, such as data.prices; "" for none."""
    path = text.strip()
    if path and not _PATH.fullmatch(path):
        raise ValidationError("Send names with dots between them, such as data.prices.", code="BAD_PATH")
    return validate_name(path) if path else ""


def validate_delimiter(text: str) -> str:
    if text not in DELIMITERS:
        raise ValidationError("Send a comma, a semicolon, a tabulator or a |.", code="BAD_DELIMITER")
    return text


def validate_decimal(text: str) -> str:
    if text not in DECIMALS:
        raise ValidationError("Send a point or a comma.", code="BAD_DECIMAL")
    return text
