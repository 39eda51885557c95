"""Filters that show amounts, numbers, percentages, days and instants in the user's format."""

from __future__ import annotations

from decimal import Decimal

from django import template

from strata.fields import active_formats

register = template.Library()

register.filter("amount", active_formats.amount_text)  # {{ value|amount:currency }}
register.filter("number", active_formats.number_text)
register.filter("day", active_formats.day_text)
register.filter("instant", active_formats.instant_text)  # {{ at|instant:zone_name }}


@register.filter
def whole(value: Decimal) -> str:
    """The amount in whole units."""
    return active_formats.whole_amount_text(value)


@register.filter
def signed_whole(value: Decimal) -> str:
    return active_formats.whole_amount_text(value, signed=True)


@register.filter
def signed_percentage(ratio: Decimal) -> str:
    return active_formats.percentage_text(ratio)


@register.filter
def percentage(ratio: Decimal) -> str:
    return active_formats.percentage_text(ratio, signed=False)
