"""The parameters of the page's address: portfolios, days, what returns are compared with, and a year of sales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.db.models import Max, Min, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from assets.models import Instrument, Transaction
from portfolios.models import Portfolio
from reports.dashboard.picker import OWN_DATES, Picker
from strata.fields.dates import FIRST_YEAR, LAST_YEAR

MOST_BENCHMARKS = 100
KEPT = ("portfolio", "range", "start", "end", "benchmark", "year")


class PerformancePicker(Picker):
    """`year` is that of the sales that are listed: of the range's last day where it is absent."""

    benchmark = forms.ChoiceField(label=_("Benchmark"), required=False)
    year = forms.IntegerField(label=_("Year"), required=False, min_value=FIRST_YEAR, max_value=LAST_YEAR)

    def __init__(self, given: Any, *, portfolios: Sequence[Portfolio]) -> None:
        super().__init__(given, portfolios=portfolios)
        households = {portfolio.household_id for portfolio in portfolios}
        usable = Q(household__in=households) | Q(household=None)
        # nosemgrep: rows-through-for-user - of the households of portfolios that came through it
        rows = Instrument.objects.filter(usable).order_by("symbol_key", "id")
        self.instruments = {str(row.pk): row for row in rows[:MOST_BENCHMARKS]}
        choices = [("", _("None")), *((pk, row.symbol) for pk, row in self.instruments.items())]
        cast(forms.ChoiceField, self.fields["benchmark"]).choices = choices

    @property
    def compared_with(self) -> Instrument | None:
        return self.instruments.get(self.chosen("benchmark"))

    @cached_property
    def year_shown(self) -> int:
        return self.chosen("year") or self.period.end.year

    @property
    def years_beside(self) -> list[int]:
        """The year before and the year after the one that is shown, as far as it has begun or has transactions."""
        ids = [portfolio.pk for portfolio in self.shown]
        # nosemgrep: rows-through-for-user - of portfolios that came through it
        days = Transaction.objects.filter(asset__portfolio__in=ids).aggregate(first=Min("on"), last=Max("on"))
        if days["first"] is None:
            return []
        first, last = days["first"].year, max(days["last"].year, self.today.year)
        return [year for year in (self.year_shown - 1, self.year_shown + 1) if first <= year <= last]

    @property
    def kept(self) -> dict[str, str]:
        """What links of the page keep: all that was chosen on it. Only own dates are dates."""
        own = self.range_shown == OWN_DATES
        names = [name for name in KEPT if own or name not in ("start", "end")]
        return {name: self.data.get(name, "") for name in names if self.chosen(name)}

    @property
    def hidden(self) -> dict[str, str]:
        return {"range": self.range_shown} | {
            name: self.data.get(name, "") for name in ("year",) if self.chosen(name)
        }

    def link(self, **replaced: Any) -> str:
        return f"?{urlencode(self.kept | replaced)}"
