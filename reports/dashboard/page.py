"""The dashboard, which is the admin's first page: net worth, why it changed, the allocation, and data checks.

Staff see the portfolios of their households. So do superusers, but without any of their own they see everybody's.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from assets.models import Asset
from assets.valuation import SharedSeries
from portfolios.models import Portfolio
from portfolios.services.households import demo_households_of
from portfolios.services.members import invitations_for
from reports.dashboard.checks import data_checks
from reports.dashboard.exports import exports
from reports.dashboard.kept import KEPT
from reports.dashboard.parts import allocation_now, allocation_sides
from reports.dashboard.picker import Period, Picker
from reports.dashboard.reasons import reasons
from reports.dashboard.worth import series_for, worth_over_time
from reports.queries import (
    LOOKED_BACK,
    change_report,
    indices_of,
    state_of_index,
    with_demo_mark,
    with_index_mark,
)
from reports.queries.etag import report_etag, with_etag_counts
from reports.welcome.view import is_welcome, welcome_context
from strata.fields.active_formats import active_formats

MOST_INVITATIONS = 20
MOST_PORTFOLIOS = 50
MOST_INDICES = 20
SHOWN = (
    "picker",
    "ranges",
    "charts",
    "indices",
    "may_add",
    "update_values",
)  # what the sections take of the page


def show(request: Any, context: dict[str, Any]) -> dict[str, Any]:
    """The page's context; unfold calls this as DASHBOARD_CALLBACK."""
    if "welcome" in context or is_welcome(request.user):
        return context | welcome_context(request, context.get("welcome"))
    visible = visible_portfolios(request.user)
    indices = list(indices_of(visible)[:MOST_INDICES])
    picker = Picker(request.GET, portfolios=visible[:MOST_PORTFOLIOS], indices=indices)
    picker.is_valid()
    page: dict[str, Any] = {
        "picker": picker,
        "cut_off": len(visible) > MOST_PORTFOLIOS,
        "invitations": invitations_for(request.user).select_related("household", "created_by")[
            :MOST_INVITATIONS
        ],
        "demo": demo_note(request.user, picker.shown),
        "ranges": picker.links("range"),
        "charts": picker.links("chart"),
        "indices": picker.real_links(),
        "may_add": all(may_add(model, request) for model in (Portfolio, Asset)),
        "update_values": update_values_page(picker),
    }
    if visible:
        state = state_of(request, picker, may_add=page["may_add"])
        shown = {name: page[name] for name in SHOWN}
        asked = repr(sorted(request.GET.lists()))
        page |= KEPT.get_or_make((state, asked), lambda: sections(picker, request.user, state, shown))
    return context | {"title": _("Dashboard"), "dashboard": page}


def demo_note(user: Any, shown: Sequence[Any]) -> dict[str, Any]:
    """Whether the user owns a demo household, and whether it is one of those shown."""
    households = {household.pk for household in demo_households_of(user)}
    return {
        "households": households,
        "is_shown": any(portfolio.household_id in households for portfolio in shown),
    }


def may_add(model: Any, request: Any) -> bool:
    return admin.site.get_model_admin(model).has_add_permission(request)


def update_values_page(picker: Picker) -> str:
    address = f"{reverse('admin:index')}update-values/"
    return f"{address}?portfolio={picker.portfolio_shown}" if picker.portfolio_shown else address


def visible_portfolios(user: Any) -> list[Portfolio]:
    """The portfolios that the page shows; one more than MOST_PORTFOLIOS if there are too many."""
    own = first_of(Portfolio.objects.for_user(user))
    if own or not user.is_superuser:
        return own
    # nosemgrep: rows-through-for-user - a superuser may see everybody's
    return first_of(Portfolio.objects.all())


def first_of(portfolios: QuerySet[Portfolio]) -> list[Portfolio]:
    rows = with_index_mark(with_etag_counts(with_demo_mark(portfolios))).select_related("household")
    rows = rows.order_by("household__is_demo", "household__created_at", "name_key", "id")
    return list(rows[: MOST_PORTFOLIOS + 1])


def state_of(request: Any, picker: Picker, *, may_add: bool) -> tuple[Hashable, ...]:
    """What the sections depend on, besides the address. Read before the reports are: see report_etag."""
    user, shown = request.user, picker.shown
    ids = tuple(portfolio.pk for portfolio in shown)
    indices = tuple((pk, index.symbol) for pk, index in picker.indices.items())
    index = picker.index and state_of_index(picker.index)
    reader = user.pk, user.is_superuser, may_add, get_language(), active_formats()
    return *reader, ids, indices, index, report_etag(shown)


def values_for(period: Period, currency: str) -> SharedSeries:
    """What the sections read values from. A short range is in what the checks look at, which is read as a whole."""
    looked_at = period.end - LOOKED_BACK
    if looked_at <= period.first:
        return SharedSeries(looked_at, period.end)
    return SharedSeries(period.first, period.end, reported_in=currency)


def sections(
    picker: Picker, user: Any, state: tuple[Hashable, ...], context: dict[str, Any]
) -> dict[str, Any]:
    """The figures of the page, and their HTML. The checks are kept on their own: they are the same for every range."""
    portfolios, period = picker.shown, picker.period
    series = series_for(picker)
    currency = series.currency
    values = values_for(period, currency)
    change = change_report(
        portfolios, start=period.first, end=period.end, currency=currency, read_series=values
    )
    figures = {
        "period": period,
        "worth": worth_over_time(series, picker),
        "change": reasons(change),
        "exports": exports(picker, series),
        "allocation": allocation_now(allocation_sides(picker, change.change, values), picker),
        "checks": KEPT.get_or_make(
            (state, period.end),
            lambda: data_checks(portfolios, on=period.end, currency=currency, user=user, read_series=values),
        ),
    }
    return figures | {"html": render_to_string("reports/dashboard/sections.html", context | figures)}
