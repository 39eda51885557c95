"""Bytes to text: first the BOM, then UTF-8, then a guess that the reader is shown."""

from __future__ import annotations

import codecs
import re
from typing import Any, NamedTuple

from charset_normalizer import from_bytes

from imports.reading.refusals import FileRefused, OptionRefused

# What may be asked for. None of them decodes anything but text.
ENCODINGS = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1257",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-7",
    "iso-8859-9",
    "iso-8859-15",
    "mac-roman",
    "cp437",
    "cp850",
    "cp852",
    "koi8-r",
    "shift-jis",
    "gb18030",
    "big5",
    "euc-kr",
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
GUESSED = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257")
SAMPLE = 64 * 1024
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# A sign of a currency beside a number: what would make it a letter is not the encoding.
_SIGNS = (
    (re.compile(rb"(?<=[0-9])[ \xa0]?\x80|\x80(?=[ \xa0]?-?[0-9])"), b"\x80", "€"),
    (re.compile(rb"(?<=[0-9])[ \xa0]?\xa3|\xa3(?=[ \xa0]?-?[0-9])"), b"\xa3", "£"),
)


class Text(NamedTuple):
    """`is_certain` is False where the encoding is a guess."""

    text: str
    encoding: str
    has_bom: bool
    is_certain: bool


def decode(data: bytes, encoding: str | None = None) -> Text:
    """Raises FileRefused BROKEN_FILE for what is no text, also where the encoding given does not fit."""
    bom, by_bom = next(((bom, name) for bom, name in BOMS if data.startswith(bom)), (b"", None))
    body, chosen = data[len(bom) :], encoding or by_bom
    if chosen:
        return Text(_strict(body, chosen), chosen, bool(bom), True)
    try:
        text, chosen, is_certain = body.decode("utf-8"), "utf-8", True
    except UnicodeDecodeError:
        chosen, is_certain = guessed(body), False
        text = _strict(body, chosen)
    return Text(_without_nul(text), chosen, False, is_certain)


def decode_as_asked(data: bytes, encoding: str | None) -> Text:
    """The text in the encoding that a person chose, if any: OptionRefused where it does not fit."""
    try:
        return decode(data, encoding)
    except FileRefused:
        if encoding:
            raise OptionRefused("encoding", encoding) from None
        raise


def guessed(data: bytes) -> str:
    """The most likely encoding of a text that is not UTF-8, from the lines that have more than ASCII."""
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    sample = b"\n".join(lines)[:SAMPLE]
    fitting = [name for name in GUESSED if _decodes(data, name)]
    for pattern, byte, sign in _SIGNS:
        if pattern.search(sample):
            fitting = [name for name in fitting if byte.decode(name) == sign]
            sample = pattern.sub(b"", sample)
    if sample.replace(b"\xa0", b"").isascii() and fitting:
        return fitting[0]  # no letter says which language it is
    best = from_bytes(sample, cp_isolation=fitting).best() if fitting else None
    if best is None:
        return fitting[0] if fitting else "iso-8859-1"
    return next(name for name in fitting if sample.decode(name) == sample.decode(best.encoding))


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _strict(data: bytes, encoding: str) -> str:
    try:
        return _without_nul(data.decode(encoding))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileRefused("BROKEN_FILE", line) from None


def refuse_unstorable(value: Any) -> None:
    """Raises FileRefused where a text in it, however deep, has what no database or no answer can have: a zero byte, or
    half of a surrogate pair. Escapes of JSON, XLSX and SQLite make them of bytes that are good text.
    """
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if _UNSTORABLE.search(item):
                raise FileRefused("BROKEN_FILE")
        elif isinstance(item, dict):
            waiting += (*item, *item.values())
        elif isinstance(item, list):
            waiting += item


def _without_nul(text: str) -> str:
    if (at := text.find("\0")) >= 0:
        raise FileRefused("BROKEN_FILE", text.count("\n", 0, at) + 1)
    return text
