"""The page /admin/assets/asset/ID/transfer/: moves units of an asset, or a whole asset, elsewhere."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from assets.admin.asset.editing import AssetEditingPage, require_editor
from assets.holdings.reading import has_units
from assets.models import Asset, Transaction
from assets.services.entries.transfers import transfer
from portfolios.models import Portfolio
from strata.admin.choices import RowSelect
from strata.admin.forms import refusals_shown
from strata.admin.sent_again import forget_attempt, once
from strata.admin.sidebar import admin_url
from strata.admin.undo import undo_tag
from strata.admin.user_formats.widgets import NumberInput
from strata.db.retry import run_in_transaction
from strata.fields.dates import DayFormField, local_day, validate_year
from strata.fields.money import NumberFormField
from strata.fields.numbers import EXACT_DIGITS, EXACT_PLACES


def select(column: Any, label: Any, help_text: Any) -> forms.ModelChoiceField[Any]:
    """A select of rows that are found by typing; the form says which."""
    return forms.ModelChoiceField(
        column.remote_field.model.objects.none(),
        label=label,
        required=False,
        help_text=help_text,
        widget=RowSelect(column, admin.site),
    )


class TransferForm(forms.Form):
    """What has no units moves whole, into a portfolio."""

    fields_shown_as: ClassVar[dict[str | None, str]] = {}

    to_asset = select(
        Transaction._meta.get_field("asset"), gettext_lazy("To asset"), gettext_lazy("Or into a portfolio.")
    )
    to_portfolio = select(
        Asset._meta.get_field("portfolio"),
        gettext_lazy("To portfolio"),
        gettext_lazy("It goes to the asset there with the same security, else to a new one."),
    )
    on = DayFormField(
        label=gettext_lazy("Date"), widget=UnfoldAdminTextInputWidget, validators=[validate_year]
    )
    quantity = NumberFormField(
        label=gettext_lazy("Quantity"),
        digits=EXACT_DIGITS,
        places=EXACT_PLACES,
        required=False,
        widget=NumberInput,
    )

    def __init__(self, data: Any, *, asset: Asset) -> None:
        super().__init__(data, initial={"on": local_day(timezone.now(), asset.portfolio.time_zone)})
        household = asset.portfolio.household_id
        fields: dict[str, Any] = self.fields
        assets = Asset.objects.filter(portfolio__household=household).exclude(pk=asset.pk)
        portfolios = Portfolio.objects.filter(household=household)
        fields["to_asset"].queryset = assets
        fields["to_portfolio"].queryset = portfolios.exclude(pk=asset.portfolio_id)
        for name in ("to_asset", "to_portfolio"):
            fields[name].widget.narrow(household=household, writable=1)
        if not has_units(asset):
            del self.fields["to_asset"], self.fields["quantity"]


class TransferPage(AssetEditingPage):
    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.page(TransferForm(None, asset=self.asset))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        form = TransferForm(request.POST, asset=self.asset)
        if not form.is_valid():
            return self.page(form)
        return run_in_transaction(lambda: once(request, lambda: self.moved(form)))

    def moved(self, form: TransferForm) -> HttpResponse:
        request = self.request
        forget_attempt(request)
        if not self.move(form):
            return self.page(form)
        text = _("Transferred: %(name)s.") % {"name": self.asset.name}
        messages.success(request, text, extra_tags=undo_tag(request))
        return HttpResponseRedirect(admin_url(Asset, "change", self.asset.pk))

    def move(self, form: TransferForm) -> bool:
        """Whether it was moved; else the form has the refusal."""
        given = form.cleaned_data
        to = {f"{name}_id": row.pk for name in ("to_asset", "to_portfolio") if (row := given.get(name))}
        # Both kinds of forms have what refusals_shown uses. What is refused leaves nothing in the caller's transaction.
        with refusals_shown(cast("Any", form)), transaction.atomic():
            transfer(
                self.asset.pk,
                on=given["on"],
                quantity=given.get("quantity"),
                precondition=lambda asset: require_editor(self.request, asset),
                **to,
            )
            return True
        return False

    def page(self, form: TransferForm) -> HttpResponse:
        context = {
            **admin.site.each_context(self.request),
            "title": _("Transfer %(name)s") % {"name": self.asset.name},
            "form": form,
            "back": admin_url(Asset, "change", self.asset.pk),
            "opts": Asset._meta,
            "original": self.asset,
        }
        return TemplateResponse(self.request, "assets/transfer.html", context)
