"""The links to the page of archives: in the menu, and on the page of a household."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portfolios.household_links import HouseholdLink
from portfolios.models import Household
from strata.admin.sidebar import MenuLink, Section
from strata.tenancy.roles import OWNER, role_in


def menu_links(request: HttpRequest) -> Iterator[MenuLink]:
    yield MenuLink(
        section=Section.HOUSEHOLD,
        title=_("Archives"),
        address=reverse("archives-page"),
        icon="inventory_2",
        place=60,
    )


def household_links(household: Household, request: HttpRequest) -> list[HouseholdLink]:
    """Owners download a household; a superuser who is no owner does not."""
    if role_in(request.user, household.pk) != OWNER:
        return []
    return [
        HouseholdLink(_("Archive of the household"), reverse("archive-file", args=[household.pk])),
        HouseholdLink(_("Restore an archive"), reverse("archives-page")),
    ]
