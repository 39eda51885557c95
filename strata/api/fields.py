"""Serializer fields. Each accepts one JSON type in one spelling, and answers with that spelling.

Numbers are sent as strings, or as JSON numbers, which the parser reads exactly. They are answered as strings.
Digits are ASCII: digits of other alphabets, which Python's int() and Decimal() accept, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from strata.fields.currencies import CURRENCY_PATTERN, CurrencyField, validate_currency
from strata.fields.dates import (
    DayField,
    InstantField,
    TimeZoneField,
    instant_text,
    parse_day,
    validate_instant,
    validate_time_zone,
    validate_year,
)
from strata.fields.money import ExactField, MoneyField, validate_non_negative, validate_positive
from strata.fields.names import (
    BLANK_OR_NAME_PATTERN,
    NAME_LENGTH,
    NAME_PATTERN,
    NOTE_LENGTH,
    NameField,
    NoteField,
    validate_name,
    validate_note,
)
from strata.fields.numbers import (
    EXACT_DIGITS,
    EXACT_PLACES,
    MONEY_DIGITS,
    MONEY_PLACES,
    exact,
    money_text,
    plain,
)


def checked[**Args, Result](check: Callable[Args, Result], *args: Args.args, **kwargs: Args.kwargs) -> Result:
    """Call a check of the models. Its ValidationError becomes that of DRF."""
    try:
        return check(*args, **kwargs)
    except DjangoValidationError as error:
        raise serializers.ValidationError(error.messages[0], code=error.code) from None


type AnyField = serializers.Field[Any, Any, Any, Any]


def is_same(field: AnyField, sent: Any, shown: Any) -> bool:
    """Whether the value sent to a read-only field is the one that it shows, in any accepted spelling."""
    if isinstance(sent, bool) is isinstance(shown, bool) and sent == shown:
        return True
    if sent is None or shown is None or not isinstance(field, SPELLED):
        return False
    try:
        value = field.to_internal_value(sent)
    except serializers.ValidationError:
        return False
    local = isinstance(value, datetime) and value.tzinfo is None
    return not local and field.to_representation(value) == shown


# --- numbers ---


class NumberSerializerField(serializers.Field[Decimal, Any, str, Any]):
    """An exact number: a string of plain digits, an int, or a Decimal from the parser. No float, no bool."""

    default_error_messages = {"invalid": 'Send a number as a string of plain digits, such as "1234.56".'}
    plain_digits = re.compile(r"-?[0-9]+(\.[0-9]+)?")
    digits: int
    places: int

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, str) and not self.plain_digits.fullmatch(data):
            self.fail("invalid")
        return checked(exact, data, digits=self.digits, places=self.places)

    def to_representation(self, value: Decimal) -> str:
        return plain(value)


@extend_schema_field(
    {
        "type": "string",
        "format": "decimal",
        "pattern": r"^-?[0-9]{1,14}(\.[0-9]{1,4})?$",
        "example": "1234.56",
    }
)
class MoneySerializerField(NumberSerializerField):
    """An amount: "1000.00", |value| < 10**14, at most 4 decimal places."""

    digits, places = MONEY_DIGITS, MONEY_PLACES

    def to_representation(self, value: Decimal) -> str:
        return money_text(value)


@extend_schema_field(
    {"type": "string", "format": "decimal", "pattern": r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$", "example": "0.125"}
)
class ExactSerializerField(NumberSerializerField):
    """A quantity, price or rate: |value| < 10**20, at most 18 decimal places."""

    digits, places = EXACT_DIGITS, EXACT_PLACES

    def __init__(self, *, non_negative: bool = False, positive: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators += [validate_positive] * positive + [validate_non_negative] * non_negative


@extend_schema_field({"type": "string", "format": "decimal", "example": "1234.56"})
class TotalSerializerField(serializers.CharField):
    """An amount that Strata has calculated and written as text. It may have more digits than a single value."""


class IntegerSerializerField(serializers.IntegerField):
    """A JSON integer of 32 bits, on both databases. Not a string, a fraction or a boolean."""

    most = 2**31 - 1

    def __init__(self, *, min_value: int = -most, max_value: int = most, **kwargs: Any) -> None:
        super().__init__(min_value=max(min_value, -self.most), max_value=min(max_value, self.most), **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class BooleanSerializerField(serializers.BooleanField):
    """true or false; not 1, "yes" or "on"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class ListSerializerField(serializers.ListField):
    """A list of at most `max_length` items. A longer list is refused before its items are checked."""

    max_length: int

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def run_child_validation(self, data: Any) -> list[Any]:
        if len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().run_child_validation(data)


# --- text ---


class TextSerializerField(serializers.CharField):
    """A JSON string by the rules of names; may be empty if `allow_blank`. A number is not converted."""

    def check(self, text: str, /) -> str:
        return validate_name(text, max_length=self.max_length or NAME_LENGTH)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return checked(self.check, data)


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": NAME_LENGTH, "pattern": NAME_PATTERN})
class NameSerializerField(TextSerializerField):
    """A name of 1 to 200 characters, trimmed; see strata.fields.names."""


