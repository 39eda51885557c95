"""The page /admin/assets/instrument/ID/price/: enters one price of an instrument."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from assets.models import Instrument
from assets.models.querysets import TIME_ZONES_OF_USER
from assets.prices.fetch_process import start_fetching
from assets.rules.instruments.prices import in_units, read_day, read_price
from assets.services.instruments.price_fetching import request_fetch
from assets.services.instruments.price_rows import latest_today
from assets.services.instruments.prices import LoadTerms, record_prices
from strata.admin.forms import refusals_shown
from strata.admin.sent_again import forget_attempt, once
from strata.admin.sidebar import admin_url
from strata.admin.user_formats.widgets import NumberInput
from strata.db.retry import run_in_transaction
from strata.exceptions import Invalid, StrataError
from strata.fields.active_formats import day_text, number_text
from strata.fields.dates import DayFormField
from strata.fields.money import NumberFormField
from strata.fields.numbers import EXACT_DIGITS, EXACT_PLACES
from strata.tenancy.batches import OnError, RowsRefused
from strata.tenancy.roles import require_role

SOURCE = "admin"


class PriceForm(forms.Form):
    fields_shown_as: ClassVar[dict[str | None, str]] = {}

    on = DayFormField(label=gettext_lazy("Date"), widget=UnfoldAdminTextInputWidget)
    price = NumberFormField(
        label=gettext_lazy("Price"),
        digits=EXACT_DIGITS,
        places=EXACT_PLACES,
        widget=NumberInput,
        help_text=gettext_lazy("As quoted. It replaces the price that the day has."),
    )
    accept_jumps = forms.BooleanField(
        label=gettext_lazy("It is right, although it is a hundred times off"),
        required=False,
        widget=UnfoldBooleanWidget,
    )

    def __init__(self, data: Any, *, user: Any) -> None:
        self.latest = latest_today(timezone.now(), TIME_ZONES_OF_USER(user.pk))
        super().__init__(data, initial={"on": self.latest})

    def clean(self) -> Any:
        """By the rules that a price of a file has to pass too."""
        given = super().clean() or {}
        if given.get("on"):
            self.refuse(read_day(given["on"].isoformat(), self.latest))
        if given.get("price") is not None:
            self.refuse(read_price(given["price"]))
        return given

    def refuse(self, read: Any) -> None:
        if isinstance(read, Invalid):
            self.add_error(read.field, read.message)

    def record(self, instrument_id: UUID, precondition: Any) -> bool:
        """Whether it was recorded; else the form has the refusal."""
        given = self.cleaned_data
        row = (given["on"].toordinal(), 0, *in_units(given["price"]))
        terms = LoadTerms(SOURCE, accept_jumps=given["accept_jumps"])

        def write() -> None:
            try:
                record_prices(
                    {instrument_id: [row]}, terms, on_error=OnError.REFUSE, precondition=precondition
                )
            except RowsRefused as refused:
                raise refused.refusals[0].error from None

        # It uses what both kinds of forms have. What is refused leaves nothing in the caller's transaction.
        with refusals_shown(cast("Any", self)), transaction.atomic():
            write()
            return True
        return False


class OfAnInstrument(View):
    """A page that changes an instrument: 404 for one that the user may not see, 403 for one that they may only see."""

    instrument: Instrument

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        rows = Instrument.objects.all() if user.is_superuser else Instrument.objects.for_user(user)
        instrument = rows.filter(pk=kwargs["pk"]).first()
        if instrument is None:
            raise Http404
        self.instrument = instrument
        try:
            self.require_editor(instrument)
        except StrataError as refusal:
            raise PermissionDenied from refusal
        return cast("HttpResponse", super().dispatch(request, *args, **kwargs))

    def require_editor(self, instrument: Any) -> None:
        """Those of shared instruments are superusers."""
        user: Any = self.request.user
        if not user.is_superuser:
            require_role(user, instrument.household_id)


class FetchPrices(OfAnInstrument):
    """Asks the sources of the instrument in a process of its own: nobody waits for them."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        requested = []

        def write() -> HttpResponse:
            requested.append(request_fetch(pk, precondition=self.require_editor))
            messages.success(request, _("The prices are being fetched. Look again in a minute."))
            return HttpResponseRedirect(admin_url(Instrument, "change", pk))

        answer = run_in_transaction(lambda: once(request, write))
        if requested:
            start_fetching(pk)
        return answer


class NewPricePage(OfAnInstrument):
    http_method_names = ["get", "post", "head", "options"]

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        form = PriceForm(None, user=request.user)
        del form.fields["accept_jumps"]  # nothing was refused yet
        return self.page(form)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        form = PriceForm(request.POST, user=request.user)
        if not form.is_valid():
            return self.page(form)
        return run_in_transaction(lambda: once(request, lambda: self.recorded(form)))

    def recorded(self, form: PriceForm) -> HttpResponse:
        request, pk = self.request, self.instrument.pk
        forget_attempt(request)
        if not form.record(pk, self.require_editor):
            return self.page(form)
        words = {
            "price": number_text(form.cleaned_data["price"]),
            "day": day_text(form.cleaned_data["on"]),
        }
        messages.success(request, _("Recorded the price %(price)s for %(day)s.") % words)
        return HttpResponseRedirect(admin_url(Instrument, "change", pk))

    def page(self, form: PriceForm) -> HttpResponse:
        context = {
            **admin.site.each_context(self.request),
            "title": _("New price of %(name)s") % {"name": self.instrument},
            "form": form,
            "currency": self.instrument.currency,
            "quote_unit": self.instrument.quote_unit,
            "back": admin_url(Instrument, "change", self.instrument.pk),
            "opts": Instrument._meta,
            "original": self.instrument,
        }
        return TemplateResponse(self.request, "assets/new_price.html", context)
