"""The admin pages of the values and the transactions of assets."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from assets.models import AssetSnapshot, Transaction
from assets.rules.disposal import RecordedSale
from assets.services import disposal, transactions
from strata.admin.choices import OwnRowsFilter
from strata.admin.forms import ConstraintCheckedForm
from strata.admin.households import HouseholdAdmin
from strata.audit.clock import written_at
from strata.fields.dates import resolve_instant_and_day
from strata.fields.numbers import money_text, plain


def complete_moment(row: AssetSnapshot | Transaction, instant: str) -> None:
    """Fill in the instant or the day if one is empty, and refuse two that contradict each other."""
    at, on = getattr(row, instant), row.on
    if not row._state.adding and type(row).objects.filter(pk=row.pk, on=on, **{instant: at}).exists():
        return  # unchanged: its portfolio may have had another time zone when it was stored
    if row.asset_id:
        at, on = resolve_instant_and_day(at, on, row.asset.portfolio.time_zone, written_at())
        setattr(row, instant, at)
        row.on = on


class OfAnAsset:
    """The first base of a form of a value or a transaction. `instant` names the field that holds its instant."""

    instant = "observed_at"

    def check_row(self, row):
        complete_moment(row, self.instant)

    def currency_of_amounts(self):
        row = self.instance
        return getattr(row, "currency", "") or (row.asset.currency if row.asset_id else "")


class OfATransaction(OfAnAsset):
    instant = "occurred_at"

    def check_row(self, row):
        super().check_row(row)
        stored = None if row._state.adding else Transaction.objects.filter(pk=row.pk).first()
        disposal.check_recorded_sale(stored, {name: getattr(row, name) for name in RecordedSale._fields})
        for name, value in transactions.recounted_amount(row, {}).items():
            setattr(row, name, value)


class SnapshotForm(OfAnAsset, ConstraintCheckedForm):
    pass


@admin.register(AssetSnapshot)
class SnapshotPage(HouseholdAdmin):
    icon = "payments"
    form = SnapshotForm
    fields = ("asset", "value", "on", "observed_at", "note")
    immutable_fields = ("asset",)
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


class TransactionForm(OfATransaction, ConstraintCheckedForm):
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
    immutable_fields = ("asset",)
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
