"""Assets, their values and movements, and what sorts them, in the admin."""

from __future__ import annotations

from django.contrib import admin
from unfold.widgets import UnfoldAdminTextareaWidget

from assets.models import (
    Asset,
    AssetCategory,
    AssetSnapshot,
    AssetTag,
    AssetType,
    Category,
    ExchangeRate,
    Tag,
    Transaction,
)
from assets.models.taxonomy import ancestors
from strata.admin import HouseholdAdmin, HouseholdInline
from strata.money import money_text
from strata.names import NoteField

ONE_LINE = {NoteField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 1})}}


class SnapshotInline(HouseholdInline):
    model = AssetSnapshot
    fields = ("value", "on", "observed_at", "note")
    formfield_overrides = HouseholdInline.formfield_overrides | ONE_LINE
    per_page = 20


class TransactionInline(HouseholdInline):
    model = Transaction
    fields = (
        "type",
        "amount",
        "quantity",
        "unit_price",
        "fee",
        "tax",
        "currency",
        "occurred_at",
        "on",
        "position",
    )
    per_page = 20


class CategoryInline(HouseholdInline):
    model = AssetCategory
    fields = ("category",)


class TagInline(HouseholdInline):
    model = AssetTag
    fields = ("tag",)


@admin.register(Asset)
class AssetPage(HouseholdAdmin):
    list_display = ("name", "asset_type", "portfolio", "currency", "value_now", "value_now_on", "disposed_on")
    list_select_related = ("asset_type", "portfolio")
    list_filter = ("asset_type__group", "currency")
    search_fields = ("name", "notes")
    inlines = (SnapshotInline, TransactionInline, CategoryInline, TagInline)
    exclude = ("categories", "tags")

    def get_queryset(self, request):
        return super().get_queryset(request).with_current_value()

    @admin.display(description="current value", ordering="current_value")
    def value_now(self, asset):
        return "" if asset.current_value is None else money_text(asset.current_value)

    @admin.display(description="as of")
    def value_now_on(self, asset):
        return asset.current_value_on


@admin.register(AssetSnapshot)
class SnapshotPage(HouseholdAdmin):
    list_display = ("asset", "value", "on", "observed_at")
    list_select_related = ("asset",)
    search_fields = ("asset__name", "note")
    autocomplete_fields = ("asset",)
    duplicate_field = "observed_at"


@admin.register(Transaction)
class TransactionPage(HouseholdAdmin):
    list_display = ("asset", "type", "amount", "currency", "on")
    list_select_related = ("asset",)
    list_filter = ("type", "currency")
    search_fields = ("asset__name", "note", "external_id")
    autocomplete_fields = ("asset",)
    duplicate_field = "external_id"


@admin.register(AssetType)
class AssetTypePage(HouseholdAdmin):
    list_display = ("code", "label", "group", "kind", "household")
    list_select_related = ("household",)
    list_filter = ("group", "kind")
    search_fields = ("code", "label")
    duplicate_field = "code"


@admin.register(Category)
class CategoryPage(HouseholdAdmin):
    """The list is the tree: each category with the way down to it."""

    list_display = ("path", "household")
    list_select_related = ("household",)
    search_fields = ("name",)

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        known = rows.values_list("id", "parent_id", "name")
        self.parents = {pk: parent for pk, parent, _ in known}
        self.names = {pk: name for pk, _, name in known}
        return rows

    @admin.display(description="category", ordering="name_key")
    def path(self, category):
        return " › ".join(
            self.names[pk] for pk in reversed(ancestors(category.pk, self.parents)) if pk in self.names
        )


@admin.register(Tag)
class TagPage(HouseholdAdmin):
    list_display = ("name", "household")
    list_select_related = ("household",)
    search_fields = ("name",)


@admin.register(ExchangeRate)
class ExchangeRatePage(HouseholdAdmin):
    """Rates are shared: everyone reads them, a superuser adds them, nobody alters them."""

    list_display = ("currency", "on", "units_per_euro", "source")
    list_filter = ("source", "currency")
    search_fields = ("currency",)
    duplicate_field = "currency"

    def get_queryset(self, request):
        return ExchangeRate.objects.order_by("-on", "currency", "-id")

    def has_add_permission(self, request):
        return request.user.is_superuser

    def has_change_permission(self, request, obj=None):
        return False

    has_delete_permission = has_change_permission
