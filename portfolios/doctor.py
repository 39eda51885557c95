"""What doctor looks at among households and portfolios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Exists, OuterRef
from django.urls import reverse

from portfolios.models import Household, Membership, Portfolio
from portfolios.plots import short
from portfolios.reports import Doubt, quality_report
from strata.doctor import Level, examines

SHOWN = 20  # portfolios, and findings of each
NAME_SHOWN = 60


@examines("values")
def values_to_look_at() -> Iterator[tuple[Level, str]]:
    """The first findings of the first portfolios that have any, with the admin's pages that mend them."""
    doubtful = 0
    for portfolio in Portfolio.objects.order_by("id").iterator(chunk_size=500):
        doubts = quality_report(portfolio)
        doubtful += bool(doubts)
        if doubts and doubtful <= SHOWN:
            yield from ((Level.WARN, line) for line in findings_of(portfolio, doubts))
    if doubtful > SHOWN:
        yield Level.WARN, f"and {doubtful - SHOWN} more portfolios"
    if not doubtful:
        yield Level.OK, "nothing to look at"


def findings_of(portfolio: Portfolio, doubts: Sequence[Doubt]) -> Iterator[str]:
    name = short(portfolio.name, NAME_SHOWN)
    page = reverse("admin:portfolios_portfolio_quality", args=[portfolio.pk])
    yield f"{name}: {len(doubts)} to look at: {page}"
    for doubt in doubts[:SHOWN]:
        found = doubt.finding
        about = f"{name}: {short(doubt.name, NAME_SHOWN)}: {found.code}"
        yield f"{about}: {found.message} {doubt.admin_link}"
    if more := doubts[SHOWN:]:
        yield f"{name}: and {len(more)} more"


@examines("households")
def households_have_an_owner() -> Iterator[tuple[Level, str]]:
    owners = Membership.objects.filter(
        household=OuterRef("pk"), role=Membership.Role.OWNER, accepted_at__isnull=False, user__is_active=True
    )
    orphans = Household.objects.filter(~Exists(owners)).count()
    if orphans:
        yield Level.WARN, f"{orphans} have no active owner"
    else:
        yield Level.OK, "each has an active owner"
