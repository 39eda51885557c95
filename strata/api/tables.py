"""CSV for spreadsheets: every cell quoted, and no text of a user's that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from typing import Any

from rest_framework.renderers import BaseRenderer

# What OWASP lists, and the full-width forms that some programs read the same way.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_text(name: str) -> str:
    """A name as a cell: an apostrophe goes before one that begins like a formula. Never for numbers."""
    return f"'{name}" if name.startswith(FORMULA) else name


class TableRenderer(BaseRenderer):
    """Rows of cells, the header first. Names among them have come through `as_text`."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> str:
        text = io.StringIO(newline="")
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(data or ())
        return text.getvalue()
