"""The base of pages about one portfolio on one day, which the address says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404
from django.views import View

from portfolios.models import Portfolio
from reports.queries import today_of, with_demo_mark
from strata.admin.choices import parse_uuid
from strata.fields.active_formats import read_day
from strata.fields.dates import validate_year

LAST_PORTFOLIO = "strata_portfolio"  # a cookie: a page opens with the portfolio used last, months later too


class PortfolioDayPage(View):
    """`on` and `portfolio` are in the address; a portfolio that the user may not see is a 404."""

    portfolio: Portfolio
    on: date

    def portfolios(self) -> list[Portfolio]:
        """Those that the user may see, the oldest first."""
        rows = Portfolio.objects.select_related("household").order_by("created_at", "pk")
        user: Any = self.request.user
        return list(with_demo_mark(rows if user.is_superuser else rows.for_user(user)))

    def choose(self, portfolios: Iterable[Portfolio], asked: Mapping[str, str], last: str = "") -> str:
        """Set portfolio and day; returns why the day cannot be read, and then takes today."""
        by_id: dict[UUID | None, Portfolio] = {portfolio.pk: portfolio for portfolio in portfolios}
        if wanted := asked.get("portfolio"):
            chosen = by_id.get(parse_uuid(wanted))
        else:
            chosen = by_id.get(parse_uuid(last)) or next(iter(by_id.values()), None)
        if chosen is None:
            raise Http404
        self.portfolio, self.on = chosen, today_of(chosen)
        try:
            if text := asked.get("on", "").strip():
                self.on = read_day(text)
                validate_year(self.on)
        except ValidationError as error:
            self.on = today_of(chosen)
            return str(error.messages[0])
        return ""


def names_of(portfolios: Iterable[Portfolio]) -> list[tuple[UUID, str]]:
    """With the household's name where there are several households."""
    portfolios = list(portfolios)
    several = len({portfolio.household_id for portfolio in portfolios}) > 1
    return [
        (portfolio.pk, f"{portfolio.household.name}: {portfolio.name}" if several else portfolio.name)
        for portfolio in portfolios
    ]
