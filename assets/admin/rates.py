"""The admin page of exchange rates."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from assets.models import ExchangeRate
from assets.models.exchange_rate import WHO_ADDS_RATES
from assets.rates.writer import record_rate
from strata.admin.accounts.households import HouseholdAdmin
from strata.admin.sidebar import Section


@admin.register(ExchangeRate)
class ExchangeRatePage(HouseholdAdmin):
    """Rates are shared: everyone reads them, superusers add them, nobody changes them."""

    exported_as = "exchange-rate-list"
    section, icon, place = Section.DATA, "currency_exchange", 10
    empty_text = _("Exchange rates convert what you have in other currencies.")
    fields = ("currency", "on", "units_per_euro", "lasting", "source")
    list_display = ("currency", "on", "units_per_euro", "lasting", "source")
    list_filter = ("source", "lasting", "currency")
    search_fields = ("currency",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return ExchangeRate.objects.order_by("-on", "currency", "-id")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not request.user.is_superuser:
            self.message_user(request, str(WHO_ADDS_RATES), messages.INFO)
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_delete_permission = has_change_permission

    def write_row(self, request: HttpRequest, form: Any) -> ExchangeRate:
        rate = form.instance
        return record_rate(
            rate.currency, rate.on, rate.units_per_euro, source=rate.source, lasting=rate.lasting
        )
