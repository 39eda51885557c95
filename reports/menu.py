"""The links to the reports in the menu, and how many values are out of date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from reports.dashboard.kept import KeptPages
from reports.queries import without_demo
from reports.queries.defaults import latest_today
from reports.queries.etag import portfolios_of_user, report_etag
from reports.queries.stale_values import stale_values
from strata.admin.sidebar import MenuLink, Section

STALE_VALUES = KeptPages(most=1_000)


def menu_links(request: HttpRequest) -> Iterator[MenuLink]:
    if request.user.is_authenticated:
        yield update_values_link(request.user)
    yield MenuLink(
        section=Section.ASSETS,
        title=_("Enter a trade"),
        address=reverse("trade"),
        icon="swap_horiz",
        place=45,
    )
    index = reverse("admin:index")
    for place, (title, part, icon) in enumerate(
        (
            (_("Net worth"), "net-worth", "show_chart"),
            (_("Allocation"), "allocation", "donut_small"),
            (_("Change"), "change", "waterfall_chart"),
        )
    ):
        yield MenuLink(
            section=Section.REPORTS, title=title, address=f"{index}#{part}", icon=icon, place=place
        )
    yield MenuLink(
        section=Section.REPORTS,
        title=_("Performance"),
        address=reverse("performance-page"),
        icon="trending_up",
        place=5,
    )
    yield MenuLink(
        section=Section.REPORTS,
        title=_("Statement"),
        address=reverse("statement"),
        icon="description",
        place=10,
    )


def update_values_link(user: Any) -> MenuLink:
    count = stale_values_of(user)
    name = ngettext("Update values, %(count)s out of date", "Update values, %(count)s out of date", count)
    return MenuLink(
        section=Section.START,
        title=_("Update values"),
        address=reverse("update-values"),
        icon="edit_calendar",
        place=0,
        badge=str(count) if count else "",
        name=name % {"count": count} if count else "",
    )


def stale_values_of(user: Any) -> int:
    """As in me/summary. Counted again only where something has changed: every page of the admin shows it."""
    portfolios = without_demo(portfolios_of_user(user))
    count: int = STALE_VALUES.get_or_make(
        report_etag(portfolios), lambda: {"count": stale_values(portfolios, latest_today(portfolios))}
    )["count"]
    return count