@extend_schema_field({"type": "string", "maxLength": NAME_LENGTH, "pattern": BLANK_OR_NAME_PATTERN})
class BlankOrNameSerializerField(serializers.Field[str, Any, str, Any]):
    """The same, or empty."""

    default_error_messages = {"invalid": "Not a valid string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return checked(validate_name, data) if data.strip() else ""

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "string", "maxLength": NOTE_LENGTH})
class NoteSerializerField(TextSerializerField):
    """Text of at most 10,000 characters with newlines and tabs, stored as written."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def check(self, text: str, /) -> str:
        return validate_note(text, max_length=self.max_length or NOTE_LENGTH)


@extend_schema_field({"type": "string", "pattern": CURRENCY_PATTERN, "example": "EUR"})
class CurrencySerializerField(TextSerializerField):
    """The three letters of an ISO 4217 currency. Small letters become capitals; mixed case is refused."""

    check = staticmethod(validate_currency)


@extend_schema_field({"type": "string", "example": "Europe/Berlin"})
class TimeZoneSerializerField(TextSerializerField):
    """The IANA name of a time zone, such as Europe/Berlin."""

    check = staticmethod(validate_time_zone)


@extend_schema_field({"type": "string", "format": "uuid"})
class UUIDSerializerField(serializers.Field[UUID, Any, str, Any]):
    """An id in its canonical spelling with hyphens. Numbers, braces, urn: and so on are refused."""

    default_error_messages = {"invalid": "Send an id such as 01890a5d-ac96-774b-bcce-b302099a8057."}
    spelling = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

    def to_internal_value(self, data: Any) -> UUID:
        if isinstance(data, UUID):
            return data
        if not isinstance(data, str) or not self.spelling.fullmatch(data):
            self.fail("invalid")
        return UUID(data)

    def to_representation(self, value: UUID) -> str:
        return str(value)


# --- time ---


@extend_schema_field({"type": "string", "format": "date", "example": "2026-11-01"})
class DaySerializerField(serializers.Field[date, Any, str, Any]):
    """A calendar day as YYYY-MM-DD, years 1800 to 2200."""

    default_error_messages = {"invalid": "Send a day as YYYY-MM-DD."}

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str):
            self.fail("invalid")
        day = checked(parse_day, data)
        checked(validate_year, day)
        return day

    def to_representation(self, value: date) -> str:
        return value.isoformat()


@extend_schema_field({"type": "string", "format": "date-time", "example": "2026-11-01T11:00:00Z"})
class InstantSerializerField(serializers.Field[datetime, Any, str, Any]):
    """An ISO 8601 instant, answered in UTC with Z. Digits beyond microseconds are dropped.

    Without an offset the value is naive, for strata.fields.dates.resolve_instant_and_day.
    """

    default_error_messages = {
        "invalid": "Send a time as YYYY-MM-DDThh:mm:ss, with an offset such as Z or +02:00.",
        "invalid_date": "There is no such time in the calendar.",
    }
    spelling = re.compile(
        r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2})?)([.,][0-9]{1,9})?"
        r"([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?"
    )

    def to_internal_value(self, data: Any) -> datetime:
        match = self.spelling.fullmatch(data) if isinstance(data, str) else None
        if match is None or (match[5] and not match[4]):
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(data.upper())
        except ValueError:
            self.fail("invalid_date")
        checked(validate_instant, moment)
        return moment

    def to_representation(self, value: datetime) -> str:
        return instant_text(value)


# The fields whose values have more than one spelling.
SPELLED: tuple[type[AnyField], ...] = (
    DaySerializerField,
    InstantSerializerField,
    NumberSerializerField,
    UUIDSerializerField,
)
SERIALIZER_FIELD_MAPPING: dict[type[models.Field[Any, Any]], type[AnyField]] = {
    **serializers.ModelSerializer.serializer_field_mapping,
    models.BooleanField: BooleanSerializerField,
    models.CharField: TextSerializerField,
    models.DateField: DaySerializerField,
    models.DateTimeField: InstantSerializerField,
    models.IntegerField: IntegerSerializerField,
    models.PositiveIntegerField: IntegerSerializerField,
    models.PositiveSmallIntegerField: IntegerSerializerField,
    models.SmallIntegerField: IntegerSerializerField,
    models.UUIDField: UUIDSerializerField,
    CurrencyField: CurrencySerializerField,
    DayField: DaySerializerField,
    ExactField: ExactSerializerField,
    InstantField: InstantSerializerField,
    MoneyField: MoneySerializerField,
    NameField: NameSerializerField,
    NoteField: NoteSerializerField,
    TimeZoneField: TimeZoneSerializerField,
}
