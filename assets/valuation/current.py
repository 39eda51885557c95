"""The current value of each asset of a queryset, and the day of its first value, as columns of the query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, DateField, Expression, F, Field, QuerySet, Value, When
from django.db.models.sql.compiler import SQLCompiler

from assets.models import Asset
from assets.models.querysets import AssetQuerySet
from assets.valuation import reading, registry, sql
from assets.valuation.reading import AssetRef
from assets.valuation.series import ten_thousandths
from strata.fields.money import MoneyField

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class CurrentValue(TypedDict):
        as_of: date
        current_value: Decimal | None
        current_value_on: date | None

    type AssetWithValue = WithAnnotations[Asset, CurrentValue]


class OfPoint(Expression):
    """The value or the day of one of an asset's points, by a text of sql.points; the arguments are put into the text.

    `computed` are points that no table has, of assets whose values are computed.
    """

    def __init__(
        self,
        text: str,
        *arguments: F,
        computed: Iterable[sql.Point] = (),
        output_field: Field[Any, Any],
    ) -> None:
        super().__init__(output_field=output_field)
        self.text, self.computed = text, tuple(computed)
        self.arguments: list[Any] = list(arguments)

    def get_source_expressions(self) -> list[Any]:
        return self.arguments

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.arguments = list(exprs)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        points, params = sql.points_with(self.computed)
        arguments = [compiler.compile(argument) for argument in self.arguments]
        text = self.text.format(*(text for text, _ in arguments), points=points)
        return text, (*params, *(param for _, of_argument in arguments for param in of_argument))


def with_current_value(
    assets: AssetQuerySet[Asset], on: date | None = None, *, zones: Iterable[str] | None = None
) -> AssetQuerySet[Asset]:
    """Adds `current_value` and `current_value_on`: the newest value on or before the day, as of `on`.

    Zero from the disposal on; None before the first value. `zones` is for `as_of`.
    """
    assets = assets.as_of(on, zones=zones)
    computed, which = _newest_computed(assets), (F("pk"), F("as_of"))
    return assets.annotate(
        newest_value=OfPoint(sql.NEWEST_VALUE, *which, computed=computed, output_field=MoneyField()),
        newest_on=OfPoint(sql.NEWEST_DAY, *which, computed=computed, output_field=DateField()),
    ).annotate(
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


def _newest_computed(assets: AssetQuerySet[Asset]) -> list[sql.Point]:
    """The newest point of each asset whose values are computed. No query where there is no such source."""
    if not registry.computes():
        return []
    days: dict[UUID, date] = dict(assets.order_by().values_list("pk", F("as_of")))
    ids_by_day: dict[date, list[UUID]] = {}
    for pk in registry.computed(days):
        ids_by_day.setdefault(days[pk], []).append(pk)
    return [
        (ref.id, series.days[-1], ten_thousandths(series.values[-1]))
        for on, ids in ids_by_day.items()
        for ref, series in reading.value_series([AssetRef(pk, "") for pk in ids], start=on, end=on)
        if series.days
    ]


def with_first_value[Rows: QuerySet[Any]](rows: Rows, asset: str = "pk") -> Rows:
    """Adds `first_value_on`, the day of the first value of the asset; None for an asset without values.

    `rows` are assets, or rows that name one: then `asset` is the field. It says what value_days says, without a query.
    """
    computed = registry.computed(rows.order_by().values_list(asset, flat=True))
    points = [(pk, days.first, 0) for pk, days in registry.value_days(computed).items()]
    return rows.annotate(
        first_value_on=OfPoint(sql.FIRST_DAY, F(asset), computed=points, output_field=DateField())
    )
