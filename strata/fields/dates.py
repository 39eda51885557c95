"""Calendar days, instants in UTC, and the conversion between them by time zone.

A "day" is a calendar date in the portfolio's time zone. An "instant" is a point in time, the same everywhere. Both are
in the years 1800 to 2200.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from strata.db.typed import Get, Set
from strata.fields.active_formats import accepted_date_formats, active_formats, day_text, read_day
from strata.fields.base import ValidatedField

FIRST_YEAR, LAST_YEAR = 1800, 2200
NOON = time(12)
_OUTSIDE = format_lazy(gettext_lazy("Enter a year from {first} to {last}."), first=FIRST_YEAR, last=LAST_YEAR)
_EARLIEST = datetime(FIRST_YEAR - 1, 12, 31)
_LATEST = datetime(LAST_YEAR + 1, 1, 1, 23, 59, 59, 999999)
ZONE_NAME_LENGTH = 64

DAY_FORMAT, TIME_FORMAT = "YYYY-MM-DD", "HH:MM:SS"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def validate_year(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError(_OUTSIDE, code="year")


def validate_instant(instant: datetime) -> None:
    """Refuse an instant outside of the allowed years in every zone: one day more at each end than for days."""
    if not _EARLIEST <= instant.replace(tzinfo=None) <= _LATEST:
        raise ValidationError(_OUTSIDE, code="year")


def parse_day(text: str) -> date:
    """YYYY-MM-DD and nothing else."""
    if not _DAY.fullmatch(text):
        raise ValidationError(_("Enter a day as YYYY-MM-DD."), code="invalid")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValidationError(_("There is no such day in the calendar."), code="invalid_date") from None


class DayField(ValidatedField[Set, Get], models.DateField):  # type: ignore[type-arg]  # takes none when it runs
    """A calendar day. An instant is refused, because its day depends on the time zone."""

    default_validators = [validate_year]

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, datetime):
            raise ValidationError(_("Enter a day without a time."), code="invalid")
        return parse_day(value) if isinstance(value, str) else super().to_python(value)


class InstantField(ValidatedField[Set, Get], models.DateTimeField):  # type: ignore[type-arg]  # takes none when it runs
    """An instant, stored in UTC. A time without an offset is refused: its meaning depends on the portfolio's zone."""

    default_validators = [validate_instant]

    def to_python(self, value: Any) -> datetime | None:
        instant: datetime | None = super().to_python(value)
        if instant is not None and instant.tzinfo is None:
            raise ValidationError(_("Enter a time with its offset from UTC."), code="naive")
        return instant


# --- in forms ---


ACCEPTED_DATES = lazy(lambda: f"{accepted_date_formats()}.", str)()
DATE_PLACEHOLDER = lazy(lambda: active_formats().date.value, str)()


class DayFormField(forms.DateField):
    """A day in the user's format or as YYYY-MM-DD. The help text and the placeholder show the format."""

    def __init__(self, *, help_text: str | Promise = "", **kwargs: Any) -> None:
        text = format_lazy("{} {}", ACCEPTED_DATES, help_text) if help_text else ACCEPTED_DATES
        super().__init__(help_text=text, **kwargs)

    def to_python(self, value: Any) -> date | None:
        value = value.strip() if isinstance(value, str) else value
        return read_day(value) if isinstance(value, str) and value else super().to_python(value)

    def prepare_value(self, value: Any) -> Any:
        is_day = isinstance(value, date) and not isinstance(value, datetime)
        return day_text(value) if is_day else value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "placeholder": DATE_PLACEHOLDER}


