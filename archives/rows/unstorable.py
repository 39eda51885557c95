"""Texts that an archive cannot have: with a zero byte, or with half of a surrogate pair.

No database but SQLite stores a zero byte, and no restoration takes either of them. Nothing writes them any more, but an
earlier version did. An archive has the replacement character in their place.
"""

from __future__ import annotations

import json
import re
import zlib

from imports.services.blocks import LEVEL

INSTEAD = "\ufffd"
_ZERO = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # as JSON has it, and no backslash that somebody wrote
_HALF = re.compile("[\ud800-\udfff]")


def storable(text: str) -> bytes:
    """The bytes of lines of JSON."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = _HALF.sub(INSTEAD, text).encode()
    return _ZERO.sub(rb"\1" + INSTEAD.encode(), data) if rb"\u0000" in data else data


def storable_packed(packed: str) -> str:
    """The same of JSON that is compressed, and written as hexadecimal digits."""
    data = zlib.decompress(bytes.fromhex(packed))
    if rb"\u0000" not in data and rb"\ud" not in data.lower():
        return packed
    text = json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(storable(text), LEVEL).hex()
