"""The page: which portfolio and day it is about, and what its template shows."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from reports.portfolio_day import LAST_PORTFOLIO, PortfolioDayPage, names_of
from reports.queries import without_demo
from reports.queries.statement import statement_on
from reports.statement.presenting import shown
from strata.fields.active_formats import accepted_date_formats, day_text


class StatementPage(PortfolioDayPage):
    """Whoever may see the portfolio may see it. Without `portfolio` it is never one of a demo, like other reports."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        portfolios = self.portfolios()
        is_named = bool(request.GET.get("portfolio"))
        if not portfolios and not is_named:
            return HttpResponseRedirect(reverse("admin:index"))  # which offers to make one
        offered = portfolios if is_named else without_demo(portfolios)
        date_error = self.choose(offered, request.GET, request.COOKIES.get(LAST_PORTFOLIO, ""))
        context = {
            **admin.site.each_context(request),
            "layout": "admin/base_site.html",
            "title": _("Statement of net worth"),
            "household": self.portfolio.household.name,
            "portfolio": self.portfolio,
            "named": [self.portfolio.name],
            "portfolios": names_of(portfolios),
            "on": self.on,
            "day": day_text(self.on),
            "date_help": accepted_date_formats(),
            "date_error": date_error,
            "statement": shown(statement_on([self.portfolio], self.on)),
        }
        return TemplateResponse(request, "reports/statement.html", context)
