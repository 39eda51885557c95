"""The fonts of pictures: matplotlib's own, and one with Chinese, Japanese and Korean letters if it is installed.

A browser draws an SVG with its own fonts. A PNG is drawn with this server's fonts; a letter that none of them has
becomes a box. Only the functions import matplotlib: see plots.py.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

OWN = "DejaVu Sans"  # comes with matplotlib, on every machine
# The first of these that is installed is used. These are the names inside the font files.
CJK = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Source Han Sans",
    "IPAexGothic",
    "IPAGothic",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
)
ADVICE = "Install one, such as Debian's package fonts-noto-cjk, and start Strata again."
SEEN = "LNPS"  # letters, numbers, punctuation and symbols, by the first letter of their category


@cache
def cjk_family() -> str | None:
    return _installed() or _installed(search=True)


def _installed(*, search: bool = False) -> str | None:
    """The first font of CJK that matplotlib knows; with `search` also fonts that were installed since it looked."""
    # matplotlib is loaded with the first picture: about a second and 60 MiB.
    from matplotlib import font_manager

    manager = font_manager.fontManager
    if search:
        known = {str(font.fname) for font in manager.ttflist}
        for path in font_manager.findSystemFonts():
            if str(path) not in known and any(_is_file_of(name, path) for name in CJK):
                manager.addfont(path)
    names = {font.name for font in manager.ttflist if Path(font.fname).exists()}
    return next((name for name in CJK if name in names), None)


def _is_file_of(name: str, path: str) -> bool:
    """Whether the file's name fits the font's: NotoSansCJK-Regular.ttc holds Noto Sans CJK JP among others."""
    stem = Path(path).stem.partition("-")[0].lower()
    return name.replace(" ", "").lower().startswith(stem)


def families() -> list[str]:
    """For `font.family`: if a font lacks a letter, matplotlib tries the next one."""
    cjk = cjk_family()
    return ["sans-serif", cjk] if cjk else ["sans-serif"]


def has_all(texts: Iterable[str]) -> bool:
    """Whether each visible letter is in one of the fonts."""
    letters = {letter for text in texts for letter in text if unicodedata.category(letter)[0] in SEEN}
    return all(any(font.get_char_index(ord(letter)) for font in _fonts()) for letter in letters)


@cache
def _fonts() -> list[Any]:
    # loaded with the first picture, as above
    from matplotlib.font_manager import FontProperties, findfont, get_font

    names = [OWN, cjk_family()]
    return [get_font(findfont(FontProperties(family=name))) for name in names if name]
