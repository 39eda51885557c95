"""What doctor looks at among households and portfolios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from portfolios.models import Household, Membership, Portfolio
from portfolios.reports import quality_report
from strata.doctor import Level, examines

SHOWN = 20


@examines("values")
def values_to_look_at() -> Iterator[tuple[Level, str]]:
    """How many findings of each kind the portfolios have; what they are, GET portfolios/{id}/quality tells."""
    doubtful = []
    for portfolio in Portfolio.objects.order_by("id").iterator(chunk_size=500):
        counts = Counter(doubt.finding.code for doubt in quality_report(portfolio))
        if counts:
            found = ", ".join(f"{number} {code}" for code, number in sorted(counts.items()))
            doubtful.append(f"portfolio {portfolio.pk}: {found}")
    for line in doubtful[:SHOWN]:
        yield Level.WARN, line
    if more := doubtful[SHOWN:]:
        yield Level.WARN, f"and {len(more)} more portfolios"
    if not doubtful:
        yield Level.OK, "nothing to look at"


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
