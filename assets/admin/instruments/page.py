"""The admin page of instruments with their prices, under "Securities and indices"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.admin.classification import InOneHousehold
from assets.admin.instruments.actions import ActionInline
from assets.admin.instruments.new_price import FetchPrices, NewPricePage
from assets.admin.instruments.prices import last_prices, prices_of_instrument
from assets.admin.instruments.source_rows import SourceInline
from assets.models import Instrument
from assets.services.instruments.instruments import INSTRUMENTS
from strata.admin.sidebar import Section


@admin.register(Instrument)
class InstrumentPage(InOneHousehold):
    """A household's own instruments, and the shared ones, which only superusers may change."""

    exported_as = "instrument-list"
    section, icon, place = Section.DATA, "candlestick_chart", 5
    row_pages = {"price": NewPricePage, "fetch": FetchPrices}
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
    list_display = (
        "symbol",
        "name",
        "instrument_type",
        "isin",
        "currency",
        "last_price",
        "last_price_on",
        "household",
    )
    list_filter = ("instrument_type", "currency")
    search_fields = ("symbol_key__has_part", "name_key__has_part", "isin")
    service = INSTRUMENTS
    inlines = (ActionInline, SourceInline)
    change_form_outer_before_template = "assets/prices_of_instrument.html"

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the last prices of the instruments of the page, read at once."""
        page = super().get_changelist_instance(request)
        page.result_list = list(page.result_list)
        last = last_prices(page.result_list)
        for instrument in page.result_list:
            instrument.last = last.get(instrument.pk)
        return page

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        if (instrument := kwargs.get("obj")) is not None:
            may_add = self.has_change_permission(request, instrument)
            context["prices_of_instrument"] = prices_of_instrument(instrument, request, may_add=may_add)
        answer: HttpResponse = super().render_change_form(request, context, **kwargs)
        return answer

    @admin.display(description=_("last price"), empty_value="")
    def last_price(self, instrument: Any) -> str:
        return instrument.last.price if instrument.last else ""

    @admin.display(description=_("as of"), empty_value="")
    def last_price_on(self, instrument: Any) -> str:
        if not instrument.last:
            return ""
        day: str = instrument.last.on
        return gettext("%(day)s (out of date)") % {"day": day} if instrument.last.is_stale else day

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The type of a new one has to be chosen: it becomes the type of the assets that trades make."""
        if db_field.name == "instrument_type":
            kwargs["choices"] = [("", "---------"), *db_field.choices]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"instrument_type": "", **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """An instrument without a household is shared by all, so only superusers may leave it empty."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "household":
            field.required = not request.user.is_superuser
        return field
