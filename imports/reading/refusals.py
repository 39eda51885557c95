"""Why a whole file is refused, and why one row is."""

from __future__ import annotations

from typing import NamedTuple

TOO_LARGE = ("FILE_TOO_LARGE", "TOO_MANY_ROWS", "TOO_MANY_COLUMNS", "EXPANDS_TOO_MUCH")


class FileRefused(Exception):
    """The file cannot be read at all. `code` is one of the API; `line` is where, if that is known.

    `advice` names a sentence that says what to do, where that of the code does not.
    """

    def __init__(self, code: str, line: int | None = None, text: str = "", *, advice: str = "") -> None:
        super().__init__(code)
        self.code, self.line, self.text, self.advice = code, line, text, advice


class OptionRefused(FileRefused):
    """What a person chose does not fit the file. `option` is the name of the API; `sentence` says in which way."""

    def __init__(self, option: str, text: object = "", *, sentence: str = "") -> None:
        super().__init__("OPTION", text=str(text))
        self.option, self.sentence = option, sentence or option


class Reason(NamedTuple):
    """Why a row is refused or skipped. `field` is our name of the column at fault, `text` what it says there."""

    code: str
    field: str | None = None
    text: str = ""
