"""The admin page of instruments, under "Securities and indices"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from assets.admin.classification import InOneHousehold
from assets.models import Instrument
from assets.services.instruments import INSTRUMENTS
from strata.admin.sidebar import Section


@admin.register(Instrument)
class InstrumentPage(InOneHousehold):
    """A household's own instruments, and the shared ones, which only superusers may change."""

    section, icon, place = Section.DATA, "candlestick_chart", 5
    empty_text = _("Securities and indices have the prices by which assets are valued.")
    fields = (
        "household",
        "symbol",
        "name",
        "instrument_type",
        "isin",
        "cusip",
        "sedol",
        "mic",
        "currency",
        "quote_unit",
        "max_age_days",
    )
    list_display = ("symbol", "name", "instrument_type", "isin", "currency", "household")
    list_filter = ("instrument_type", "currency")
    search_fields = ("symbol_key__has_part", "name_key__has_part", "isin")
    service = INSTRUMENTS

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """An instrument without a household is shared by all, so only superusers may leave it empty."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "household":
            field.required = not request.user.is_superuser
        return field
