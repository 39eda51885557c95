"""The admin page of price sources, which superusers alone see: an address may contain a key."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from assets.models import PriceSource
from assets.services.instruments.price_sources import SOURCES
from strata.admin.accounts.households import HouseholdAdmin
from strata.admin.sidebar import Section


@admin.register(PriceSource)
class PriceSourcePage(HouseholdAdmin):
    section, icon, place = Section.DATA, "cloud_download", 6
    empty_text = _("Price sources are where prices are fetched from.")
    fields = (
        "name",
        "source_type",
        "url",
        "rows_path",
        "date_field",
        "price_field",
        "delimiter",
        "decimal",
        "unit",
        "split_adjusted",
        "enabled",
    )
    list_display = ("name", "source_type", "url", "split_adjusted", "enabled")
    list_filter = ("source_type", "enabled")
    search_fields = ("name_key__has_part",)
    service = SOURCES

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = PriceSource.objects.order_by("name_key", "id")
        return rows if request.user.is_superuser else rows.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission

    def write_row(self, request: HttpRequest, form: Any) -> Any:
        if form.instance._state.adding:
            return self.service.create(**self.values_of(form, form.fields.keys() - {"version"}))
        return super().write_row(request, form)
