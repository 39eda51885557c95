"""One thing of the page as it was typed: what it becomes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from assets.models import Asset
from assets.services.entries.snapshots import validate_value
from assets.services.first_household import NewThing
from reports.welcome.tiles import Tile
from strata.fields.active_formats import UncertainNumber, amount_text, read_number
from strata.fields.currencies import minor_units, validate_currency
from strata.fields.numbers import plain

FIELDS = ("name", "value", "currency")


@dataclass
class Row:
    """Number 0 is the first of its tile. `typed` has the text of each field.

    `reading` is the answer to the question which of two numbers the text means, in plain digits; `readings` ask it.
    """

    tile: Tile
    number: int
    typed: Mapping[str, str]
    reading: str = ""
    readings: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    thing: NewThing | None = None

    @property
    def title(self) -> str:
        """What the names of its fields begin with."""
        return f"{self.tile.label} {self.number + 1}" if self.number else str(self.tile.label)

    @property
    def value_name(self) -> str:
        return _("amount owed") if self.tile.is_debt else _("value today")

    @property
    def prefix(self) -> str:
        return f"{self.tile.code}.{self.number}"

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The fields as the template shows them."""
        labels = {"name": _("name"), "value": self.value_name, "currency": _("currency")}
        return [
            {
                "kind": kind,
                "label": labels[kind],
                "accessible_name": f"{self.title}: {labels[kind]}",
                "input_name": f"{self.prefix}.{kind}",
                "text": self.typed[kind],
                "error": self.errors.get(kind, ""),
            }
            for kind in FIELDS
        ]

    def clean(self) -> None:
        """Set `thing`, or what is wrong in `errors`."""
        name = self.checked("name", lambda: Asset._meta.get_field("name").clean(self.typed["name"], None))
        currency = self.checked("currency", lambda: validate_currency(self.typed["currency"].strip()))
        value = self.checked("value", lambda: self.value_in(currency)) if currency else None
        if not self.errors:
            signed = -value if value and self.tile.is_debt else value
            self.thing = NewThing(name, self.tile.asset_type_id, currency, signed)

    def value_in(self, currency: str) -> Decimal | None:
        try:
            return read_amount(self.typed["value"], currency, self.reading)
        except UncertainNumber as uncertain:
            numbers = uncertain.question.readings
            self.readings = [(plain(number), amount_text(number, currency)) for number in numbers]
            raise

    def checked(self, name: str, check: Any) -> Any:
        try:
            return check()
        except ValidationError as error:
            self.errors[name] = " ".join(error.messages)
            return None


def read_amount(text: str, currency: str, reading: str) -> Decimal | None:
    """The amount in the user's format; None where nothing is typed. `reading` answers which of two it is."""
    if not text.strip():
        return None
    try:
        amount = read_number(text, minor_units(currency), currency)
    except UncertainNumber as uncertain:
        answers = [number for number in uncertain.question.readings if plain(number) == reading]
        if not answers:
            raise
        amount = answers[0]
    return validate_value(amount)
