"""The admin pages of the values and the transactions of assets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from assets.admin.debts import IN_MY_FAVOUR, OwedAmount, fields_for, in_my_favour, value_text
from assets.admin.of_an_asset import OfAnAsset
from assets.models import AssetSnapshot, Transaction
from assets.services.snapshots import SNAPSHOTS
from assets.services.transactions import TRANSACTIONS
from strata.admin.choices import OwnRowsFilter
from strata.admin.forms import ServiceCheckedForm
from strata.admin.households import HouseholdAdmin


class ShowsDayAndInstant(OfAnAsset):
    """A form that shows both the day and the instant: where one of them changes, both are what was meant."""

    instant = "observed_at"

    def changed_fields(self) -> Collection[str]:
        moment = {"on", self.instant}
        changed = set(super().changed_fields())
        return changed | moment if changed & moment else changed


class OfATransaction(OfAnAsset):
    def changed_fields(self) -> set[str]:
        """The amount too: the form shows it, so it is not counted again where the quantity changes."""
        return {*super().changed_fields(), "amount"}


class SnapshotForm(OwedAmount, ShowsDayAndInstant, ServiceCheckedForm):
    in_my_favour = in_my_favour()


@admin.register(AssetSnapshot)
class SnapshotPage(HouseholdAdmin):
    icon, place, menu_title = "payments", 30, _("Values")
    empty_text = _("A value says what an asset was worth on a day.")
    form = SnapshotForm
    fields = ("asset", "value", IN_MY_FAVOUR, "on", "observed_at", "note")
    immutable_fields = ("asset",)
    list_display = ("asset", "value_shown", "currency", "on", "observed_at")
    list_filter = (("asset__portfolio", OwnRowsFilter),)
    search_fields = ("asset__name_key__has_part", "note")
    service, parent_column = SNAPSHOTS, "asset_id"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("asset__portfolio", "asset__asset_type")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        if not self.has_change_permission(request, obj):
            return [name for name in fields if name != IN_MY_FAVOUR]
        return fields_for(fields, obj and obj.asset)

    @admin.display(description=_("value"), ordering="value")
    def value_shown(self, snapshot: AssetSnapshot) -> str:
        return value_text(snapshot.value, snapshot.asset)

    @admin.display(description="currency")
    def currency(self, snapshot: AssetSnapshot) -> str:
        return snapshot.asset.currency


class TransactionForm(OfATransaction, ShowsDayAndInstant, ServiceCheckedForm):
    instant = "occurred_at"
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial["position"] = None


@admin.register(Transaction)
class TransactionPage(HouseholdAdmin):
    icon, place = "receipt_long", 40
    empty_text = _("A transaction says what happened: a deposit, a purchase, interest, a repair.")
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
    immutable_fields = ("asset",)
    list_display = ("asset", "type", "amount", "currency", "quantity", "on")
    list_filter = ("type", ("asset__portfolio", OwnRowsFilter), "currency")
    search_fields = ("asset__name_key__has_part", "note", "external_id")
    service, parent_column = TRANSACTIONS, "asset_id"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("asset__portfolio")

    def values_of(self, form: Any, names: Collection[str]) -> dict[str, Any]:
        """An empty position is the end of the day: the service finds it."""
        values = super().values_of(form, names)
        return values | {"position": form.cleaned_data["position"]} if "position" in values else values
