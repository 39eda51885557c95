"""The cells of a list, each with the heading of its column: on a phone a row is a card, without the headings above."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()
EMPTY = (">-</td>", "></td>")


@register.simple_tag
def with_label(cell: SafeString, headers: list[dict[str, Any]], place: int) -> SafeString:
    """The cell, `<td ...>` or `<th ...>`, with the heading as `data-label`."""
    heading = str(headers[place]["text"]) if place < len(headers) else ""
    if "<" in heading:  # the box that selects all rows
        return cell
    label = f' data-label="{escape(capfirst(heading))}"' + (" data-empty" if cell.endswith(EMPTY) else "")
    return mark_safe(f"{cell[:3]}{label}{cell[3:]}")  # noqa: S308  # the heading is escaped
