"""The values and transactions of assets, in the admin, each on a page of its own."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from assets.models import AssetSnapshot, Transaction
from assets.services import transactions
from strata.admin.choices import OwnRowsFilter
from strata.admin.forms import ConstraintCheckedForm
from strata.admin.households import HouseholdAdmin
from strata.fields.numbers import money_text, plain


class OfAnAsset:
    """Stands first among the bases of a form of a value or a transaction."""

    def currency_of_amounts(self):
        row = self.instance
        return getattr(row, "currency", "") or (row.asset.currency if row.asset_id else "")


class SnapshotForm(OfAnAsset, ConstraintCheckedForm):
    pass


@admin.register(AssetSnapshot)
class SnapshotPage(HouseholdAdmin):
    icon = "payments"
    form = SnapshotForm
    fields = ("asset", "value", "on", "observed_at", "note")
    fixed = ("asset",)
    list_display = ("asset", "value_shown", "currency", "on", "observed_at")
    list_filter = (("asset__portfolio", OwnRowsFilter),)
    search_fields = ("asset__name_key__has_part", "note")
    duplicate_field = "observed_at"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("asset__portfolio")

    @admin.display(description="value", ordering="value")
    def value_shown(self, snapshot):
        return money_text(snapshot.value)

    @admin.display(description="currency")
    def currency(self, snapshot):
        return snapshot.asset.currency


class TransactionForm(OfAnAsset, ConstraintCheckedForm):
    currency = forms.CharField(
        required=False, max_length=3, widget=UnfoldAdminTextInputWidget, help_text="Empty: the asset's."
    )
    position = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The order within the day. Empty: after the day's last.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial["position"] = None

    def clean(self):
        given = super().clean()
        asset = given.get("asset") or (self.instance.asset if self.instance.asset_id else None)
        if asset and not given.get("currency"):
            given["currency"] = asset.currency
        self.comes_last = given.get("position") is None
        if self.comes_last:
            given["position"] = 0
        return given

    def _post_clean(self):
        super()._post_clean()
        if self.comes_last and not self.errors:
            self.instance.position = transactions.next_position(self.instance.asset, self.instance.on)


@admin.register(Transaction)
class TransactionPage(HouseholdAdmin):
    icon = "receipt_long"
    form = TransactionForm
    fields = (
        "asset",
        "type",
        "amount",
        "quantity",
        "unit_price",
        "fee",
        "tax",
        "currency",
        "on",
        "occurred_at",
        "position",
        "note",
        "source",
        "external_id",
    )
    fixed = ("asset",)
    list_display = ("asset", "type", "amount_shown", "currency", "quantity_shown", "on")
    list_filter = ("type", ("asset__portfolio", OwnRowsFilter), "currency")
    search_fields = ("asset__name_key__has_part", "note", "external_id")
    duplicate_field = "external_id"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("asset__portfolio")

    @admin.display(description="amount", ordering="amount")
    def amount_shown(self, transaction):
        return "" if transaction.amount is None else money_text(transaction.amount)

    @admin.display(description="quantity")
    def quantity_shown(self, transaction):
        return "" if transaction.quantity is None else plain(transaction.quantity)
