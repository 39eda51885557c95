"""Assets in the admin, with their values and transactions on the same page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from assets.admin.asset.charts import past_years, sparkline_of
from assets.admin.asset.entry_rows import SnapshotInline, TransactionInline
from assets.admin.asset.forms import LABEL_FIELDS, AssetForm
from assets.admin.asset.sales import SaleActions
from assets.admin.asset.sections import sections_of
from assets.admin.asset.terms.page import TermsPage
from assets.admin.asset.transfer_page import TransferPage
from assets.admin.classification import CategoryFilter
from assets.admin.debts import value_text
from assets.models import Asset
from assets.models.asset import Valuation
from assets.models.querysets import zones_of
from assets.services.assets import ASSETS
from assets.valuation import with_current_value
from portfolios.models import Portfolio
from strata.admin.accounts.households import HouseholdAdmin
from strata.admin.choices import OwnRowsFilter
from strata.fields.active_formats import day_text
from strata.fields.currencies import round_money


class HeldFilter(admin.SimpleListFilter):
    title, parameter_name = _("current or sold"), "disposed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Current")), ("yes", _("Sold"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        if self.value() == "yes":
            return queryset.filter(disposed_on__lte=F("as_of"))
        return queryset.exclude(disposed_on__lte=F("as_of")) if self.value() == "no" else queryset


@admin.register(Asset)
class AssetPage(SaleActions, HouseholdAdmin):
    exported_as = "asset-list"
    exported_filters = {"asset_type__group": "group", "asset_type": "type", "tags": "tag"}
    icon, place, in_palette = "savings", 20, True
    row_pages = {"terms": TermsPage, "transfer": TransferPage}
    empty_text = _("Everything that you own or owe is an asset: an account, a house, a loan.")
    form = AssetForm
    service, parent_column = ASSETS, "portfolio_id"
    list_display = (
        "name",
        "asset_type",
        "portfolio",
        "currency",
        "value_now",
        "past_year",
        "value_now_on",
        "disposed_on",
    )
    list_filter = (
        ("portfolio", OwnRowsFilter),
        "asset_type__group",
        ("asset_type", OwnRowsFilter),
        CategoryFilter,
        ("tags", OwnRowsFilter),
        "currency",
        HeldFilter,
    )
    search_fields = ("name_key__has_part", "institution_key__has_part", "notes")
    inlines = (SnapshotInline, TransactionInline)
    change_form_outer_before_template = "assets/sections_of_asset.html"
    actions = ("dispose_of", "reinstate")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        what = (
            "name",
            "portfolio",
            "asset_type",
            "currency",
            "quantity",
            "kind",
            "counts_in_net_worth",
            "notes",
        )
        return (
            (None, {"fields": what}),
            (_("Institution"), {"fields": ("institution", "account_number_end")}),
            (_("Security or index"), {"fields": ("instrument", "lot_method")}),
            (_("Classification"), {"fields": ("categories", "tags")}),
            (_("Dates"), {"fields": ("acquired_on", "disposed_on")}),
        )

    def palette_text(self, row: Any) -> str:
        return str(row.portfolio)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).select_related("portfolio", "asset_type")
        portfolios = Portfolio.objects.all()
        visible = portfolios if request.user.is_superuser else portfolios.for_user(request.user)
        # A list may be ordered by a column: by the value, if it is that one.
        return with_current_value(rows, zones=zones_of(visible), in_sql="o" in request.GET)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the values of the past year of all rows of the page, read at once."""
        page = super().get_changelist_instance(request)
        page.result_list = list(page.result_list)
        years = past_years(page.result_list)
        for asset in page.result_list:
            asset.sparkline = sparkline_of(asset, years[asset.pk])
        return page

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """A new asset is saved with its first values. Later values have their own section, and pages of their own."""
        return self.inlines if obj is None else (TransactionInline,)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        if (asset := kwargs.get("obj")) is not None:
            may_change = self.has_change_permission(request, asset)
            context |= sections_of(asset, request, may_change=may_change)
        answer: HttpResponse = super().render_change_form(request, context, **kwargs)
        return answer

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        form.user = request.user
        return form

    def values_of(self, form: Any, names: Collection[str]) -> dict[str, Any]:
        labels = {
            str(column): [row.pk for row in form.cleaned_data[name]]
            for column, name in LABEL_FIELDS.items()
            if name in names
        }
        return super().values_of(form, names) | labels

    @admin.display(description=_("value"), ordering="current_value")
    def value_now(self, asset: Any) -> str:
        """A value of an asset valued by hand as it was entered, a calculated one in the currency's places."""
        value = asset.current_value
        if value is None:
            return ""
        if asset.valuation != Valuation.MANUAL:
            value = round_money(value, asset.currency)
        return value_text(value, asset)

    @admin.display(description=_("past year"), empty_value="")
    def past_year(self, asset: Any) -> str:
        text: str = asset.sparkline
        return text

    @admin.display(description=_("as of"), ordering="current_value_on")
    def value_now_on(self, asset: Any) -> str:
        return "" if asset.current_value_on is None else day_text(asset.current_value_on)
