"""doctor's check of households."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from portfolios.models import Household, Membership
from strata.doctor import Level, examines


@examines("households")
def households_have_an_owner() -> Iterator[tuple[Level, str]]:
    owners = Membership.objects.filter(
        household=OuterRef("pk"), role=Membership.Role.OWNER, user__is_active=True
    )
    orphans = Household.objects.filter(~Exists(owners)).count()
    if orphans:
        yield Level.WARN, f"{orphans} have no active owner"
    else:
        yield Level.OK, "each has an active owner"