class InstantFormField(forms.SplitDateTimeField):
    """A day as above and a time, in the zone that `zone` gives: the portfolio's, or TIME_ZONE where there is none."""

    def __init__(self, *, help_text: str = "", **kwargs: Any) -> None:
        self.zone: Callable[[], str] = lambda: settings.TIME_ZONE
        self.own_help = help_text
        super().__init__(help_text=help_text, **kwargs)
        day = DayFormField(required=False, disabled=self.disabled, validators=[validate_year])
        day.error_messages["incomplete"] = self.error_messages["incomplete"]
        self.fields = (day, *self.fields[1:])
        for widget, placeholder in zip(self.widget.widgets, (DATE_PLACEHOLDER, TIME_FORMAT), strict=True):
            widget.attrs["placeholder"] = placeholder

    def show_zone(self, zone: Callable[[], str]) -> None:
        """Read and show the instant in this zone, and say so."""
        self.zone = zone
        shape = _("%(dates)s, and %(time)s, in %(zone)s.") % {
            "dates": accepted_date_formats(),
            "time": TIME_FORMAT,
            "zone": zone(),
        }
        self.help_text = f"{shape} {self.own_help}".strip()

    def compress(self, data_list: Any) -> datetime | None:
        if not data_list or None in data_list or "" in data_list:
            return super().compress(data_list)
        return local_instant(datetime.combine(*data_list), self.zone())

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        wall = value.astimezone(ZoneInfo(self.zone()))
        return [day_text(wall.date()), f"{wall:%H:%M:%S}"]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares with what the page showed, which is to the second."""
        return super().has_changed(self.prepare_value(initial), data)


# --- zones ---


@cache
def time_zones() -> frozenset[str]:
    """The names in the tzdata package, so that they are the same on every machine."""
    names = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(names) - {"Factory"}


def validate_time_zone(name: Any) -> str:
    if not isinstance(name, str) or name not in time_zones():
        raise ValidationError(
            _("Enter the name of a time zone, such as Europe/Berlin."), code="unknown_time_zone"
        )
    return name


class TimeZoneField(ValidatedField[Set, Get], models.CharField):  # type: ignore[type-arg]  # takes none when it runs
    """The IANA name of a time zone, spelt as in the tz database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_length": ZONE_NAME_LENGTH})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, kwargs

    def to_python(self, value: Any) -> str | None:
        return value if value is None or value == "" else validate_time_zone(value)

    def get_prep_value(self, value: Any) -> Any:
        return models.Field.get_prep_value(self, value)


def local_day(instant: datetime, zone_name: str) -> date:
    """The calendar day on which `instant` falls in the zone."""
    return instant.astimezone(ZoneInfo(zone_name)).date()


def local_instant(wall: datetime, zone_name: str) -> datetime:
    """The instant, in UTC, at which clocks in the zone show `wall`.

    A time that is shown twice (clocks set back) is the first one. A time that is never shown (clocks set forward)
    is moved forward by the same amount: 02:30 becomes 03:30.
    """
    return wall.replace(tzinfo=ZoneInfo(zone_name), fold=0).astimezone(UTC)


def instant_text(instant: datetime) -> str:
    """The instant as the API writes it: in UTC with Z."""
    return instant.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def noon(on: date, zone_name: str) -> datetime:
    """12:00 of the day in the zone, in UTC."""
    return local_instant(datetime.combine(on, NOON), zone_name)


def resolve_instant_and_day(
    moment: datetime | None, on: date | None, zone_name: str, now: datetime
) -> tuple[datetime, date]:
    """The instant in UTC and the day in the zone, from the instant and the day in a request.

    An instant without an offset is local time of the zone. A day alone means its noon. Without both, it is `now`. A day
    that is not the day of the instant is refused, unless the instant is noon of that day: so the stored values of
    a day can be sent back, even for a day that the zone skipped.
    """
    if moment is None:
        return (noon(on, zone_name), on) if on else (now.astimezone(UTC), local_day(now, zone_name))
    validate_instant(moment)
    instant = local_instant(moment, zone_name) if moment.tzinfo is None else moment.astimezone(UTC)
    day = local_day(instant, zone_name)
    if on not in (None, day) and noon(on, zone_name) != instant:
        message = _("The time given falls on %(day)s in %(zone)s.")
        refusal = message % {"day": day_text(day), "zone": zone_name}
        raise ValidationError({"on": ValidationError(refusal, code="contradiction")})
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError({"on": ValidationError(_OUTSIDE, code="year")})
    return instant, on or day
