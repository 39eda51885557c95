"""Named, chainable queries on assets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Case, DateField, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, NullIf, StrIndex

from portfolios.models import Portfolio
from strata.audit import clock
from strata.audit.tracking import Row, TrackedQuerySet
from strata.db.prepared import Prepared
from strata.fields.dates import local_day
from strata.tenancy.roles import user_with_id_only


def today_in(zone_lookup: str, zones: Iterable[str]) -> Case:
    """SQL for today's date in the time zone that a row names. `zones` must contain that zone.

    Zones with the same date share a branch, and those with the date of UTC need none. On 3 March at 23:30 UTC:
    CASE WHEN time_zone IN ('Europe/Berlin', 'Europe/Paris') THEN 4 March ELSE 3 March.
    """
    now = clock.now().astimezone(UTC)
    zones_by_other_day: dict[date, list[str]] = {}
    for name in sorted(set(zones)):
        day = now.astimezone(ZoneInfo(name)).date()
        if day != now.date():
            zones_by_other_day.setdefault(day, []).append(name)
    cases = [
        When(**{f"{zone_lookup}__in": names}, then=Value(day, DateField()))
        for day, names in zones_by_other_day.items()
    ]
    return Case(*cases, default=Value(now.date(), DateField()), output_field=DateField())


def zones_of(portfolios: QuerySet[Portfolio]) -> QuerySet[Portfolio, str]:
    """The time zones of the portfolios."""
    return portfolios.order_by().values_list("time_zone", flat=True).distinct()


TIME_ZONES_OF_USER = Prepared(
    lambda user_id: zones_of(Portfolio.objects.for_user(user_with_id_only(user_id))), UUID
)


def same_today(zones: Iterable[str]) -> date | None:
    """Today, where it is the same day in all of the zones; None where it is not, or there is no zone."""
    now = clock.now()
    days = {local_day(now, name) for name in zones}
    return days.pop() if len(days) == 1 else None


class AssetQuerySet(TrackedQuerySet[Row]):
    def as_of(self, on: date | None = None, *, zones: Iterable[str] | None = None) -> Self:
        """Adds `as_of`, the day that the answer is for: `on`, or today in the time zone of the asset's portfolio.

        `zones` must include those of the assets' portfolios; by default all that are in use are read, in a query. A
        condition over every zone in the world would cost more than the list itself.
        """
        if on:
            return self.annotate(as_of=Value(on, DateField()))
        in_use = zones_of(Portfolio.objects.all()) if zones is None else zones
        return self.annotate(as_of=today_in("portfolio__time_zone", in_use))

    def with_own_place(self, ids: Iterable[UUID]) -> Self:
        """Adds `own_place`, which ascends in the order of `ids`; other assets come after them.

        It is where the id is in a text of all of them: the databases find that faster than a place in a list.
        """
        text = " ".join(pk.hex if connection.vendor == "sqlite" else str(pk) for pk in ids)
        place = StrIndex(Value(text), Cast("pk", TextField()))
        return self.annotate(own_place=Coalesce(NullIf(place, Value(0)), Value(len(text) + 1)))

    def in_category_tree(self, category_ids: Iterable[UUID]) -> Self:
        """Assets in any of the categories; for a branch, pass the ids of its subtree."""
        model: Any = self.model  # Asset, whose module imports this one
        links = model.categories.through.objects.filter(category__in=category_ids)
        return self.filter(pk__in=links.values("asset"))
