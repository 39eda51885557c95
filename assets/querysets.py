"""The questions asked of assets, named and chainable."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db.models import Case, DateField, F, OuterRef, Subquery, Value, When

from strata import clock
from strata.days import time_zones
from strata.history import TrackedQuerySet
from strata.money import MoneyField


@lru_cache(maxsize=4)
def _zones_on_another_day(quarter: datetime) -> tuple[tuple[date, tuple[str, ...]], ...]:
    """The zones whose calendar shows another day than UTC's; clocks differ by whole quarters of an hour."""
    days: dict[date, list[str]] = {}
    for name in sorted(time_zones()):
        days.setdefault(quarter.astimezone(ZoneInfo(name)).date(), []).append(name)
    return tuple((day, tuple(names)) for day, names in days.items() if day != quarter.date())


def today_in(zone_lookup: str):
    """SQL for today's date in the zone that a row names."""
    now = clock.now().astimezone(UTC)
    quarter = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
    cases = [
        When(**{f"{zone_lookup}__in": names}, then=Value(day, DateField()))
        for day, names in _zones_on_another_day(quarter)
    ]
    return Case(*cases, default=Value(quarter.date(), DateField()), output_field=DateField())


class Newest(Subquery):
    """One column of the first row of a queryset that also selects what orders it.

    SQLite looks through a union (see strata.shadows) by the indexes below it only where all that orders is selected.
    """

    def __init__(self, newest, column: str, **kwargs) -> None:
        selected = dict.fromkeys((column, "on", "observed_at"))
        super().__init__(newest.values(*selected)[:1], **kwargs)
        self.template = f'(SELECT newest."{column}" FROM (%(subquery)s) newest)'  # noqa: S608 - a field's name


class AssetQuerySet(TrackedQuerySet):
    def as_of(self, on: date | None = None):
        """Adds `as_of`, the day that the answer is for: `on`, or today where the asset's portfolio is."""
        return self.annotate(
            as_of=Value(on, DateField()) if on else today_in("portfolio__time_zone"),
        )

    def with_current_value(self, on: date | None = None):
        """Adds `current_value` and `current_value_on`: the newest snapshot on or before the day, as of `on`.

        Zero from the disposal on; None before the first snapshot.
        """
        snapshot = self.model._meta.get_field("snapshots").related_model
        newest = snapshot.objects.filter(asset=OuterRef("pk"), on__lte=OuterRef("as_of"))
        newest = newest.order_by("-on", "-observed_at")
        return (
            self.as_of(on)
            .annotate(
                newest_value=Newest(newest, "value", output_field=MoneyField()),
                newest_on=Newest(newest, "on", output_field=DateField()),
            )
            .annotate(
                current_value=Case(
                    When(newest_on__isnull=False, disposed_on__lte=F("as_of"), then=Value(0, MoneyField())),
                    default=F("newest_value"),
                    output_field=MoneyField(),
                ),
                current_value_on=Case(
                    When(newest_on__isnull=False, disposed_on__lte=F("as_of"), then=F("disposed_on")),
                    default=F("newest_on"),
                    output_field=DateField(),
                ),
            )
        )

    def in_category_tree(self, category_ids):
        """Assets that stand in any of the categories; give it a subtree's ids."""
        links = self.model.categories.through.objects.filter(category__in=category_ids)
        return self.filter(pk__in=links.values("asset"))
