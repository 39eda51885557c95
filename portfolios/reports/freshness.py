"""Whether a report that somebody has is still what it would be now, told without loading anything of it.

A report depends on the portfolios (each one's revision counts every write in it, and every rate), on the names and
targets of their households, and on today. The journal only ever grows: its number of lines about names is a
counter that no two states share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django.db.models import F, Func, IntegerField, OuterRef, QuerySet, Subquery

from portfolios.models import Portfolio
from portfolios.reports.totals import today_of
from strata import __version__
from strata.models import Change

NAMED = ("assets.AssetType", "assets.Category", "assets.Tag", "portfolios.AllocationTarget")


def with_state(portfolios: QuerySet[Portfolio]) -> QuerySet[Portfolio]:
    """Adds how often the names of its household, and those that all share, have changed."""
    return portfolios.annotate(
        own_names=changes(household_id=OuterRef("household_id")), shared_names=changes(household_id=None)
    )


def changes(**where: Any) -> Subquery:
    lines = Change.objects.filter(model__in=NAMED, **where).order_by()
    count = Func(F("pk"), function="COUNT", output_field=IntegerField())
    return Subquery(lines.annotate(number=count).values("number"))


def state_of(portfolios: Iterable[Portfolio], *asked: str) -> str:
    """A tag of the state that the answer to `asked` depends on; read before the answer is counted."""
    rows = sorted(
        (str(one.pk), one.revision, one.own_names, one.shared_names, str(today_of(one))) for one in portfolios
    )
    return f'"{hashlib.sha256(repr((__version__, asked, rows)).encode()).hexdigest()[:32]}"'
