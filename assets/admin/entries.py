"""The admin pages of the values and the transactions of assets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from assets.admin.debts import IN_MY_FAVOUR, OwedAmount, fields_for, in_my_favour, value_text
from assets.admin.of_an_asset import OfAnAsset
from assets.models import Asset, AssetSnapshot, Transaction
from assets.models.classification import Kind
from assets.services.entries.snapshots import SNAPSHOTS
from assets.services.entries.transactions import TRANSACTIONS
from strata.admin.accounts.households import HouseholdAdmin
from strata.admin.choices import OwnRowsFilter
from strata.admin.forms import ServiceCheckedForm
from strata.admin.user_formats.widgets import CurrencyInput


def with_advanced(fields: Collection[str], advanced: Collection[str]) -> Any:
    """The fieldsets of a form: those that few people need are folded."""
    return (
        (None, {"fields": [name for name in fields if name not in advanced]}),
        (_("Advanced"), {"fields": advanced, "classes": ("collapse",)}),
    )


class ShowsDayAndInstant(OfAnAsset):
    """A form that shows both the day and the instant: where one of them changes, both are what was meant."""

    instant = "observed_at"

    def changed_fields(self) -> Collection[str]:
        moment = {"on", self.instant}
        changed = set(super().changed_fields())
        return changed | moment if changed & moment else changed


ON_ACCOUNTS = {Transaction.Type.ACQUIRE: _("Deposit"), Transaction.Type.DISPOSE: _("Withdrawal")}


def is_account(asset: Asset | None) -> bool:
    """Whether a change of the asset is money in or out, as of accounts and debts."""
    return bool(asset and asset.asset_type_id and (asset.kind or asset.asset_type.kind) == Kind.BALANCE)


def type_text(transaction_type: str, asset: Asset | None) -> Any:
    """What the transaction is called of such an asset."""
    labels = ON_ACCOUNTS if is_account(asset) else {}
    return labels.get(Transaction.Type(transaction_type), Transaction.Type(transaction_type).label)


class OfATransaction(OfAnAsset):
    def _prepare_fields(self) -> None:
        """An account is not bought: while the asset is not known, the types have the words for what is.

        Nobody enters a leg of a transfer by itself, and a leg stays one.
        """
        field, asset = self.fields.get("type"), self.asset()
        if isinstance(field, forms.ChoiceField):
            choices: Any = field.choices
            is_leg = self.instance.transfer_id is not None
            field.choices = [
                (code, type_text(code, asset) if code and is_account(asset) else text)
                for code, text in choices
                if (code == Transaction.Type.TRANSFER) == is_leg or not code
            ]
        super()._prepare_fields()

    def changed_fields(self) -> set[str]:
        """The amount too: the form shows it, so it is not counted again where the quantity changes."""
        return {*super().changed_fields(), "amount"}


class SnapshotForm(OwedAmount, ShowsDayAndInstant, ServiceCheckedForm):
    in_my_favour = in_my_favour()


@admin.register(AssetSnapshot)
class SnapshotPage(HouseholdAdmin):
    exported_as = "recorded-value-list"
    exported_filters = {"asset__portfolio": "portfolio"}
    icon, place, menu_title = "payments", 30, _("Values")
    empty_text = _("A value says what an asset was worth on a day.")
    form = SnapshotForm
    fields = ("asset", "value", IN_MY_FAVOUR, "on", "note", "observed_at")
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

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return with_advanced(self.get_fields(request, obj), ("observed_at",))

    @admin.display(description=_("value"), ordering="value")
    def value_shown(self, snapshot: AssetSnapshot) -> str:
        return value_text(snapshot.value, snapshot.asset)

    @admin.display(description=_("currency"))
    def currency(self, snapshot: AssetSnapshot) -> str:
        return snapshot.asset.currency


class TransactionForm(OfATransaction, ShowsDayAndInstant, ServiceCheckedForm):
    instant = "occurred_at"
    currency = forms.CharField(
        required=False,
        max_length=3,
        label=_("Currency"),
        widget=CurrencyInput,
        help_text=_("The asset's if empty."),
    )
    position = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        widget=UnfoldAdminIntegerFieldWidget,
        label=_("Order within the day"),
        help_text=_("After the day's last if empty."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial["position"] = None


@admin.register(Transaction)
class TransactionPage(HouseholdAdmin):
    exported_as = "recorded-transaction-list"
    exported_filters = {"asset__portfolio": "portfolio", "type": "transaction_type"}
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
    advanced = ("occurred_at", "position", "source", "external_id")
    immutable_fields = ("asset",)
    list_display = ("asset", "type_shown", "amount", "currency", "quantity", "on")
    list_filter = ("type", ("asset__portfolio", OwnRowsFilter), "currency")
    search_fields = ("asset__name_key__has_part", "note", "external_id")
    service, parent_column = TRANSACTIONS, "asset_id"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("asset__portfolio", "asset__asset_type")

    @admin.display(description=_("type"), ordering="type")
    def type_shown(self, transaction: Transaction) -> Any:
        return type_text(transaction.type, transaction.asset)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return with_advanced(self.get_fields(request, obj), self.advanced)

    def values_of(self, form: Any, names: Collection[str]) -> dict[str, Any]:
        """An empty position is the end of the day: the service finds it."""
        values = super().values_of(form, names)
        return values | {"position": form.cleaned_data["position"]} if "position" in values else values
