"""The forms of how an asset is valued: the terms of each way, with their dated parts as rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from assets.models import Asset
from assets.models.asset import Valuation
from assets.rules.assets import terms as rules
from assets.services.terms import TERMS, Terms
from strata.admin.accounts.households import of_household
from strata.admin.choices import RowSelect
from strata.admin.user_formats.widgets import NumberInput
from strata.exceptions import StrataError
from strata.fields.dates import DayField, DayFormField, validate_year
from strata.fields.money import ExactField, MoneyField, NumberFormField
from strata.fields.percentages import PercentFormField, percent_text

MOST_ROWS = 1000  # of one list, as in the API
RATES = ("rate",)  # typed in per cent
SIGNED_RATES = ("growth",)
ROW_OF_LIST = re.compile(r"(?P<name>\w+)\[(?P<number>\d+)\](?:\.(?P<field>\w+))?", re.ASCII)
LISTS = {"rates": _("Rates"), "extra_payments": _("Extra payments"), "holidays": _("Payment holidays")}
ROWS = {"rates": _("Rate"), "extra_payments": _("Extra payment"), "holidays": _("Payment holiday")}
HELP = {
    "term": _("Instead of the payment: one follows from the other."),
    "payment": _("Instead of the number of payments: the last one is what is left."),
    "collateral": _("The house or car that secures the loan."),
    "factor": _("Of a declining balance, instead of the rate: 2 loses two times 1 / life a year."),
    "switch": _("Only of a declining balance: when a straight line loses more."),
    "first_year_months": _("12 for a whole year. The rest follows after the last year."),
    "started_on": _("The first day of the schedule."),
}


# --- fields ---


def field_of(column: models.Field[Any, Any], asset: Asset) -> forms.Field:
    """The form's field of a column of the terms."""
    label = str(column.verbose_name)
    label, help_text = label[:1].upper() + label[1:], HELP.get(column.name, "")
    required = not column.null and not isinstance(column, models.BooleanField)
    if column.name in RATES:
        signed = column.model._meta.model_name in SIGNED_RATES
        return percent_field(label, required=required, signed=signed)
    if column.is_relation:
        return row_field(column, asset, label, help_text)
    widget: Any = UnfoldAdminTextInputWidget
    if column.choices:
        widget = UnfoldAdminSelectWidget
    elif isinstance(column, MoneyField | ExactField):
        widget = NumberInput
    elif isinstance(column, models.BooleanField):
        widget = UnfoldBooleanWidget
    elif isinstance(column, models.IntegerField):
        widget = UnfoldAdminIntegerFieldWidget
    more: Any = {"form_class": DayFormField} if isinstance(column, DayField) else {}
    field: Any = column.formfield(widget=widget, label=label, help_text=help_text, required=required, **more)
    if isinstance(column, DayField):
        field.validators.append(validate_year)
    if isinstance(column, MoneyField):
        field.is_amount, field.currency = True, lambda: asset.currency
    return cast("forms.Field", field)


def percent_field(label: str, *, required: bool, signed: bool) -> PercentFormField:
    least = rules.LOWEST_GROWTH if signed else 0

    def validate(rate: Decimal) -> None:
        if not least <= rate <= rules.HIGHEST_RATE:
            words = {
                "least": percent_text(Decimal(least)),
                "most": percent_text(Decimal(rules.HIGHEST_RATE)),
            }
            raise ValidationError(gettext("Enter from %(least)s to %(most)s %%.") % words)

    return PercentFormField(
        label=gettext("%(label)s in %%") % {"label": label},
        required=required,
        widget=NumberInput,
        validators=[validate],
    )


def row_field(column: Any, asset: Asset, label: str, help_text: Any) -> forms.Field:
    """A row of the household that is found by its name."""
    household_id = asset.portfolio.household_id
    model = column.remote_field.model
    widget = RowSelect(column, admin.site)
    widget.narrow(household=household_id)
    rows = model.objects.filter(of_household(model, household_id))
    return forms.ModelChoiceField(
        rows.exclude(pk=asset.pk), label=label, help_text=help_text, required=not column.null, widget=widget
    )


@dataclass(frozen=True, slots=True)
class FieldsOf:
    """Columns of a model as fields of a form."""

    model: type[models.Model]
    columns: Sequence[str]

    def of(self, asset: Asset) -> dict[str, forms.Field]:
        fields: list[Any] = [self.model._meta.get_field(name.removesuffix("_id")) for name in self.columns]
        return {field.name: field_of(field, asset) for field in fields}


