"""The questions asked of assets, named and chainable."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from zoneinfo import ZoneInfo

from django.db.models import Case, DateField, F, OuterRef, QuerySet, Subquery, Value, When

from portfolios.models import Portfolio
from strata import clock
from strata.history import TrackedQuerySet
from strata.money import MoneyField


def today_in(zone_lookup: str, zones: Iterable[str]):
    """SQL for today's date in the zone that a row names, which is one of `zones`."""
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


class Newest(Subquery):
    """One column of the first row of a queryset that also selects what orders it.

    SQLite looks through a union (see strata.shadows) by the indexes below it only where all that orders is selected.
    """

    def __init__(self, newest, column: str, **kwargs) -> None:
        selected = dict.fromkeys((column, "on", "observed_at"))
        super().__init__(newest.values(*selected)[:1], **kwargs)
        self.template = f'(SELECT newest."{column}" FROM (%(subquery)s) newest)'  # noqa: S608 - a field's name


class AssetQuerySet(TrackedQuerySet):
    def as_of(self, on: date | None = None, *, among: QuerySet | None = None):
        """Adds `as_of`, the day that the answer is for: `on`, or today where the asset's portfolio is.

        Today is another day in other zones. Which ones are in use is asked of the portfolios `among` which the assets'
        own are (all there are), with a query of its own as this is called: a condition over every zone that there is
        would cost more than the rest of a list.
        """
        if on:
            return self.annotate(as_of=Value(on, DateField()))
        portfolios = Portfolio.objects.all() if among is None else among
        zones = portfolios.order_by().values_list("time_zone", flat=True).distinct()
        return self.annotate(as_of=today_in("portfolio__time_zone", zones))

    def with_current_value(self, on: date | None = None, *, among: QuerySet | None = None):
        """Adds `current_value` and `current_value_on`: the newest snapshot on or before the day, as of `on`.

        Zero from the disposal on; None before the first snapshot. `among` is for `as_of`.
        """
        snapshot = self.model._meta.get_field("snapshots").related_model
        newest = snapshot.objects.filter(asset=OuterRef("pk"), on__lte=OuterRef("as_of"))
        newest = newest.order_by("-on", "-observed_at")
        return (
            self.as_of(on, among=among)
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
