"""Named, chainable queries on assets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Case, DateField, QuerySet, Value, When

from portfolios.models import Portfolio
from strata.audit import clock
from strata.audit.tracking import TrackedQuerySet
from strata.tenancy.querysets import Row


def today_in(zone_lookup: str, zones: Iterable[str]) -> Case:
    """SQL for today's date in the time zone that a row names. `zones` must contain that zone."""
    now = clock.now().astimezone(UTC)
    elsewhere: dict[date, list[str]] = {}
    for name in sorted(set(zones)):
        elsewhere.setdefault(now.astimezone(ZoneInfo(name)).date(), []).append(name)
    elsewhere.pop(now.date(), None)
    cases = [
        When(**{f"{zone_lookup}__in": names}, then=Value(day, DateField()))
        for day, names in elsewhere.items()
    ]
    return Case(*cases, default=Value(now.date(), DateField()), output_field=DateField())


class AssetQuerySet(TrackedQuerySet[Row]):
    def as_of(self, on: date | None = None, *, portfolios: QuerySet[Portfolio] | None = None) -> Self:
        """Adds `as_of`, the day that the answer is for: `on`, or today in the time zone of the asset's portfolio.

        Calling this makes one query: it reads the time zones in use from `portfolios` (by default all), which must
        include the assets' portfolios. A condition over every zone in the world would cost more than the list itself.
        """
        if on:
            return self.annotate(as_of=Value(on, DateField()))
        if portfolios is None:
            portfolios = Portfolio.objects.all()
        zones = portfolios.order_by().values_list("time_zone", flat=True).distinct()
        return self.annotate(as_of=today_in("portfolio__time_zone", zones))

    def in_category_tree(self, category_ids: Iterable[UUID]) -> Self:
        """Assets in any of the categories; for a branch, pass the ids of its subtree."""
        links = self.model.categories.through.objects.filter(category__in=category_ids)
        return self.filter(pk__in=links.values("asset"))
