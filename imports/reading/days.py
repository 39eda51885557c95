"""Days as files write them. The order of day and month is decided from all days of the file, or asked."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from typing import NamedTuple

from babel import Locale

DMY, MDY, YMD = "dmy", "mdy", "ymd"
ORDERS = (DMY, MDY, YMD)
FIRST_YEAR, LAST_YEAR = 1800, 2200
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl")
CERTAIN_DAYS = 3  # so many days above 12 decide the order where others can be read both ways
LONGEST = 60
MOST_SEEN = 20_000  # texts: fifty years of days

_ZONE = r"(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
_TIME = rf"(?:[T ,]+[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?{_ZONE})?"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})([-/.])([0-9]{{1,2}})\2([0-9]{{1,2}}){_TIME}")
_TOGETHER = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_THREE = re.compile(rf"([0-9]{{1,2}})([-/.]) ?([0-9]{{1,2}})\2 ?([0-9]{{4}}|[0-9]{{2}}){_TIME}")
_YEAR_MONTH = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})")  # 2025.01 is a number
_MONTH_YEAR = re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})")
_WORDS = re.compile(
    r"(?:([0-9]{1,2})(?:st|nd|rd|th)?[. -]*(?:de |of )?)?([^\W\d_]+)\.?[ ,'’-]*"
    r"(?:([0-9]{1,2})(?:st|nd|rd|th)?,? +)?(?:de )?([0-9]{4}|[0-9]{2})",
    re.IGNORECASE,
)
_AS_OF = re.compile(r".+ as of (.+)", re.IGNORECASE)


class Day(NamedTuple):
    """`is_month` is True where the text names only a month: the day is its last."""

    on: date
    is_month: bool = False


class Numbers(NamedTuple):
    """Three numbers in an order that is not certain, such as 03/04/2026 or 16.09.21."""

    first: int
    second: int
    third: int
    mark: str
    has_short_year: bool


def day_text(text: str) -> str:
    """The part of the text that is the day: "04/17/2023 as of 04/15/2023" has two, and the second counts."""
    text = text.strip()
    match = _AS_OF.fullmatch(text) if " as of " in text else None
    return match[1].strip() if match else text


def numbers_of(text: str) -> Numbers | None:
    """The three numbers of a text whose order is not certain; None for every other text."""
    match = _THREE.fullmatch(day_text(text)) if len(text) <= LONGEST else None
    if not match:
        return None
    return Numbers(int(match[1]), int(match[3]), int(match[4]), match[2], len(match[4]) == 2)


def read_day(text: str, order: str | None) -> Day | None:
    """The day that the text means; None where it is none. `order` is used where the text does not say it."""
    if len(text) > LONGEST:
        return None
    text = day_text(text)
    if match := _YEAR_FIRST.fullmatch(text):
        return _day(int(match[1]), int(match[3]), int(match[4]))
    if match := _TOGETHER.fullmatch(text):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if numbers := numbers_of(text):
        return in_order(numbers, order or DMY)
    if match := _YEAR_MONTH.fullmatch(text):
        return _end_of_month(int(match[1]), int(match[2]))
    if match := _MONTH_YEAR.fullmatch(text):
        return _end_of_month(int(match[2]), int(match[1]))
    return _in_words(text)


def in_order(numbers: Numbers, order: str) -> Day | None:
    first, second, third = numbers[:3]
    if order == YMD:
        return _day(full_year(first), second, third) if numbers.has_short_year else None
    year = full_year(third) if numbers.has_short_year else third
    return _day(year, second, first) if order == DMY else _day(year, first, second)


def full_year(short: int) -> int:
    """69 is 2069, 70 is 1970."""
    return short + (2000 if short < 70 else 1900)


def _in_words(text: str) -> Day | None:
    match = _WORDS.fullmatch(text)
    month = month_numbers().get(match[2].casefold().rstrip(".")) if match else None
    if not match or month is None:
        return None
    year = int(match[4]) if len(match[4]) == 4 else full_year(int(match[4]))
    if match[1] and match[3]:
        return None
    day = match[1] or match[3]
    return _day(year, month, int(day)) if day else _end_of_month(year, month)


def _day(year: int, month: int, day: int) -> Day | None:
    try:
        on = date(year, month, day)
    except ValueError:
        return None
    return Day(on) if FIRST_YEAR <= year <= LAST_YEAR else None


def _end_of_month(year: int, month: int) -> Day | None:
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12):
        return None
    return Day(date(year, month, calendar.monthrange(year, month)[1]), is_month=True)


@cache
def month_numbers() -> dict[str, int]:
    """The names of the months, long and short, in several languages."""
    names: dict[str, int] = {}
    for language in LANGUAGES:
        months = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    names.setdefault(name.casefold().rstrip("."), number)
    return names | {"sept": 9, "maerz": 3, "mrz": 3}


class DayOrder(NamedTuple):
    """What the days of a file say about their order. `suggestion` and `example` only where it must be asked."""

    order: str | None
    is_open: bool = False
    suggestion: str | None = None
    example: int | None = None


def day_order(texts: Iterable[str]) -> DayOrder:
    """The order of day and month. Open where days can be read both ways and too few decide, or years are short."""
    certain: dict[str, set[Numbers]] = {DMY: set(), MDY: set()}
    unclear: dict[Numbers, int] = {}
    every: set[Numbers] = set()
    for number, text in first_of_each(texts):
        if not (numbers := numbers_of(text)):
            continue
        every.add(numbers)
        readings = {order: day for order in (DMY, MDY) if (day := in_order(numbers, order))}
        if numbers.has_short_year or (len(set(readings.values())) > 1 and numbers.mark != "."):
            unclear.setdefault(numbers, number)
        elif numbers.mark == ".":
            certain[DMY].add(numbers)  # no country writes the month first with points
        elif len(readings) == 1:
            certain[next(iter(readings))].add(numbers)
    if not certain[DMY] and not certain[MDY] and not unclear:
        return DayOrder(None)
    leading, other = sorted(certain, key=lambda order: -len(certain[order]))
    has_short_year = any(numbers.has_short_year for numbers in unclear)
    is_clear = not unclear or (len(certain[leading]) >= CERTAIN_DAYS and not has_short_year)
    if is_clear and not certain[other]:
        return DayOrder(leading)
    suggestion = leading if len(certain[leading]) > len(certain[other]) else _regular(every)
    telling = [
        number for numbers, number in unclear.items() if in_order(numbers, DMY) != in_order(numbers, MDY)
    ]
    return DayOrder(None, True, suggestion, min(telling or unclear.values(), default=None))


def first_of_each(texts: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each text once, with its number. Of very many different ones some come again."""
    seen: set[str] = set()
    for number, text in enumerate(texts):
        if text not in seen:
            if len(seen) < MOST_SEEN:
                seen.add(text)
            yield number, text


def _regular(every: Iterable[Numbers]) -> str | None:
    """The one order in which the days come once a month on the same day."""
    regular = []
    for order in (DMY, MDY):
        days = [day.on for numbers in every if (day := in_order(numbers, order))]
        if len(days) > 2 and len({day.day for day in days}) == 1 and len({day.month for day in days}) > 2:
            regular.append(order)
    return regular[0] if len(regular) == 1 else None
