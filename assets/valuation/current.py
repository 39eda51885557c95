"""The current value of each asset of a queryset."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import Case, DateField, F, OuterRef, QuerySet, Subquery, Value, When

from assets.models import Asset, AssetSnapshot
from assets.models.querysets import AssetQuerySet
from portfolios.models import Portfolio
from strata.fields.money import MoneyField

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class CurrentValue(TypedDict):
        as_of: date
        current_value: Decimal | None
        current_value_on: date | None

    type AssetWithValue = WithAnnotations[Asset, CurrentValue]


class Newest(Subquery):
    """One column of the first row of a queryset. It also selects the columns by which the rows are ordered.

    Only then does SQLite use the indexes below a union (see strata.audit.temporal_views).
    """

    def __init__(self, newest: QuerySet[AssetSnapshot], column: str, **kwargs: Any) -> None:
        selected = dict.fromkeys((column, "on", "observed_at"))
        super().__init__(newest.values(*selected)[:1], **kwargs)
        self.template = f'(SELECT newest."{column}" FROM (%(subquery)s) newest)'  # noqa: S608 - a field's name


def with_current_value(
    assets: AssetQuerySet[Asset], on: date | None = None, *, portfolios: QuerySet[Portfolio] | None = None
) -> AssetQuerySet[Asset]:
    """Adds `current_value` and `current_value_on`: the newest snapshot on or before the day, as of `on`.

    Zero from the disposal on; None before the first snapshot. `portfolios` is for `as_of`.
    """
    newest = AssetSnapshot.objects.filter(asset=OuterRef("pk"), on__lte=OuterRef("as_of"))
    newest = newest.order_by("-on", "-observed_at")
    return (
        assets.as_of(on, portfolios=portfolios)
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
