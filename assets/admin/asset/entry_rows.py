"""The rows of values and transactions on an asset's page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from assets.admin.debts import IN_MY_FAVOUR, OwedAmount, describe_value, fields_for, in_my_favour
from assets.admin.entries import OfATransaction
from assets.admin.of_an_asset import OfAnAsset
from assets.models import AssetSnapshot, Transaction
from assets.services.entries import transactions
from assets.services.entries.snapshots import SNAPSHOTS
from strata.admin.accounts.households import HouseholdInline
from strata.admin.forms import StaleCheckedForm, columns_of
from strata.audit.clock import written_at
from strata.fields.dates import resolve_instant_and_day
from strata.fields.names import NoteField

ONE_LINE = {NoteField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 1})}}


class DayForm(OfAnAsset, StaleCheckedForm):
    """A row on an asset's page, which shows only the day. A row that moves to another day is set to its noon.

    A row of a new asset cannot be given to its service yet, so `check_row` completes and checks it.
    """

    instant = "observed_at"

    def check_row(self, row: Any) -> None:
        if row._state.adding or "on" in self.changed_data:
            at, row.on = resolve_instant_and_day(None, row.on, row.asset.portfolio.time_zone, written_at())
            setattr(row, self.instant, at)

    def values_of(self, names: Collection[str]) -> dict[str, Any]:
        """The day as it was typed: without one it is now, and not noon of today."""
        values = super().values_of(names)
        return values | {"on": self.cleaned_data["on"]} if "on" in values else values

    def clean(self) -> Any:
        cleaned = super().clean()
        if "on" in self.changed_data:
            setattr(self.instance, self.instant, None)
        return cleaned

    def _post_clean(self) -> None:
        """An asset without a portfolio is refused anyway, and without its time zone the day is unknown."""
        if self.instance.asset.portfolio_id:
            super()._post_clean()


class ValueForm(OwedAmount, DayForm):
    in_my_favour = in_my_favour()


class MovementForm(OfATransaction, DayForm):
    instant = "occurred_at"

    def check_row(self, row: Any) -> None:
        super().check_row(row)
        stored = None if row._state.adding else Transaction.objects.get(pk=row.pk)
        columns = columns_of(self, [field.name for field in row._meta.concrete_fields])
        transactions.check_recorded_sale(stored, columns)
        transactions.recounted_amount(row, columns, row.asset)

    def _post_clean(self) -> None:
        row = self.instance
        row.currency = row.currency or row.asset.currency
        super()._post_clean()


class InlineOfAnAsset(HouseholdInline):
    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.parent = obj
        return formset


class SnapshotInline(InlineOfAnAsset):
    model = AssetSnapshot
    form = ValueForm
    service = SNAPSHOTS
    fields = ("value", IN_MY_FAVOUR, "on", "note")
    formfield_overrides = HouseholdInline.formfield_overrides | ONE_LINE
    show_change_link = True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        if not self.has_change_permission(request, obj):
            return [name for name in fields if name != IN_MY_FAVOUR]
        return fields_for(fields, obj)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        describe_value(formset.form.base_fields.get("value"), obj)  # the heading of the column
        return formset


class TransactionInline(InlineOfAnAsset):
    model = Transaction
    form = MovementForm
    service = transactions.TRANSACTIONS
    fields = ("type", "amount", "quantity", "unit_price", "fee", "tax", "on")
    show_change_link = True
