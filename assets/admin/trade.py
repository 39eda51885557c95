"""The page /admin/trade/: enters a purchase or sale by symbol or ISIN, with the other side on a cash account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from assets.admin.instruments.prices import last_prices, today
from assets.holdings.events import quantity_of
from assets.holdings.reading import quantities_of
from assets.models import Asset, Instrument, Transaction
from assets.models.asset import Valuation
from assets.models.classification import Group, Kind
from assets.models.querysets import AssetQuerySet
from assets.rules.instruments.instruments import validate_isin
from assets.services.entries.trades import Trade, holders_in, instruments_named, record_trade
from portfolios.models import Portfolio
from strata.admin.choices import parse_uuid
from strata.admin.forms import refusals_shown
from strata.admin.sent_again import forget_attempt, once
from strata.admin.sidebar import admin_url
from strata.admin.undo import undo_tag
from strata.admin.user_formats.widgets import NumberInput
from strata.db.retry import run_in_transaction
from strata.fields.active_formats import day_text, number_text
from strata.fields.dates import DayFormField, local_day, validate_year
from strata.fields.money import NumberFormField
from strata.fields.numbers import EXACT_DIGITS, EXACT_PLACES, MONEY_DIGITS, MONEY_PLACES, decimal_text
from strata.tenancy.roles import EDITORS, require_role

MOST_YEARS = 60  # that somebody has held a security
TYPES = [(kind.value, kind.label) for kind in (Transaction.Type.ACQUIRE, Transaction.Type.DISPOSE)]


def number(
    label: Any, *, required: bool = False, is_amount: bool = False, help_text: Any = ""
) -> NumberFormField:
    digits, places = (MONEY_DIGITS, MONEY_PLACES) if is_amount else (EXACT_DIGITS, EXACT_PLACES)
    return NumberFormField(
        label=label,
        digits=digits,
        places=places,
        is_amount=is_amount,
        required=required,
        widget=NumberInput,
        help_text=help_text,
    )


class TradeForm(forms.Form):
    """`instrument` becomes an Instrument. Amounts are in its currency."""

    fields_shown_as: ClassVar[dict[str | None, str]] = {}

    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=TYPES, widget=UnfoldAdminSelectWidget)
    instrument = forms.CharField(
        label=gettext_lazy("Symbol or ISIN"), max_length=200, widget=UnfoldAdminTextInputWidget
    )
    on = DayFormField(
        label=gettext_lazy("Date"), widget=UnfoldAdminTextInputWidget, validators=[validate_year]
    )
    quantity = number(gettext_lazy("Quantity"), required=True)
    unit_price = number(
        gettext_lazy("Price per unit"), help_text=gettext_lazy("As quoted. It is not needed with an amount.")
    )
    amount = number(
        gettext_lazy("Amount"),
        is_amount=True,
        help_text=gettext_lazy("Before fees and taxes. Quantity times price if empty."),
    )
    fee = number(gettext_lazy("Fees"), is_amount=True)
    tax = number(gettext_lazy("Taxes"), is_amount=True)
    cash_account = forms.ChoiceField(
        label=gettext_lazy("Cash account"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("Where the money came from or went to. It gets a transaction too."),
    )

    def __init__(self, data: Any, *, portfolio: Portfolio, asset: Asset | None = None) -> None:
        today = local_day(timezone.now(), portfolio.time_zone)
        super().__init__(data, initial={"on": today, "instrument": name_of_instrument(asset)})
        self.portfolio, self.asset = portfolio, asset
        self.unknown = ""  # what was typed, where it names no security
        self.holders: list[Asset] = []  # the assets of which one has to be chosen
        accounts: Any = self.fields["cash_account"]
        accounts.choices = [
            ("", "---------"),
            *((str(row.pk), account_text(row)) for row in accounts_in(portfolio)),
        ]
        for name in ("amount", "fee", "tax"):
            money: Any = self.fields[name]
            money.currency = self.currency

    def currency(self) -> str:
        """That of the instrument, once it is known: it decides how an amount is read."""
        instrument = getattr(self, "cleaned_data", {}).get("instrument")
        return instrument.currency if isinstance(instrument, Instrument) else self.portfolio.base_currency

    def clean_instrument(self) -> Instrument:
        typed = self.cleaned_data["instrument"]
        named = instruments_named(typed, self.portfolio.household_id)
        if not named:
            self.unknown = typed
            raise ValidationError(_("There is no security with this symbol or ISIN: add it first."))
        if len(named) > 1:
            texts = "; ".join(
                f"{row.symbol}, {row.name}, {row.isin or '—'}, {row.mic or '—'}" for row in named[:5]
            )
            raise ValidationError(_("Several are called so: %(texts)s. Use the ISIN.") % {"texts": texts})
        return named[0]

    def asset_of(self, instrument: Instrument) -> UUID | None:
        """The asset that was chosen, as long as it has what was typed."""
        return self.asset.pk if self.asset and self.asset.instrument_id == instrument.pk else None

    def record(self, user: Any) -> Trade | None:
        """Write the trade; None where it is refused, which the form then shows."""
        given = dict(self.cleaned_data)

        def require_editor(portfolio: Portfolio) -> None:
            if not user.is_superuser:
                require_role(user, portfolio.household_id)

        values = {
            name: given[name] for name in ("type", "on", "quantity", "unit_price", "amount", "fee", "tax")
        }
        # Both kinds of forms have what refusals_shown uses. What is refused leaves nothing in the caller's transaction.
        with refusals_shown(cast("Any", self)), transaction.atomic():
            return record_trade(
                self.portfolio.pk,
                given["instrument"].pk,
                asset_id=self.asset_of(given["instrument"]),
                cash_account_id=parse_uuid(given["cash_account"]),
                precondition=require_editor,
                **values,
            )
        holders = holders_in(self.portfolio, given["instrument"]).order_by("name_key", "id")
        if "instrument" in self.errors and len(holders) > 1:
            self.holders = list(holders)
        return None


def name_of_instrument(asset: Asset | None) -> str:
    """What the form finds the instrument of the asset by."""
    instrument = asset and asset.instrument
    return (instrument.isin or instrument.symbol) if instrument else ""


def accounts_in(portfolio: Portfolio) -> AssetQuerySet[Asset]:
    """What may pay: accounts, which are no debts, and are still there."""
    rows = Asset.objects.filter(portfolio=portfolio, disposed_on=None, asset_type__kind=Kind.BALANCE)
    return rows.exclude(asset_type__group=Group.LIABILITIES).order_by("name_key", "id")


def account_text(account: Asset) -> str:
    return f"{account.name} ({account.currency})"


class TradePage(View):
    """`portfolio` is in the address: one that the user may write to, else 404."""

    def get(self, request: HttpRequest) -> HttpResponse:
        portfolios = self.portfolios()
        if not portfolios and "portfolio" not in request.GET:
            return HttpResponseRedirect(reverse("admin:index"))  # which offers to make one
        return self.page(portfolios, self.form(portfolios))

    def post(self, request: HttpRequest) -> HttpResponse:
        portfolios = self.portfolios()
        form = self.form(portfolios, request.POST)
        if not form.is_valid():
            return self.page(portfolios, form)
        return run_in_transaction(lambda: once(request, lambda: self.recorded(portfolios, form)))

    def recorded(self, portfolios: list[Portfolio], form: TradeForm) -> HttpResponse:
        forget_attempt(self.request)
        trade = form.record(self.request.user)
        if trade is None:
            return self.page(portfolios, form)
        request = self.request
        messages.success(request, trade_text(trade), extra_tags=undo_tag(request))
        for note in notes_on(trade):
            messages.warning(request, note)
        if form.asset is not None:
            return HttpResponseRedirect(admin_url(Asset, "change", form.asset.pk))
        return HttpResponseRedirect(f"{reverse('trade')}?portfolio={form.portfolio.pk}")

    def form(self, portfolios: list[Portfolio], data: Any = None) -> TradeForm:
        portfolio = self.chosen(portfolios)
        pk = parse_uuid(self.request.GET.get("asset", ""))
        rows = Asset.objects.filter(portfolio=portfolio, instrument__isnull=False, disposed_on=None)
        asset = rows.select_related("instrument").filter(pk=pk).first() if pk else None
        return TradeForm(data, portfolio=portfolio, asset=asset)

    def portfolios(self) -> list[Portfolio]:
        user: Any = self.request.user
        rows = Portfolio.objects.select_related("household").order_by("created_at", "pk")
        return list(rows if user.is_superuser else rows.for_user(user, EDITORS))

    def chosen(self, portfolios: list[Portfolio]) -> Portfolio:
        wanted = self.request.GET.get("portfolio")
        by_id = {portfolio.pk: portfolio for portfolio in portfolios}
        pk = parse_uuid(wanted) if wanted else next(iter(by_id), None)
        if pk not in by_id:
            raise Http404
        return by_id[pk]

    def page(self, portfolios: list[Portfolio], form: TradeForm) -> HttpResponse:
        context = {
            **admin.site.each_context(self.request),
            "title": _("Enter a trade"),
            "form": form,
            "portfolio": form.portfolio,
            "unknown": form.unknown,
            "add_address": address_to_add(form.unknown),
            "holders": form.holders,
            "asset": form.asset,
            "portfolios": portfolios,
        }
        return TemplateResponse(self.request, "assets/trade.html", context)


def address_to_add(text: str) -> str:
    """The page where a security is added, with what was typed: an ISIN or a symbol."""
    try:
        name, value = "isin", validate_isin(text)
    except ValidationError:
        name, value = "symbol", text
    return f"{admin_url(Instrument, 'add')}?{urlencode({name: value})}"


def note_on_day(on: date, now: date) -> Iterator[str]:
    """A year that was mistyped is a day that may be right, but seldom is."""
    if on > now:
        yield _("It is dated in the future: it counts from %(day)s on.") % {"day": day_text(on)}
    elif (years := now.year - on.year) > MOST_YEARS:
        yield _("It is dated %(years)s years ago. Is that right?") % {"years": years}


def notes_on(trade: Trade) -> Iterator[str]:
    """What somebody who has entered the trade does not expect: it sells what is not there, or no price counts."""
    asset, instrument = trade.asset, trade.asset.instrument
    yield from note_on_day(trade.transaction.on, local_day(timezone.now(), asset.portfolio.time_zone))
    held = quantities_of([asset.pk])[asset.pk]
    gaps = [gap.units for gap in held.missing if gap.transaction_id == trade.transaction.pk]
    if gaps:
        quantity = number_text(Decimal(decimal_text(quantity_of(sum(gaps)))))
        note = _(
            "Sold but never bought: %(quantity)s %(asset)s. It is in no gain until you enter its purchase."
        )
        yield note % {"quantity": quantity, "asset": asset.name}
    if instrument is None or asset.valuation != Valuation.MARKET or not held.on(today()):
        return
    last = last_prices([instrument]).get(instrument.pk)
    if last is None or last.is_stale:
        note = _(
            "No price of %(symbol)s counts today, so totals leave it out. Enter one on its page, "
            "under Securities and indices."
        )
        yield note % {"symbol": instrument.symbol}


def trade_text(trade: Trade) -> str:
    words = {
        "type": Transaction.Type(trade.transaction.type).label,
        "quantity": number_text(trade.transaction.quantity or Decimal(0)),
        "asset": trade.asset.name,
        "day": day_text(trade.transaction.on),
    }
    return _("Recorded: %(type)s %(quantity)s %(asset)s, %(day)s.") % words
