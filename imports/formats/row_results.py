"""What a row of a file gives: items, a reason for which there are none, or what could not be read."""

from __future__ import annotations

from collections.abc import Callable

from imports.formats.cells import Refused
from imports.formats.rows import FileRow, Item
from imports.reading.refusals import Reason

ZERO_ROW = Reason("ZERO_ROW")
type Result = tuple[Item, ...] | Reason


def filled(row: FileRow, make: Callable[[], Result], nothing: Reason = ZERO_ROW) -> FileRow:
    """The row with what `make` gives; it may raise Refused. `nothing` is why a row without items is skipped."""
    try:
        result = make()
    except Refused as refused:
        row.refusal = refused.reason
        return row
    if isinstance(result, Reason):
        row.skip = result
    else:
        row.items, row.skip = result, None if result else nothing
    return row
