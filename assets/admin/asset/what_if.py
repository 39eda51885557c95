"""A loan with an extra payment or another rate that nobody has agreed yet: a form on its page, and what it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets import valuation
from assets.admin.asset.charts import drawn
from assets.admin.asset.terms.forms import percent_field
from assets.models import Asset, LoanExtraPayment
from assets.models.loan import ExtraPaymentEffect
from assets.rendering.step_chart import Curve, step_chart
from assets.valuation.formulas.loan import Schedule
from assets.valuation.series import money
from strata.admin.user_formats.widgets import NumberInput
from strata.fields.active_formats import amount_text, count_text, day_text
from strata.fields.dates import DayFormField, validate_year

AGREED_COLOUR, SUPPOSED_COLOUR = "var(--color-base-500)", "var(--color-primary-600)"
ASKED = "what_if"  # the prefix of the fields, as of the parameters of the API


class WhatIfForm(forms.Form):
    """Sent by GET: nothing is written. One of the extra payment and the rate is needed."""

    on = DayFormField(label=gettext_lazy("Date"), validators=[validate_year])
    effect = forms.ChoiceField(
        label=gettext_lazy("Effect"), choices=ExtraPaymentEffect.choices, required=False
    )

    def __init__(self, data: Any, *, asset: Asset, today: date) -> None:
        super().__init__(data, prefix=ASKED, initial={"on": today, "effect": ExtraPaymentEffect.SHORTEN})
        extra: Any = LoanExtraPayment._meta.get_field("amount").formfield(
            widget=NumberInput, label=_("Extra payment"), required=False
        )
        extra.is_amount, extra.currency = True, lambda: asset.currency
        self.fields["extra"] = extra
        self.fields["rate"] = percent_field(_("New rate"), required=False, signed=False)
        self.order_fields(["on", "extra", "effect", "rate"])
        for field in self.fields.values():
            field.widget.attrs |= {"autocomplete": "off"}

    def add_prefix(self, field_name: str) -> str:
        return f"{self.prefix}_{field_name}"

    def clean_extra(self) -> Decimal | None:
        extra: Decimal | None = self.cleaned_data["extra"]
        if extra is not None and extra <= 0:
            raise forms.ValidationError(_("It is more than zero."))
        return extra

    def clean(self) -> None:
        given = self.cleaned_data
        if not self.errors and given["extra"] is None and given["rate"] is None:
            raise forms.ValidationError(_("Enter an extra payment or a new rate."))

    def what_if(self) -> valuation.WhatIf:
        given = self.cleaned_data
        effect = given["effect"] or ExtraPaymentEffect.SHORTEN.value
        return valuation.WhatIf(given["on"], given["extra"], effect, given["rate"])


def what_if_of(asset: Asset, agreed: Schedule, today: date, request: HttpRequest) -> dict[str, Any]:
    """The context of the template: the form, and what it changes where it is filled in."""
    is_asked = any(name.startswith(f"{ASKED}_") for name in request.GET)
    form = WhatIfForm(request.GET if is_asked else None, asset=asset, today=today)
    context: dict[str, Any] = {"form": form, "is_open": is_asked}
    if not is_asked or not form.is_valid():
        return context
    supposed = valuation.loan_schedule(asset.pk, form.what_if())
    if supposed is None:
        return context
    return context | {
        "rows": rows_of(asset, agreed, supposed, form.cleaned_data["on"]),
        "chart": chart_of(asset, agreed, supposed),
    }


class Compared(NamedTuple):
    """A line of the comparison, as texts; `change` is empty where there is none."""

    name: str
    agreed: str
    supposed: str
    change: str = ""


def rows_of(asset: Asset, agreed: Schedule, supposed: Schedule, on: date) -> list[Compared]:
    schedules = (agreed, supposed)
    payoffs = [day_text(each.payoff_on) if each.payoff_on else _("Never") for each in schedules]
    counts = [sum(bool(row.payment) for row in each.rows) for each in schedules]

    def amount(number: int) -> str:
        return amount_text(money(number), asset.currency)

    return [
        Compared(_("Paid off on"), payoffs[0], payoffs[1]),
        compared(_("Number of payments"), counts, count_text),
        compared(_("Next payment"), [next_payment(each, on) for each in schedules], amount),
        compared(_("Interest in all"), [each.total_interest for each in schedules], amount),
    ]


def compared(name: str, numbers: Sequence[int], text_of: Callable[[int], str]) -> Compared:
    agreed, supposed = numbers
    sign = "+" if supposed > agreed else "−"
    change = "" if agreed == supposed else f"{sign}{text_of(abs(supposed - agreed))}"
    return Compared(name, text_of(agreed), text_of(supposed), change)


def next_payment(schedule: Schedule, on: date) -> int:
    """The first payment after the day; 0 where nothing is owed then."""
    return next((row.payment for row in schedule.rows if row.on > on and row.payment), 0)


def chart_of(asset: Asset, agreed: Schedule, supposed: Schedule) -> dict[str, Any]:
    """What is owed from the first day to the last, as agreed and as it would be."""
    days = sorted({*agreed.balances, *supposed.balances})
    curves = [
        Curve(_("As agreed"), AGREED_COLOUR, balances_on(agreed, days)),
        Curve(_("What if"), SUPPOSED_COLOUR, balances_on(supposed, days)),
    ]
    picture = step_chart(days, curves, incomplete=[False] * len(days))
    return {
        "name": _("Balance of %(name)s, as agreed and as it would be") % {"name": asset.name},
        "start": day_text(days[0]),
        "end": day_text(days[-1]),
        **drawn(picture, asset.currency),
    }


def balances_on(schedule: Schedule, days: list[date]) -> list[Decimal]:
    values, balance = [], 0
    for on in days:
        balance = schedule.balances.get(on, balance)
        values.append(money(balance))
    return values
