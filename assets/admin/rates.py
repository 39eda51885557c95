"""The admin page of exchange rates."""

from __future__ import annotations

from django.contrib import admin, messages

from assets.models import ExchangeRate
from assets.models.exchange_rate import WHO_ADDS_RATES
from strata.admin.households import HouseholdAdmin
from strata.admin.sidebar import Section
from strata.fields.numbers import plain


@admin.register(ExchangeRate)
class ExchangeRatePage(HouseholdAdmin):
    """Rates are shared: everyone reads them, superusers add them, nobody changes them."""

    section, icon = Section.DATA, "currency_exchange"
    fields = ("currency", "on", "units_per_euro", "lasting", "source")
    list_display = ("currency", "on", "units_shown", "lasting", "source")
    list_filter = ("source", "lasting", "currency")
    search_fields = ("currency",)
    duplicate_field = "currency"

    def get_queryset(self, request):
        return ExchangeRate.objects.order_by("-on", "currency", "-id")

    def changelist_view(self, request, extra_context=None):
        if not request.user.is_superuser:
            self.message_user(request, WHO_ADDS_RATES, messages.INFO)
        return super().changelist_view(request, extra_context)

    def has_view_permission(self, request, obj=None):
        return request.user.is_active

    def has_add_permission(self, request):
        return request.user.is_active and request.user.is_superuser

    def has_change_permission(self, request, obj=None):
        return False

    has_delete_permission = has_change_permission

    @admin.display(description="units per euro")
    def units_shown(self, rate):
        return plain(rate.units_per_euro)
