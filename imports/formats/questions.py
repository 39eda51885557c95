"""What every table is asked about: the decimal mark, the order of day and month, the encoding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from imports.formats.rows import Example, Options, Question, Reading
from imports.reading.days import DMY, MDY, YMD, day_order, in_order, numbers_of
from imports.reading.numbers import COMMA, POINT, decimal_mark
from imports.reading.tables import Document

type Texts = Callable[[], Iterable[tuple[int, str]]]  # lines and cells; each call begins again


def ask_about_decimals(reading: Reading, options: Options, texts: Texts) -> str | None:
    """The decimal mark: as a person said, else as the cells show; None where it is asked."""
    if options.decimal:
        return options.decimal
    detected = decimal_mark(text for _, text in texts())
    if detected.mark is None:
        examples = _example(texts, detected.example)
        reading.questions.append(Question("DECIMAL", "decimal", True, (POINT, COMMA), examples))
    return detected.mark


def ask_about_days(reading: Reading, options: Options, texts: Texts) -> str | None:
    """The order of day and month: as a person said, else as the days show; None where it is asked."""
    if options.date_order:
        return options.date_order
    detected = day_order(text for _, text in texts())
    if not detected.is_open:
        return detected.order
    examples = tuple(
        Example(line, f"{text}: {readings(text)}") for line, text in _example(texts, detected.example)
    )
    numbers = [numbers_of(text) for _, text in _example(texts, detected.example)]
    has_short_year = any(parts and parts.has_short_year for parts in numbers)
    choices = (DMY, MDY, YMD) if has_short_year else (DMY, MDY)
    reading.questions.append(
        Question("DATE_ORDER", "date_order", True, choices, examples, detected.suggestion)
    )
    return None


def readings(text: str) -> str:
    """The days that the text may mean: "2026-04-03 (dmy), 2026-03-04 (mdy)"."""
    numbers = numbers_of(text)
    if not numbers:
        return ""
    days = [(order, in_order(numbers, order)) for order in (DMY, MDY, YMD)]
    return ", ".join(f"{day.on} ({order})" for order, day in days if day)


def ask_about_encoding(reading: Reading, document: Document, options: Options) -> None:
    if not document.is_encoding_certain and not options.encoding:
        reading.questions.append(Question("ENCODING", "encoding", False, suggestion=document.encoding))


def _example(texts: Texts, number: int | None) -> tuple[Example, ...]:
    lines = islice(texts(), number, number + 1) if number is not None else ()
    return tuple(Example(line, text) for line, text in lines)
