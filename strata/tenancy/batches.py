"""What the services that write many rows at once share: what a batch may ask for, and how its rows are refused.

Rows have numbers, counted from 0. A service gets those that nobody has refused so far, by number; it adds its own
refusals, and then `settle` decides whether the others are written.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from strata.exceptions import StrataError

# Which errors are reported where all are refused for one: the first status that any row has.
ORDER = (400, 404, 403, 412, 409)


class OnError(StrEnum):
    """What a bad row means: that nothing is written, or that the others are."""

    REFUSE = "refuse"
    SKIP = "skip"


class IfExists(StrEnum):
    """What is done with a row that exists already."""

    REFUSE = "refuse"
    REPLACE = "replace"
    SKIP = "skip"


class Outcome(StrEnum):
    CREATED = "created"
    REPLACED = "replaced"
    SKIPPED = "skipped"
    REFUSED = "refused"


class RowRefusal(NamedTuple):
    """Why a row is refused. The error's field is one of the row's."""

    row: int
    error: StrataError


class DuplicateRow(StrataError):
    """An earlier row of the same batch has the same key."""

    def __init__(self, earlier: int, field: str) -> None:
        super().__init__("DUPLICATE_ROW", f"Row {earlier} is about the same.", field)


class RowsRefused(StrataError):
    """Nothing is written. `refusals` are those with the status of this, in the order of the rows."""

    def __init__(self, refusals: list[RowRefusal]) -> None:
        row, error = refusals[0]
        codes = {refusal.error.code for refusal in refusals}
        code = error.code if len(codes) == 1 else "VALIDATION_ERROR" if error.status == 400 else error.code
        super().__init__(code, f"Row {row}: {error.message}")
        self.status, self.refusals = error.status, refusals


class AllRowsRefused(StrataError):
    """No row is good, so nothing is written, though bad rows are skipped. `refusals` has one for each row."""

    def __init__(self, refusals: list[RowRefusal]) -> None:
        row, error = refusals[0]
        super().__init__("ALL_ROWS_REFUSED", f"No row is good. Row {row}: {error.message}")
        self.refusals = refusals


class Refusals:
    """The refused rows of a batch."""

    def __init__(self) -> None:
        self._errors: dict[int, list[StrataError]] = {}

    def add(self, row: int, *errors: StrataError) -> None:
        self._errors.setdefault(row, []).extend(errors)

    def __contains__(self, row: int) -> bool:
        return row in self._errors

    def __len__(self) -> int:
        return len(self._errors)

    def one_for_each_row(self) -> list[RowRefusal]:
        """The most important error of each row, in the order of the rows."""
        return [RowRefusal(row, min(errors, key=rank)) for row, errors in sorted(self._errors.items())]

    def settle(self, on_error: OnError, *, any_good: bool) -> None:
        """Raise RowsRefused or AllRowsRefused where the good rows may not be written."""
        if not self._errors:
            return
        if on_error is OnError.REFUSE:
            raise RowsRefused(self._of_the_first_status())
        if not any_good:
            raise AllRowsRefused(self.one_for_each_row())

    def _of_the_first_status(self) -> list[RowRefusal]:
        every = [RowRefusal(row, error) for row, errors in sorted(self._errors.items()) for error in errors]
        first = min(rank(refusal.error) for refusal in every)
        return [refusal for refusal in every if rank(refusal.error) == first]


def rank(error: StrataError) -> int:
    return ORDER.index(error.status)
