"""The inputs of a number, which asks where what was typed can be read in two ways, and of a currency."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language
from unfold.widgets import UnfoldAdminTextInputWidget

from strata.fields.currencies import currency_names
from strata.fields.money import AnsweredNumber


class NumberInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]  # unfold is untyped
    """A text input. `readings` are set by the field: one button for each, with its plain digits and its text."""

    template_name = "strata/number_input.html"
    readings: tuple[tuple[str, str], ...] | list[tuple[str, str]] = ()

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", **(attrs or {})})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        text = super().value_from_datadict(data, files, name)
        reading = data.get(reading_name(name))
        if not isinstance(text, str) or not reading:
            return text
        answered = AnsweredNumber(text)
        answered.reading = reading
        return answered

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        return context | {"reading_name": reading_name(name), "readings": self.readings}


class CurrencyInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]  # unfold is untyped
    """A text input with a list of all currencies, by code and name."""

    template_name = "strata/currency_input.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocapitalize": "characters", "autocomplete": "off", **(attrs or {})})

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        list_id = f"{(attrs or {}).get('id', name)}-currencies"
        context: dict[str, Any] = super().get_context(name, value, {**(attrs or {}), "list": list_id})
        return context | {"list_id": list_id, "currencies": currency_names(get_language() or "en")}


def reading_name(name: str) -> str:
    return f"{name}-reading"
