"""Columns of lists and fields that cannot be changed: amounts, numbers, days and instants in the user's format."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import unfold.forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.fields import UnfoldAdminReadonlyField

from strata.fields.active_formats import amount_text, day_text, instant_text, number_text
from strata.fields.money import MoneyField, NumberField

TELLS_THE_AMOUNT = ("quantity", "unit_price")
FORMATTED = (models.DateField, NumberField)  # a DateTimeField is a DateField


def zone_of(row: Any) -> str:
    """The time zone of the portfolio that the row is in; TIME_ZONE for a row in none."""
    path = getattr(row, "portfolio_lookup", None)
    for name in path.split("__") if path else ():
        row = getattr(row, name, None)
    return getattr(row, "time_zone", settings.TIME_ZONE) if path is not None else settings.TIME_ZONE


def shown(row: Any, field: Any) -> str:
    """The value of a field of the row, as the user reads it."""
    return text_of(getattr(row, field.attname), field, zone_of(row), getattr(row, "currency", ""))


def text_of(value: Any, field: Any, zone: str, currency: str) -> str:
    if isinstance(value, datetime):
        return instant_text(value, zone)
    if isinstance(value, date):
        return day_text(value)
    if isinstance(value, Decimal):
        is_amount = isinstance(field, MoneyField)
        return amount_text(value, currency) if is_amount else number_text(value)
    return ""


def text_of_recorded(text: str, field: Any, zone: str, currency: str) -> str:
    """What the journal has of a field, as the user reads it. A text that is in no form of the field stays."""
    value: Any = text
    with suppress(ValueError, InvalidOperation):
        if isinstance(field, models.DateTimeField):
            instant = datetime.fromisoformat(text)
            value = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        elif isinstance(field, models.DateField):
            value = date.fromisoformat(text)
        elif isinstance(field, NumberField):
            value = Decimal(text)
    return text_of(value, field, zone, currency) or text


def marked(text: str, field: Any) -> str:
    """The text; of an amount, or of a number that tells it, so that "Hide amounts" finds it."""
    is_amount = isinstance(field, MoneyField) or field.name in TELLS_THE_AMOUNT
    return amount_html(text) if text and is_amount else text


def amount_html(text: str) -> SafeString:
    return format_html('<span class="amount">{}</span>', text)


def formatted_field(model: type[models.Model], name: Any) -> Any:
    """The field of that name if it has a format; None for all others, and for what is no field."""
    try:
        field = model._meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, FORMATTED) else None


def column(field: Any) -> Callable[[Any], str | None]:
    """The field as a column of a list: with its heading and order, in the user's format."""

    @admin.display(description=field.verbose_name, ordering=field.name, empty_value="-")
    def text(row: Any) -> str | None:
        return marked(shown(row, field), field) or None

    text.__name__ = field.name
    return text


class ReadonlyField(UnfoldAdminReadonlyField):  # type: ignore[misc]  # unfold is untyped
    def _get_contents(self) -> Any:
        field = formatted_field(type(self.form.instance), self.field["field"])
        return (field and marked(shown(self.form.instance, field), field)) or super()._get_contents()


unfold.forms.UnfoldAdminReadonlyField = ReadonlyField  # its Fieldline makes them by this name
