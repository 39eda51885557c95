"""Shares and rates as people write them: 25 for 0.25."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from strata.fields.active_formats import number_text
from strata.fields.money import NumberFormField
from strata.fields.numbers import EXACT_DIGITS, EXACT_PLACES, plain


def percent_text(share: Decimal) -> str:
    """The number of per cent, exactly: "25" for 0.25."""
    return number_text(Decimal(plain(share.scaleb(2))))


class PercentFormField(NumberFormField):
    """Per cent are typed and shown; the value is the fraction of 1. `places` are those of the fraction."""

    def __init__(self, *, places: int = EXACT_PLACES, **kwargs: Any) -> None:
        super().__init__(digits=EXACT_DIGITS, places=places - 2, **kwargs)

    def keep(self, stored: Decimal) -> None:
        self.kept = percent_text(stored), stored

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # as Django's DecimalField
        if self.kept and isinstance(value, str) and value.strip() == self.kept[0]:
            return self.kept[1]
        percent = super().to_python(value)
        return None if percent is None else percent.scaleb(-2)

    def prepare_value(self, value: Any) -> Any:
        return percent_text(value) if isinstance(value, Decimal) else value
