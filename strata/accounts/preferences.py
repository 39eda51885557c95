"""In which language and formats a user sees the admin and pictures: as they chose, else as their browser asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from strata.fields.active_formats import Formats, activated
from strata.fields.date_formats import DateFormat
from strata.fields.number_formats import NumberFormat

ENGLISH, GERMAN = "en", "de"


class Preferences(NamedTuple):
    language: str = ENGLISH
    number_format: NumberFormat = NumberFormat.COMMA_POINT
    date_format: DateFormat = DateFormat.DAY_MONTH_NAME_YEAR


# By the first language that the browser asks for, the longer tag first. Any other language is as English.
GUESSES = {
    "de-ch": Preferences(GERMAN, NumberFormat.APOSTROPHE_POINT, DateFormat.DAY_MONTH_YEAR_POINTS),
    "de": Preferences(GERMAN, NumberFormat.POINT_COMMA, DateFormat.DAY_MONTH_YEAR_POINTS),
    "fr": Preferences(ENGLISH, NumberFormat.SPACE_COMMA, DateFormat.DAY_MONTH_YEAR_SLASHES),
}


def guess(accept_language: str) -> Preferences:
    """What the header Accept-Language of a browser suggests."""
    wanted = parse_accept_lang_header(accept_language)
    first = wanted[0][0] if wanted else ""
    return GUESSES.get(first) or GUESSES.get(first.partition("-")[0]) or Preferences()


def preferences_of(user: Any, accept_language: str) -> Preferences:
    """What the user chose, and the guess for what they did not choose."""
    guessed = guess(accept_language)
    return Preferences(
        getattr(user, "language", None) or guessed.language,
        NumberFormat(getattr(user, "number_format", None) or guessed.number_format),
        DateFormat(getattr(user, "date_format", None) or guessed.date_format),
    )


@contextmanager
def as_preferred(preferences: Preferences) -> Iterator[None]:
    """Show and read everything in this language and these formats."""
    formats = Formats(preferences.number_format, preferences.date_format)
    with translation.override(preferences.language), activated(formats):
        yield
