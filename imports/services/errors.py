"""What an import refuses as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from imports.reading.refusals import TOO_LARGE, FileRefused, OptionRefused
from imports.services.texts import FILES, OPTIONS, sentence
from strata.exceptions import Conflict, Invalid, StrataError


class BadFile(StrataError):
    """A file that cannot be read at all."""

    def __init__(self, refused: FileRefused) -> None:
        super().__init__(refused.code, FILES[refused.advice or refused.code], "file")
        self.line, self.advice = refused.line, refused.advice
        entry: dict[str, Any] = {"field": "file", "code": refused.code.lower(), "message": self.sentence}
        self.errors = [entry | ({"line": refused.line} if refused.line else {})]

    @property
    def sentence(self) -> str:
        return sentence(FILES, self.advice or self.code)


class FileTooLarge(BadFile):
    """A file that is too large to be read."""

    status = 413


def bad_file(refused: FileRefused) -> BadFile:
    return FileTooLarge(refused) if refused.code in TOO_LARGE else BadFile(refused)


def bad_option(refused: OptionRefused) -> Invalid:
    return Invalid(f"options.{refused.option}", sentence(OPTIONS, refused.sentence, refused.text[:200]))


class QuestionsOpen(Conflict):
    """Required questions that nobody has answered. `errors` name their options."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__("QUESTIONS_OPEN", _("Please answer the questions first."))
        self.errors = errors


class EditedSince(Conflict):
    """Rows of an import that were changed since. `errors` name their lines."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__(
            "IMPORT_EDITED", _("Some of what it made has changed since. `force` removes that too.")
        )
        self.errors = errors


STALE = Conflict("IMPORT_STALE", _("Something changed meanwhile. Please look again."))
EXPIRED = Conflict("IMPORT_EXPIRED", _("This preview is too old. Drop the file again."))
COMMITTED = Conflict("IMPORT_COMMITTED", _("It is imported already."))
NOT_COMMITTED = Conflict("IMPORT_NOT_COMMITTED", _("It is not imported yet."))
UNDONE = Conflict("IMPORT_UNDONE", _("It was undone: choose the file again to import it."))


def again(conflict: Conflict) -> Conflict:
    """A conflict of its own to raise: an exception keeps the traceback of where it was raised."""
    return Conflict(conflict.code, conflict.text)
