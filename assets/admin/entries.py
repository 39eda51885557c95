"""The admin pages of the values and the transactions of assets."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from assets.models import Asset, AssetSnapshot, Transaction
from assets.services.snapshots import SNAPSHOTS
from assets.services.transactions import TRANSACTIONS
from strata.admin.choices import OwnRowsFilter
from strata.admin.forms import ServiceCheckedForm, StaleCheckedForm
from strata.admin.households import HouseholdAdmin

if TYPE_CHECKING:
    _Form = StaleCheckedForm
else:
    _Form = object  # the mixin stands before such a form


class OfAnAsset(_Form):
    """The first base of a form of a value or a transaction."""

    def currency_of_amounts(self) -> str:
        """The one that was typed; else that of the row, or of its asset."""
        typed = getattr(self, "cleaned_data", {}).get("currency") or getattr(self.instance, "currency", "")
        asset = self.asset()
        return str(typed).upper() or (asset.currency if asset else "")

    def zone_of_instants(self) -> str:
        asset = self.asset()
        return asset.portfolio.time_zone if asset and asset.portfolio_id else settings.TIME_ZONE

    def asset(self) -> Asset | None:
        """The asset that was chosen, or that of the row."""
        chosen: Asset | None = getattr(self, "cleaned_data", {}).get("asset")
        return chosen or (self.instance.asset if self.instance.asset_id else None)


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


class SnapshotForm(ShowsDayAndInstant, ServiceCheckedForm):
    pass


@admin.register(AssetSnapshot)
class SnapshotPage(HouseholdAdmin):
    icon = "payments"
    form = SnapshotForm
    fields = ("asset", "value", "on", "observed_at", "note")
    immutable_fields = ("asset",)
    list_display = ("asset", "value", "currency", "on", "observed_at")
    list_filter = (("asset__portfolio", OwnRowsFilter),)
    search_fields = ("asset__name_key__has_part", "note")
    service, parent_column = SNAPSHOTS, "asset_id"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("asset__portfolio")

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
