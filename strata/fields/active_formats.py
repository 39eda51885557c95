"""The formats in which the present request shows and reads numbers and days, and the functions that use them.

The admin and pictures activate the user's formats (strata.accounts.preferences). Elsewhere the default is active: the
API's figures and a command's output never depend on a user.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.dates import MONTHS, MONTHS_3
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from strata.fields import date_formats, number_formats
from strata.fields.currencies import currency_codes, minor_units
from strata.fields.date_formats import DateFormat, RefusedDay
from strata.fields.number_formats import NumberFormat, Problem, Question, RefusedNumber


class Formats(NamedTuple):
    number: NumberFormat = NumberFormat.COMMA_POINT
    date: DateFormat = DateFormat.ISO


_active: ContextVar[Formats] = ContextVar("formats", default=Formats())


def active_formats() -> Formats:
    return _active.get()


@contextmanager
def activated(formats: Formats) -> Iterator[None]:
    token = _active.set(formats)
    try:
        yield
    finally:
        _active.reset(token)


# --- numbers ---


def amount_text(value: Decimal, currency: str) -> str:
    """The exact amount with the decimals of its currency, or with more where the amount has more."""
    return number_formats.number_text(value, active_formats().number, places_of(currency))


def whole_amount_text(value: Decimal, *, signed: bool = False) -> str:
    """The amount in whole units, half away from zero."""
    return number_formats.rounded_text(value, active_formats().number, signed=signed)


def number_text(value: Decimal) -> str:
    """The exact number: a quantity, a price or a rate."""
    return number_formats.number_text(value, active_formats().number)


def count_text(count: int) -> str:
    return number_text(Decimal(count))


def percentage_text(ratio: Decimal, *, signed: bool = True) -> str:
    return number_formats.percentage_text(ratio, active_formats().number, signed=signed)


def in_active_format(text: str) -> str:
    """A number that is written as 1,234.56, such as a tick of an axis, with the user's marks."""
    return number_formats.in_format(text, active_formats().number)


def months() -> tuple[str, ...]:
    """The short names of the months in the present language."""
    return _short_months(get_language() or "")


@cache
def _short_months(language: str) -> tuple[str, ...]:
    """The names in the language, which is the active one: translated once, not for each of a thousand days."""
    return tuple(str(name).title() for name in MONTHS_3.values())


def places_of(currency: str) -> int:
    return minor_units(currency) if currency in currency_codes() else 2


class UncertainNumber(ValidationError):
    """The text can be read in two ways, and a person has to choose one."""

    def __init__(self, question: Question) -> None:
        message = _("“%(text)s” can be read in more than one way. Which one is meant?") % {
            "text": question.text
        }
        super().__init__(message, code="uncertain")
        self.question = question


def read_number(text: str, places: int, currency: str = "") -> Decimal:
    """The number in the user's format. Raises UncertainNumber, or ValidationError with the reason and an example."""
    try:
        number = number_formats.read_number(text, active_formats().number, places, currency)
    except RefusedNumber as refusal:
        raise ValidationError(_reason(refusal), code=refusal.problem.lower()) from None
    if isinstance(number, Question):
        raise UncertainNumber(number)
    return number


def _reason(refusal: RefusedNumber) -> str:
    places, currency = refusal.places, refusal.currency
    example = number_formats.rounded_text(Decimal("1234.56"), active_formats().number, min(places, 2))
    if refusal.problem == Problem.TOO_MANY_DECIMALS:
        return _too_many_decimals(places, currency)
    if refusal.problem == Problem.OTHER_CURRENCY:
        return _("Enter an amount in %(currency)s, such as %(example)s.") % {
            "currency": currency,
            "example": example,
        }
    if refusal.problem == Problem.WRONG_GROUPS:
        return _("The digits are not grouped in threes. Enter a number such as %(example)s.") % {
            "example": example
        }
    return _("Enter a number such as %(example)s.") % {"example": example}


def _too_many_decimals(places: int, currency: str) -> str:
    if not currency:
        return _("Enter a number with at most %(places)s decimal places.") % {"places": places}
    if not places:
        return _("%(currency)s has no decimal places.") % {"currency": currency}
    return _("%(currency)s has at most %(places)s decimal places.") % {"currency": currency, "places": places}


def validate_places(value: Decimal, currency: str) -> None:
    """Refuse more decimals than the currency has."""
    if number_formats.decimals(value) > minor_units(currency):
        raise ValidationError(_too_many_decimals(minor_units(currency), currency), code="too_many_decimals")


# --- days and instants ---


def name_on_day(name: Any, day: date | None) -> str:
    """What a row of a day is called; its day may be missing while a form is filled in."""
    return _("%(name)s on %(day)s") % {"name": name, "day": day_text(day)} if day else str(name)


def day_text(day: date) -> str:
    return date_formats.day_text(day, active_formats().date, months())


def day_and_month_text(day: date) -> str:
    return date_formats.day_and_month_text(day, active_formats().date, months())


def instant_text(instant: datetime, zone_name: str) -> str:
    """Day and time in the zone, to the second."""
    wall = instant.astimezone(ZoneInfo(zone_name))
    return f"{day_text(wall.date())} {wall:%H:%M:%S}"


def read_day(text: str) -> date:
    """The day in the user's format or in ISO 8601. Raises ValidationError with an example."""
    long_names = tuple(map(str, MONTHS.values()))
    try:
        return date_formats.read_day(text, active_formats().date, months(), long_names)
    except RefusedDay as refusal:
        if refusal.is_no_day:
            raise ValidationError(_("There is no such day in the calendar."), code="invalid_date") from None
        raise ValidationError(_other_format(), code="invalid") from None


def _other_format() -> str:
    date_format = active_formats().date
    if date_format == DateFormat.ISO:
        return _("Enter a day as YYYY-MM-DD.")
    return _("Enter a day as %(format)s, such as %(example)s, or as YYYY-MM-DD.") % {
        "format": date_format.value,
        "example": day_text(date_formats.EXAMPLE),
    }


def accepted_date_formats() -> str:
    """What the help of a field of a day says: "DD.MM.YYYY or YYYY-MM-DD"."""
    date_format = active_formats().date
    if date_format == DateFormat.ISO:
        return date_format.value
    return _("%(format)s or YYYY-MM-DD") % {"format": date_format.value}
