"""The form of an asset itself, with its categories and tags."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from assets.admin.classification import own
from assets.models import Asset, Category, Tag
from assets.rules.assets.accounts import validate_account_number_end
from strata.admin.choices import RowsSelect
from strata.admin.forms import ServiceCheckedForm, refusals_shown
from strata.admin.user_formats.widgets import CurrencyInput


def labels_field(
    name: str, model: type[Category] | type[Tag], label: Promise
) -> forms.ModelMultipleChoiceField[Any]:
    widget = RowsSelect(Asset._meta.get_field(name), admin.site)
    widget.narrow(writable=1)
    rows = model.objects.none()
    return forms.ModelMultipleChoiceField(rows, label=label, required=False, widget=widget)


MOVING = _(
    "Moving it to another portfolio moves its whole past: the figures of both change for all earlier days."
    " In a portfolio of another household, the members of this one no longer see it."
)


# The service's name for the list of ids, and the form's field.
LABEL_FIELDS: dict[str | None, str] = {"category_ids": "categories", "tag_ids": "tags"}


class AssetForm(ServiceCheckedForm):
    """The form's version includes the categories and tags: they are rows of their own, but part of this form."""

    currency = forms.CharField(
        required=False,
        max_length=3,
        widget=CurrencyInput,
        label=_("Currency"),
        help_text=_("A code such as EUR; the portfolio's if empty. Cannot be changed once there are values."),
    )
    # Without maxlength: a browser would cut a whole number that is pasted, to its first digits.
    account_number_end = forms.CharField(
        label=_("Last digits of the account number"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("At most 8 letters and digits, to know it again."),
    )
    categories = labels_field("categories", Category, _("Categories"))
    tags = labels_field("tags", Tag, _("Tags"))
    user: Any
    fields_shown_as = {**LABEL_FIELDS, "category": "categories", "tag": "tags"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asset = self.instance
        fields: dict[str, Any] = self.fields
        if asset._state.adding:
            categories, tags = own(Category, self.user), own(Tag, self.user)
        else:
            in_household = {"household": asset.portfolio.household_id}
            categories, tags = Category.objects.filter(**in_household), Tag.objects.filter(**in_household)
            for name in ("categories", "tags"):
                self.fields[name].widget.narrow(**in_household)
            if "portfolio" in self.fields:
                self.fields["portfolio"].help_text = MOVING
        fields["categories"].queryset, fields["tags"].queryset = categories, tags

    def clean_account_number_end(self) -> str:
        """Refused in the words of the service: the model's own field knows only how long it may be."""
        text: str = self.cleaned_data["account_number_end"]
        with refusals_shown(self):
            validate_account_number_end(text)
        return text

    def form_version(self, row_version: str) -> str:
        asset = self.instance
        labels = [
            str(pk)
            for links, column in ((asset.category_links, "category_id"), (asset.tag_links, "tag_id"))
            for pk in links.order_by(column).values_list(column, flat=True)
        ]
        return " ".join((super().form_version(row_version), *labels))

    def clean(self) -> Any:
        given = super().clean()
        if given.get("portfolio") and not given.get("currency"):
            given["currency"] = given["portfolio"].base_currency
        return given

    def _save_m2m(self) -> None:
        """Nothing: the service has written the labels."""
