"""Days as people write them: the five date formats, for reading and writing. No Django, no user.

Month names are arguments, because they depend on the language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
EXAMPLE = date(2026, 11, 28)


class DateFormat(StrEnum):
    """How a user writes a day. The value is stored with the user, and shown next to fields."""

    DAY_MONTH_NAME_YEAR = "D MMM YYYY"
    DAY_MONTH_YEAR_POINTS = "DD.MM.YYYY"
    DAY_MONTH_YEAR_SLASHES = "DD/MM/YYYY"
    MONTH_DAY_YEAR_SLASHES = "MM/DD/YYYY"
    ISO = "YYYY-MM-DD"


class RefusedDay(Exception):
    """The text is in neither format, or, where `is_no_day`, names a day that is in no calendar."""

    def __init__(self, *, is_no_day: bool) -> None:
        super().__init__("no such day" if is_no_day else "other format")
        self.is_no_day = is_no_day


_YEAR, _NUMBER = "(?P<year>[0-9]{4})", "[0-9]{1,2}"
_ISO = rf"{_YEAR}-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})"
_PATTERNS = {
    DateFormat.DAY_MONTH_NAME_YEAR: rf"(?P<day>{_NUMBER})\.? *(?P<month>[^\W\d_]+)\.?,? *{_YEAR}",
    DateFormat.DAY_MONTH_YEAR_POINTS: rf"(?P<day>{_NUMBER})\. ?(?P<month>{_NUMBER})\. ?{_YEAR}",
    DateFormat.DAY_MONTH_YEAR_SLASHES: rf"(?P<day>{_NUMBER})/(?P<month>{_NUMBER})/{_YEAR}",
    DateFormat.MONTH_DAY_YEAR_SLASHES: rf"(?P<month>{_NUMBER})/(?P<day>{_NUMBER})/{_YEAR}",
    DateFormat.ISO: _ISO,
}


def read_day(text: str, date_format: DateFormat, *month_names: Sequence[str]) -> date:
    """The day that the text names in the user's format or in ISO 8601. Raises RefusedDay.

    `month_names` are lists of twelve names beside the English ones.
    """
    text = text.strip()
    parts = re.fullmatch(_ISO, text) or re.fullmatch(_PATTERNS[date_format], text)
    if parts is None:
        raise RefusedDay(is_no_day=False)
    month = _month(parts["month"], (MONTHS, LONG_MONTHS, *month_names))
    if month is None:
        raise RefusedDay(is_no_day=False)
    try:
        return date(int(parts["year"]), month, int(parts["day"]))
    except ValueError:
        raise RefusedDay(is_no_day=True) from None


def _month(text: str, lists: Sequence[Sequence[str]]) -> int | None:
    if re.fullmatch(_NUMBER, text):
        return int(text)
    names = [[name.casefold() for name in names] for names in lists]
    return next((months.index(text.casefold()) + 1 for months in names if text.casefold() in months), None)


def day_and_month_text(day: date, date_format: DateFormat, months: Sequence[str] = MONTHS) -> str:
    """As day_text, without the year: "28 Nov", "28.11."."""
    month, number = f"{day.month:02}", f"{day.day:02}"
    return {
        DateFormat.DAY_MONTH_NAME_YEAR: f"{day.day} {months[day.month - 1]}",
        DateFormat.DAY_MONTH_YEAR_POINTS: f"{number}.{month}.",
        DateFormat.DAY_MONTH_YEAR_SLASHES: f"{number}/{month}",
        DateFormat.MONTH_DAY_YEAR_SLASHES: f"{month}/{number}",
        DateFormat.ISO: f"{month}-{number}",
    }[date_format]


def day_text(day: date, date_format: DateFormat, months: Sequence[str] = MONTHS) -> str:
    """The day in the format, with these twelve names of months."""
    year, month, number = f"{day.year:04}", f"{day.month:02}", f"{day.day:02}"
    return {
        DateFormat.DAY_MONTH_NAME_YEAR: f"{day.day} {months[day.month - 1]} {year}",
        DateFormat.DAY_MONTH_YEAR_POINTS: f"{number}.{month}.{year}",
        DateFormat.DAY_MONTH_YEAR_SLASHES: f"{number}/{month}/{year}",
        DateFormat.MONTH_DAY_YEAR_SLASHES: f"{month}/{number}/{year}",
        DateFormat.ISO: f"{year}-{month}-{number}",
    }[date_format]
