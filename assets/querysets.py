"""The questions asked of assets, named and chainable."""

from __future__ import annotations

from datetime import date

from django.db.models import Case, DateField, F, OuterRef, Q, Subquery, Value, When
from django.utils import timezone

from strata.history import TrackedQuerySet
from strata.money import MoneyField


class AssetQuerySet(TrackedQuerySet):
    def with_current_value(self, on: date | None = None):
        """Adds `current_value` and `current_value_on`: the newest snapshot on or before the day.

        Zero from the disposal on, None before the first snapshot. Without `on`: today in UTC.
        """
        day = on or timezone.now().date()
        newest = (
            self.model._meta.get_field("snapshots")
            .related_model.objects.filter(asset=OuterRef("pk"), on__lte=day)
            .order_by("-on", "-observed_at")
        )
        disposed = Q(disposed_on__lte=day)
        first = Subquery(newest.values("value")[:1], output_field=MoneyField())
        first_on = Subquery(newest.values("on")[:1], output_field=DateField())
        return self.annotate(
            newest_value=first,
            current_value_on=Case(When(disposed, then=F("disposed_on")), default=first_on, output_field=DateField()),
        ).annotate(
            current_value=Case(
                When(disposed & Q(newest_value__isnull=False), then=Value(0, MoneyField())),
                default=F("newest_value"),
                output_field=MoneyField(),
            )
        )

    def in_category_tree(self, category_ids):
        """Assets that stand in any of the categories; give it a subtree's ids."""
        return self.filter(pk__in=self.model.categories.through.objects.filter(
            category__in=category_ids).values("asset"))

    def disposed(self, *, by: date):
        return self.filter(disposed_on__lte=by)

    def held(self, *, on: date):
        return self.exclude(disposed_on__lte=on)
