"""What a person has typed into the table, read as numbers; and what has to be asked before it is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from assets.rules.entries.typing_errors import Slip, TypingError, typing_error
from assets.services.entries.snapshots import validate_value
from reports.update_values.rows import AssetRow
from strata.fields.active_formats import UncertainNumber, number_text, read_number, whole_amount_text
from strata.fields.names import validate_note
from strata.fields.number_formats import NO_BREAK_SPACE
from strata.fields.numbers import plain

FACTORS = {
    Fraction(10): gettext_noop("about 10 times as much. Is a digit too many?"),
    Fraction(100): gettext_noop("about 100 times as much. Are two digits too many?"),
    Fraction(1, 10): gettext_noop("about a tenth. Is a digit missing?"),
    Fraction(1, 100): gettext_noop("about a hundredth. Are two digits missing?"),
}


class Entry(NamedTuple):
    """A row as it was sent: `seen` is the state of the day's value when the page showed it.

    `reading` is the answer to a question: what was chosen of several readings of the text, in plain digits.
    """

    text: str
    note: str
    seen: str
    reading: str = ""


class NewValue(NamedTuple):
    """A row as it was read. `value` is as stored: a debt is negative."""

    row: AssetRow
    value: Decimal
    note: str
    seen: str


class WhichNumber(NamedTuple):
    """A text with several readings; `numbers` are as typed."""

    row: AssetRow
    text: str
    numbers: tuple[Decimal, ...]


@dataclass(frozen=True)
class Reading:
    """The entries, by what they are: new values, questions about a number, and errors by asset."""

    values: list[NewValue] = field(default_factory=list)
    questions: list[WhichNumber] = field(default_factory=list)
    errors: dict[UUID, str] = field(default_factory=dict)


def read_entries(rows: Iterable[AssetRow], entries: Mapping[UUID, Entry]) -> Reading:
    reading = Reading()
    for row in rows:
        entry = entries.get(row.id)
        if entry is None or not (entry.text.strip() or entry.note.strip()):
            continue
        try:
            note, value = validate_note(entry.note), read_value(row, entry)
        except UncertainNumber as question:
            numbers = question.question.readings
            reading.questions.append(WhichNumber(row, question.question.text, numbers))
        except ValidationError as error:
            reading.errors[row.id] = error.messages[0]
        else:
            reading.values.append(NewValue(row, value, note, entry.seen))
    return reading


def read_value(row: AssetRow, entry: Entry) -> Decimal:
    """The typed value as it is stored. Raises ValidationError, or UncertainNumber.

    The text that the page shows for the last value is that value, whatever else it could mean.
    """
    if not entry.text.strip():
        raise ValidationError(_("A note needs a value: enter one, or press the button “Still the same”."))
    if row.last is not None and entry.text.strip() == row.typed_text(row.last):
        return row.last
    return validate_value(row.as_typed(chosen_number(row, entry)))


def chosen_number(row: AssetRow, entry: Entry) -> Decimal:
    try:
        return read_number(entry.text, row.places, row.currency)
    except UncertainNumber as uncertain:
        for number in uncertain.question.readings:
            if plain(number) == entry.reading:
                return number
        raise


# --- probable typing errors ---


def slips_of(values: Iterable[NewValue]) -> list[str]:
    """A question for each value that is probably mistyped."""
    errors = ((new, typing_error(new.row.last, new.value)) for new in values)
    return [slip_text(new, error) for new, error in errors if error]


def slip_text(new: NewValue, error: TypingError) -> str:
    row = new.row
    words = {
        "name": row.name,
        "old": number_text(row.as_typed(row.last or Decimal())),
        "new": number_text(row.as_typed(new.value)),
    }
    if error.slip is Slip.CHANGED_SIGN:
        return _("%(name)s: Sign changed. From %(old)s to %(new)s. Overdraft, or a missing minus?") % words
    if error.slip is Slip.FACTOR:
        return _("%(name)s: from %(old)s to %(new)s, %(much)s") % {**words, "much": _(FACTORS[error.factor])}
    words["part"] = percent_text(error.factor)
    if error.factor > 0:
        return _("%(name)s: From %(old)s to %(new)s, %(part)s more. Is that right?") % words
    return _("%(name)s: From %(old)s to %(new)s, %(part)s less. Is that right?") % words


def percent_text(part: Fraction) -> str:
    percent = Decimal(abs(part.numerator) * 100) / Decimal(part.denominator)
    return f"{whole_amount_text(percent)}{NO_BREAK_SPACE}%"
