"""The cells of a list, each with the heading of its column: on a phone a row is a card, without the headings above."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

register = template.Library()
EMPTY = (">-</td>", "></td>")


@register.simple_tag
def with_label(cell: SafeString, headers: list[dict[str, Any]], place: int) -> SafeString:
    """The cell, `<td ...>` or `<th ...>`, with the heading as `data-label`."""
    heading = str(headers[place]["text"]) if place < len(headers) else ""
    if "<" in heading:  # the box that selects all rows
        return cell
    empty = " data-empty" if cell.endswith(EMPTY) else ""
    # Both are parts of the cell, which is safe as a whole; a part of a safe text is a plain one.
    # nosemgrep: text-stays-text
    start, rest = SafeString(cell[:3]), SafeString(cell[3:])  # nosec B703
    return format_html('{} data-label="{}"{}{}', start, capfirst(heading), empty, rest)