class ColumnsForm(forms.Form):
    """Fields of columns. `initial` has the stored values, which are read as they were shown."""

    def __init__(self, fields: Mapping[str, forms.Field], data: Any, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields.update(fields)
        for name, field in self.fields.items():
            stored = self.initial.get(name)
            if isinstance(field, NumberFormField) and isinstance(stored, Decimal):
                field.keep(stored)

    def values(self) -> dict[str, Any]:
        """By column. An empty flag is False, and an empty choice what the model has without one."""
        given = {}
        for name, value in self.cleaned_data.items():
            is_row = isinstance(self.fields[name], forms.ModelChoiceField)
            given[f"{name}_id" if is_row else name] = (value and value.pk) if is_row else value
        return given


# --- the whole form ---


class Rows:
    """A dated part of the terms as rows. Those in which nothing is typed are left out."""

    def __init__(
        self, name: str, columns: FieldsOf, asset: Asset, data: Any, stored: Sequence[Mapping[str, Any]]
    ) -> None:
        self.name, self.title, self.row_title = name, LISTS[name], ROWS[name]
        self.errors: list[str] = []
        count = len(stored) + 1 if data is None else number_of_rows(data, self.count_name)
        if data is not None and data.get("add") == name:
            count = min(count + 1, MOST_ROWS)
        self.forms = [self.row(columns, asset, data, number, stored) for number in range(count)]

    @property
    def count_name(self) -> str:
        return f"{self.name}-count"

    def row(self, columns: FieldsOf, asset: Asset, data: Any, number: int, stored: Any) -> ColumnsForm:
        fields = columns.of(asset)
        first_choices = {name: first_choice(field) for name, field in fields.items()}
        initial = dict(stored[number]) if data is None and number < len(stored) else first_choices
        form = ColumnsForm(
            fields,
            data,
            prefix=f"{self.name}-{number}",
            initial=initial,
            empty_permitted=True,
            use_required_attribute=False,
        )
        for name, field in form.fields.items():
            words = {"row": self.row_title, "number": number + 1, "field": field.label}
            field.widget.attrs["aria-label"] = gettext("%(row)s %(number)s: %(field)s") % words
            field.help_text = ""
            form.fields[name] = field
        return form

    def is_typed(self, form: ColumnsForm) -> bool:
        """Whether anything but a choice was typed."""
        return any(
            str(form.data.get(form.add_prefix(name), "")).strip()
            for name, field in form.fields.items()
            if not isinstance(field, forms.ChoiceField)
        )

    @property
    def typed(self) -> list[ColumnsForm]:
        return [form for form in self.forms if self.is_typed(form)]

    def is_valid(self) -> bool:
        for form in self.typed:
            form.empty_permitted = False
        return all([form.is_valid() for form in self.typed])

    def values(self) -> list[dict[str, Any]]:
        return [form.values() for form in self.typed]


def first_choice(field: Any) -> Any:
    """What a select shows where nothing is chosen yet; None for any other field."""
    return next((value for value, _text in field.choices), None) if hasattr(field, "choices") else None


def number_of_rows(data: Any, name: str) -> int:
    text = data.get(name, "")
    return min(int(text), MOST_ROWS) if re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) else 0


class TermsForm:
    """How an asset is valued in one way. `stored` are its terms, where it is valued in this way already."""

    fields_shown_as: Mapping[str | None, str] = {}

    def __init__(self, asset: Asset, valuation: str, stored: Terms | None, data: Any = None) -> None:
        self.asset, self.valuation, self.data = asset, valuation, data
        stored = stored or {}
        kind = TERMS.get(valuation)
        if kind is not None:
            columns = FieldsOf(kind.model, kind.columns)
        elif valuation == Valuation.MANUAL:
            columns = FieldsOf(Asset, ())
        else:
            columns = FieldsOf(Asset, ("instrument_id",))
            stored = {"instrument_id": asset.instrument_id, **stored}
        fields = columns.of(asset)
        initial = {name: default_of(columns, name) for name in fields}
        initial |= {name.removesuffix("_id"): value for name, value in stored.items()}
        self.main = ColumnsForm(fields, data, initial=initial)
        if valuation not in TERMS and "instrument" in self.main.fields:
            self.main.fields["instrument"].required = True
        dated = kind.dated if kind is not None else {}
        self.lists = [
            Rows(name, FieldsOf(part.model, part.columns), asset, data, stored.get(name, ()))
            for name, part in dated.items()
        ]

    def __iter__(self) -> Iterator[forms.BoundField]:
        return iter(self.main)

    def is_valid(self) -> bool:
        return all([self.main.is_valid(), *[rows.is_valid() for rows in self.lists]])

    def values(self) -> Terms:
        return self.main.values() | {rows.name: rows.values() for rows in self.lists}

    def show(self, refusal: StrataError) -> None:
        """Beside the field that the refusal names: a column, or the column of a row: rates[1].on."""
        field = refusal.field or ""
        if match := ROW_OF_LIST.fullmatch(field):
            rows = next((rows for rows in self.lists if rows.name == match["name"]), None)
            number = int(match["number"])
            if rows is not None and number < len(rows.typed):
                form = rows.typed[number]
                name = match["field"] if match["field"] in form.fields else None
                form.add_error(name, refusal.message)
                return
        for rows in self.lists:
            if rows.name == field:
                rows.errors.append(refusal.message)
                return
        name = field.removesuffix("_id")
        self.main.add_error(name if name in self.main.fields else None, refusal.message)


def default_of(columns: FieldsOf, name: str) -> Any:
    default = getattr(columns.model._meta.get_field(name), "default", None)
    return None if default is models.NOT_PROVIDED or callable(default) else default
