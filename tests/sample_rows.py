"""One row of every model that the admin shows, with a given text in each text field. New models are included."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.apps import apps
from django.contrib import admin
from django.db import models

from strata.audit.tracking import TrackedModel
from strata.fields.account_numbers import AccountNumberEndField
from strata.fields.currencies import CurrencyField
from strata.fields.dates import DayField, TimeZoneField
from strata.fields.money import ExactField, MoneyField
from strata.fields.names import NameKeyField

DAY = date(2026, 1, 31)
MOMENT = datetime(2026, 1, 31, 10, 20, 30, 456789, UTC)


def shown_models() -> list[type[models.Model]]:
    """The models that the admin registers or shows in inlines."""
    tracked = [model for model in apps.get_models() if issubclass(model, TrackedModel)]
    return [*tracked, *(model for model in admin.site._registry if model not in tracked)]


def sample_rows(text: str, **known: models.Model) -> dict[type[models.Model], models.Model]:
    """One row by each model. Rows passed as `known` are used as they are, for example `household=...`."""
    rows = {type(row): row for row in known.values()}
    for model in shown_models():
        create_row(model, text, rows)
    return rows


def create_row(model: type[models.Model], text: str, rows: dict) -> models.Model:
    """The row of the model in `rows`; creates it, and rows that it needs, if it is not there."""
    if model not in rows:
        fields = [field for field in model._meta.concrete_fields if is_needed(field)]
        values = {field.name: value_of(field, text, rows) for field in fields}
        if model._meta.label == "assets.Transaction":
            values |= {"type": "ACQUIRE", "amount": 1}
        if model._meta.label == "portfolios.AllocationTarget":  # a target names exactly one type of group
            values = {name: values[name] for name in ("household", "tag")} | {"share": "0.01"}
        if model._meta.label == "assets.Asset":
            values["shares"] = ""
        if model._meta.label == "assets.AssetOrder":
            values["asset_ids"] = ""
        if model._meta.label == "assets.AssetType":
            values["code"] = values["code"].upper()  # its form takes only upper case
        if model._meta.label == "assets.Instrument":
            values |= {"isin": "", "cusip": "", "sedol": "", "mic": "", "quote_unit": "1"}
        if model._meta.label == "assets.InstrumentAction":
            values |= {"symbol": "", "isin": "", "numerator": 2, "denominator": 1, "to_instrument": None}
        if model._meta.label == "assets.PriceSource":
            paths = {"rows_path": "", "date_field": "0", "price_field": "1"}
            marks = {"delimiter": ",", "decimal": ".", "unit": "1"}
            values |= {"source_type": "coingecko", "url": "", **paths, **marks}
        if model._meta.label == "assets.ExchangeRate":
            values["currency"] = "CHF"  # the euro has no rate
        rows[model] = model._default_manager.create(**values)
    return rows[model]


def is_needed(field: models.Field) -> bool:
    if (
        field.primary_key
        or isinstance(field, NameKeyField)
        or field.name in ("created_by", "updated_by", "parent")
    ):
        return False
    is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
    return is_text or (not field.has_default() and not (field.null and not field.is_relation))


def value_of(field: models.Field, text: str, rows: dict):
    if field.is_relation:
        return create_row(field.related_model, text, rows)
    if field.choices:
        return field.choices[0][0]
    for field_classes, value in (
        ((CurrencyField,), "EUR"),
        ((AccountNumberEndField,), "0042"),
        ((TimeZoneField,), "Europe/Berlin"),
        ((MoneyField, ExactField, models.IntegerField), 1),
        ((DayField,), DAY),
        ((models.DateTimeField,), MOMENT),
        ((models.JSONField,), {"name": text}),
        ((models.UUIDField,), "01890a5d-ac96-774b-bcce-b302099a8057"),
        ((models.GenericIPAddressField,), "127.0.0.1"),
        ((models.BooleanField,), True),
        ((models.EmailField,), "someone@example.org"),
    ):
        if isinstance(field, field_classes):
            return value
    return text[: field.max_length] if field.max_length else text
