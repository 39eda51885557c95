"""What an asset's page says of how it is valued: the terms in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from assets.admin.asset.terms.forms import LISTS, RATES
from assets.models import Asset
from assets.services.terms import TERMS, has_terms, read_terms
from strata.admin.user_formats.columns import amount_html
from strata.fields.active_formats import amount_text, day_text, number_text
from strata.fields.money import MoneyField
from strata.fields.percentages import percent_text


def terms_of_asset(asset: Asset, request: HttpRequest, *, may_change: bool) -> dict[str, Any]:
    """The context of the template."""
    context: dict[str, Any] = {
        "valuation": asset.get_valuation_display(),
        "address": reverse("admin:assets_asset_terms", args=[asset.pk]) if may_change else "",
        "transfer": "" if asset.disposed_on else reverse("admin:assets_asset_transfer", args=[asset.pk]),
    }
    kind = TERMS.get(asset.valuation)
    if kind is None or not has_terms(asset):
        return context | {"rows": instrument_rows(asset)}
    terms = read_terms(asset)
    fields = {name: kind.model._meta.get_field(name.removesuffix("_id")) for name in kind.columns}
    return context | {
        "rows": [
            (title(field), text)
            for name, field in fields.items()
            if (text := text_of(terms[name], field, asset))
        ],
        "lists": [
            list_of(name, terms[name], part.model, part.columns, asset)
            for name, part in kind.dated.items()
            if terms[name]
        ],
    }


def instrument_rows(asset: Asset) -> list[tuple[str, str]]:
    field = Asset._meta.get_field("instrument")
    return [(title(field), text)] if (text := text_of(asset.instrument_id, field, asset)) else []


def list_of(name: str, rows: Any, model: Any, columns: Any, asset: Asset) -> dict[str, Any]:
    fields = [model._meta.get_field(column) for column in columns]
    return {
        "title": LISTS[name],
        "heads": [title(field) for field in fields],
        "rows": [[text_of(row[field.name], field, asset) for field in fields] for row in rows],
    }


def title(field: Any) -> str:
    name = str(field.verbose_name)
    return name[:1].upper() + name[1:]


def text_of(value: Any, field: Any, asset: Asset) -> str:
    """The value as the user reads it; "" where there is none."""
    if value is None or value is False:
        return ""
    if field.is_relation:
        return name_of_row(field.remote_field.model, value)
    if isinstance(value, bool):
        return _("Yes")
    if isinstance(value, date):
        return day_text(value)
    if isinstance(field, models.CharField) and field.choices:
        labels: Mapping[Any, Any] = dict(field.flatchoices)
        return str(labels.get(value, value))
    if isinstance(field, MoneyField):
        return amount_html(amount_text(value, asset.currency))
    if field.name in RATES:
        return f"{percent_text(value)}\N{NO-BREAK SPACE}%"
    return number_text(Decimal(value))


def name_of_row(model: Any, pk: Any) -> str:
    """What the select of the form shows of the row."""
    page: Any = admin.site._registry[model]
    rows = model.objects.filter(pk=pk)
    return next(iter(page.choice_texts(rows).values()), "")
