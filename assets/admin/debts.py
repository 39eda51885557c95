"""Values of debts in the admin: people enter and read what is owed as a positive amount. Stored values are negative."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldBooleanWidget

from assets.admin.of_an_asset import OfAnAsset
from assets.models import Asset
from assets.models.classification import Group
from strata.fields.active_formats import amount_text

AMOUNT_OWED, OWED_HELP = gettext_lazy("Amount owed"), gettext_lazy("Positive, as on the statement.")
IN_MY_FAVOUR = "in_my_favour"

if TYPE_CHECKING:
    _Form = OfAnAsset
else:
    _Form = object  # the mixin comes before such a form among its bases


def is_debt(asset: Asset | None) -> bool:
    return bool(asset and asset.asset_type_id and asset.asset_type.group == Group.LIABILITIES)


def value_text(value: Decimal, asset: Asset) -> str:
    """The value in the user's format; of a debt the positive amount, with whom it favours."""
    if not value or not is_debt(asset):
        return amount_text(value, asset.currency)
    amount = {"amount": amount_text(value.copy_abs(), asset.currency)}
    return _("%(amount)s owed") % amount if value < 0 else _("%(amount)s in your favour") % amount


class OwedAmount(_Form):
    """Before a form with the field `value`: for a debt it takes the positive amount that is owed."""

    def _prepare_fields(self) -> None:
        asset, value = self.asset(), self.initial.get("value")
        if isinstance(value, Decimal) and is_debt(asset):
            self.initial.update({"value": value.copy_abs(), IN_MY_FAVOUR: value > 0})
        describe_value(self.fields.get("value"), asset)
        super()._prepare_fields()

    def clean_value(self) -> Any:
        """A minus means "in my favour" as well."""
        value = self.cleaned_data["value"]
        if not value or not is_debt(self.asset()):
            return value
        if self.cleaned_data.get(IN_MY_FAVOUR):
            return value.copy_abs()
        return value.copy_negate()

    def changed_fields(self) -> Collection[str]:
        changed = set(super().changed_fields())
        return changed | {"value"} if IN_MY_FAVOUR in changed else changed


def describe_value(field: Any, asset: Asset | None) -> None:
    """Label and help of the field, for the type of the asset. None: it is not known yet."""
    if field and is_debt(asset):
        field.label, field.help_text = AMOUNT_OWED, OWED_HELP
    elif field and not (asset and asset.asset_type_id):
        field.help_text = _("For a debt: the amount owed, positive.")


def fields_for(fields: Iterable[str], asset: Asset | None) -> list[str]:
    """The fields of a form of a value. Only a debt can be in one's favour."""
    return [name for name in fields if name != IN_MY_FAVOUR or asset is None or is_debt(asset)]


def in_my_favour() -> forms.BooleanField:
    return forms.BooleanField(
        label=gettext_lazy("In my favour"),
        help_text=gettext_lazy("Only for debts: a credit, such as on an overpaid card."),
        required=False,
        widget=UnfoldBooleanWidget,
    )
