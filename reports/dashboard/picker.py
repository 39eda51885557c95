"""The parameters of the dashboard's address: which portfolios, which range of days, and what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets import valuation
from assets.models import Instrument
from portfolios.models import Portfolio
from reports.calculations.intervals import months_before
from reports.dashboard.breadcrumbs import DrillDownForm
from reports.queries import latest_today, without_demo
from reports.rendering.formats import day_text
from strata.fields.dates import DayFormField, validate_year

MONTHS = {"1m": 1, "3m": 3, "1y": 12, "3y": 36, "5y": 60}
RANGES = {"1m": "1M", "3m": "3M", "ytd": "YTD", "1y": "1Y", "3y": "3Y", "5y": "5Y", "all": _("All")}
OWN_DATES = "own"
RANGE_CHOICES = [(name, name) for name in (*RANGES, OWN_DATES)]
WORDS = {
    "1m": _("past month"),
    "3m": _("past 3 months"),
    "ytd": _("this year"),
    "1y": _("past year"),
    "3y": _("past 3 years"),
    "5y": _("past 5 years"),
}
GROUP_BY = {
    "type": _("Type"),
    "group": _("Asset class"),
    "category": _("Category"),
    "tag": _("Tag"),
    "currency": _("Currency"),
    "asset": _("Asset"),
}
NET, SIDES, GROUPS = "net", "sides", "groups"
CHARTS = {NET: _("Net worth"), SIDES: _("Assets and debts"), GROUPS: _("By group")}
ALL_PARTS = "all"


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    label: Any
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Period:
    """The days of the page. `since` is the first day with figures, None if there are none up to `end`.

    `words` name the range: "past year", "since your first value, 1 Dec 2024".
    """

    start: date
    end: date
    since: date | None
    words: str

    @property
    def first(self) -> date:
        """The first day that is drawn and compared with."""
        return self.since or self.end


class Picker(forms.Form):
    """The parameters of the page's address. Invalid ones are reported on the page, which then uses the defaults."""

    range = forms.ChoiceField(label=_("Range"), choices=RANGE_CHOICES, required=False)
    portfolio = forms.ChoiceField(label=_("Portfolio"), required=False)
    group_by = forms.ChoiceField(label=_("Group by"), choices=list(GROUP_BY.items()), required=False)
    chart = forms.ChoiceField(label=_("Chart"), choices=list(CHARTS.items()), required=False)
    real = forms.ChoiceField(label=_("Adjusted for inflation"), required=False)
    parts = forms.ChoiceField(label=_("Allocation"), choices=[(ALL_PARTS, ALL_PARTS)], required=False)
    start = DayFormField(label=_("From"), required=False, validators=[validate_year])
    end = DayFormField(label=_("To"), required=False, validators=[validate_year])

    def __init__(
        self, given: Any, *, portfolios: Sequence[Portfolio], indices: Sequence[Instrument] = ()
    ) -> None:
        super().__init__(given)
        self.indices = {str(index.pk): index for index in indices}
        choices = [(pk, index.symbol) for pk, index in self.indices.items()]
        cast(forms.ChoiceField, self.fields["real"]).choices = choices
        self.portfolios = {str(portfolio.pk): portfolio for portfolio in portfolios}
        several = len({portfolio.household_id for portfolio in portfolios}) > 1
        names = [
            (pk, f"{portfolio.household.name}: {portfolio.name}" if several else portfolio.name)
            for pk, portfolio in self.portfolios.items()
        ]
        cast(forms.ChoiceField, self.fields["portfolio"]).choices = [("", _("All portfolios")), *names]

    def clean(self) -> None:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and end < start:
            self.add_error("end", _("It is before the start."))

    def chosen(self, name: str) -> Any:
        return getattr(self, "cleaned_data", {}).get(name)

    @property
    def portfolio_shown(self) -> str:
        return self.chosen("portfolio") or ""

    @property
    def shown(self) -> list[Portfolio]:
        chosen_id = self.portfolio_shown
        return [self.portfolios[chosen_id]] if chosen_id else self.covered

    @property
    def errors_by_label(self) -> list[tuple[Any, Any]]:
        """What is wrong with the address, of both forms, by the name of each field."""
        return [
            (form.fields[name].label, messages)
            for form in (self, self.drill_down)
            for name, messages in form.errors.items()
        ]

    @cached_property
    def covered(self) -> list[Portfolio]:
        """What the page is about where no portfolio is chosen."""
        return without_demo(self.portfolios.values())

    @cached_property
    def drill_down(self) -> DrillDownForm:
        return DrillDownForm(self.data, portfolios=self.shown)

    @property
    def group_by_shown(self) -> str:
        return self.chosen("group_by") or "type"

    @property
    def chart_shown(self) -> str:
        return self.chosen("chart") or NET

    @property
    def index(self) -> Instrument | None:
        """The index by which net worth is adjusted for inflation."""
        return self.indices.get(self.chosen("real"))

    @property
    def shows_all_parts(self) -> bool:
        return bool(self.chosen("parts"))

    @cached_property
    def range_shown(self) -> str:
        """The range that is asked for; own dates if the dates differ from its days."""
        chosen: str = self.chosen("range") or ""
        start, end = self.chosen("start"), self.chosen("end")
        if not (start or end):
            return chosen or "1y"
        named = chosen and chosen != OWN_DATES and (start, end) == self.days_of(chosen)
        return chosen if named else OWN_DATES

    @property
    def hidden(self) -> dict[str, str]:
        """The parameters that the form of the filters keeps."""
        kept = {name: self.chosen(name) for name in ("chart", "real", "parts") if self.chosen(name)}
        return {"range": self.range_shown} | kept | self.drill_down.chosen

    # --- links ---

    def links(self, parameter: str) -> list[Link]:
        """A link for each range, or each chart."""
        is_range = parameter == "range"
        labels: Mapping[str, Any] = RANGES if is_range else CHARTS
        shown = self.range_shown if is_range else self.chart_shown
        kept = self.drill_down.chosen
        return [
            Link(name, label, self.address(**{parameter: name} | kept), name == shown)
            for name, label in labels.items()
        ]

    def real_links(self) -> list[Link]:
        """A link for each index that switches the adjustment on, or off where it is by this index."""
        shown, kept = self.chosen("real"), self.drill_down.chosen
        return [
            Link(pk, index.symbol, self.address(**{"real": "" if pk == shown else pk} | kept), pk == shown)
            for pk, index in self.indices.items()
        ]

    def address(self, **replaced: str) -> str:
        """The page's address with these parameters replaced, or left out where they are empty.

        Only own dates keep their dates.
        """
        keeps_dates = self.range_shown == OWN_DATES and "range" not in replaced
        dropped = set() if keeps_dates else {"start", "end"}
        params = {
            name: self.chosen(name) for name in self.fields if name not in dropped and self.chosen(name)
        }
        return f"?{urlencode({name: value for name, value in (params | replaced).items() if value})}"

    # --- days ---

    @cached_property
    def first_value_on(self) -> date | None:
        return valuation.first_value_day([portfolio.pk for portfolio in self.shown])

    @cached_property
    def today(self) -> date:
        return latest_today(self.shown)

    def days_of(self, name: str) -> tuple[date, date]:
        """(start, end) of a named range. All begins with the first value."""
        if months := MONTHS.get(name):
            return months_before(self.today, months), self.today
        if name == "ytd":
            return date(self.today.year - 1, 12, 31), self.today
        return min(self.first_value_on or self.today, self.today), self.today

    @cached_property
    def period(self) -> Period:
        name, first = self.range_shown, self.first_value_on
        start, end = self.own_dates() if name == OWN_DATES else self.days_of(name)
        since = None if first is None or first > end else max(start, first)
        return Period(start, end, since, range_in_words(name, start, since, first))

    def own_dates(self) -> tuple[date, date]:
        """Without a start they begin with the first value."""
        end = self.chosen("end") or self.today
        start = self.chosen("start") or self.first_value_on or end
        return min(start, end), end


def range_in_words(name: str, start: date, since: date | None, first_value_on: date | None) -> str:
    """The range; "" without a value up to its end."""
    if since is None:
        return ""
    if since > start or (name not in WORDS and since == first_value_on):
        return gettext("since your first value, %(day)s") % {"day": day_text(since)}
    return str(WORDS[name]) if name in WORDS else gettext("since %(day)s") % {"day": day_text(since)}
