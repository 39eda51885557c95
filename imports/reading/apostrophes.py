"""Takes away the apostrophes that Strata's own CSV puts before what a spreadsheet would take for a formula."""

from __future__ import annotations

import re
import unicodedata

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_DELIMITERS = frozenset(",;|\t\r\n")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BLANK = "\u2800"  # the Braille pattern without dots


def without_apostrophes(cell: str) -> str:
    """The text that was written. It may begin again after each delimiter; an apostrophe elsewhere stays."""
    if "'" not in cell:
        return cell
    characters, at_beginning = [], True
    for position, character in enumerate(cell):
        if at_beginning and character == "'" and _is_guard(cell[position + 1 :]):
            at_beginning = False
            continue
        characters.append(character)
        at_beginning = character in _DELIMITERS
    return "".join(characters)


def _is_guard(rest: str) -> bool:
    """Whether a formula follows, perhaps after spaces, quotes and invisible characters."""
    for character in rest:
        if character in _FORMULA:
            return True
        if not _is_passed_over(character):
            return False
    return False


def _is_passed_over(character: str) -> bool:
    unseen = (
        unicodedata.category(character)[0] in "ZC"
        or character == _BLANK
        or bool(_INVISIBLE.fullmatch(character))
    )
    return character in "'\"" or (unseen and character not in _DELIMITERS)
