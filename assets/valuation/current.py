"""The current value of each asset of a queryset, and the day of its first value, as columns; the first day of all.

The database finds the values of assets that are valued by hand and as a whole. Those of the others are filled in after
the query, for the rows that were read; where a query has to order or to filter by the value, they are given to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, DateField, Expression, F, Field, Min, Q, QuerySet, Value, When
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

from assets.models import Asset
from assets.models.querysets import AssetQuerySet
from assets.valuation import reading, registry, sql
from assets.valuation.formulas.shares import Shares, shares_in
from assets.valuation.reading import AssetRef
from assets.valuation.series import ValueSeries, money, ten_thousandths
from assets.valuation.whole_values import whole_series
from strata.fields.money import MoneyField

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class CurrentValue(TypedDict):
        as_of: date
        current_value: Decimal | None
        current_value_on: date | None
        whole_value: Decimal | None
        share: Decimal

    type AssetWithValue = WithAnnotations[Asset, CurrentValue]

ROWS_AT_A_TIME = 500
# Disposed of, with a value before. In this order: where the first is NULL, PostgreSQL looks up the newest value too.
IS_GONE = Q(disposed_on__isnull=False) & Q(disposed_on__lte=F("as_of")) & Q(newest_on__isnull=False)


class OfPoint(Expression):
    """The value or the day of one of an asset's points, by a text of sql.points; the arguments are put into the text.

    With `given` the points are these, and none of the database.
    """

    def __init__(
        self,
        text: str,
        *arguments: F,
        given: Iterable[sql.Point] = (),
        output_field: Field[Any, Any],
    ) -> None:
        super().__init__(output_field=output_field)
        self.text, self.given = text, tuple(given)
        self.arguments: list[Any] = list(arguments)

    def get_source_expressions(self) -> list[Any]:
        return self.arguments

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.arguments = list(exprs)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        points, params = sql.given_points(self.given) if self.given else (registry.points(), [])
        arguments = [compiler.compile(argument) for argument in self.arguments]
        texts = [text for text, _ in arguments]
        text = self.text.format(*texts, points=points, first_day=registry.first_day(texts[0]))
        return text, (*params, *(param for _, of_argument in arguments for param in of_argument))


class NewestPoint(NamedTuple):
    """The household's value on a day, and the day from which it holds. `value` is None without one.

    It is the `share` of that day of `whole_value`; the day is that of the whole value.
    """

    value: Decimal | None = None
    on: date | None = None
    share: Decimal = Decimal(1)
    whole: Decimal | None = None  # where it differs

    @property
    def whole_value(self) -> Decimal | None:
        return self.value if self.whole is None else self.whole

    def of_share(self, shares: Shares, on: date) -> NewestPoint:
        """The household's part of this whole value."""
        share = shares.share_on(on)
        if self.value is None:
            return self._replace(share=share)
        part = money(shares.part_on(on, ten_thousandths(self.value)))
        return NewestPoint(part, self.on, share, self.value)


def with_current_value(
    assets: AssetQuerySet[Asset],
    on: date | None = None,
    *,
    zones: Iterable[str] | None = None,
    in_sql: bool = False,
) -> AssetQuerySet[Asset]:
    """Adds `current_value` and `current_value_on`: the newest value on or before the day, as of `on`; and to rows that
    are read as models `whole_value` and `share`.

    Zero from the disposal on; None before the first value. `zones` is for `as_of`. `in_sql`: a condition or an order of
    the query depends on them. A caller that reads columns in place of rows fills them in with `newest_points`.
    """
    assets = assets.as_of(on, zones=zones)
    annotated = assets.annotate(
        newest_value=_newest(assets, sql.NEWEST_VALUE, MoneyField(), in_sql=in_sql),
        newest_on=_newest(assets, sql.NEWEST_DAY, DateField(), in_sql=in_sql),
    ).annotate(
        current_value=Case(
            When(IS_GONE, then=Value(0, MoneyField())),
            default=F("newest_value"),
            output_field=MoneyField(),
        ),
        current_value_on=Case(
            When(IS_GONE, then=F("disposed_on")),
            default=F("newest_on"),
            output_field=DateField(),
        ),
    )
    annotated._iterable_class = ValuedRows
    return annotated


def _newest(
    assets: AssetQuerySet[Asset], text: str, output_field: Field[Any, Any], *, in_sql: bool
) -> Expression | Case:
    recorded = OfPoint(text, F("pk"), F("as_of"), output_field=output_field)
    if not in_sql:
        return recorded
    others = assets.order_by().exclude(registry.BY_HAND)
    rows = others.values_list(*reading.REF_COLUMNS, F("as_of"))
    newest = newest_points({AssetRef(*row[:-1]): row[-1] for row in rows})
    given = [
        (pk, point.on, ten_thousandths(point.value))
        for pk, point in newest.items()
        if point.on is not None and point.value is not None
    ]
    if not newest:
        return recorded
    of_others: Expression = Value(
        None, output_field
    )  # what is recorded of them is an anchor, not their value
    if given:
        of_others = OfPoint(text, F("pk"), F("as_of"), given=given, output_field=output_field)
    return Case(When(registry.BY_HAND, then=recorded), default=of_others, output_field=output_field)


class ValuedRows(ModelIterable):  # type: ignore[type-arg]  # it has no arguments when it runs
    """Rows with their current values. Those that are not recorded values of the whole asset are filled in."""

    def __iter__(self) -> Iterator[Any]:
        for batch in batched(super().__iter__(), ROWS_AT_A_TIME):
            refs = {asset.pk: reading.ref_of(asset) for asset in batch}
            others = {refs[asset.pk]: asset.as_of for asset in batch if not refs[asset.pk].is_by_hand}
            points = newest_points(others)
            for asset in batch:
                point = points.get(asset.pk) or NewestPoint(asset.current_value, asset.current_value_on)
                asset.current_value, asset.current_value_on = point.value, point.on
                asset.whole_value, asset.share = point.whole_value, point.share
            yield from batch


def newest_points(days: dict[AssetRef, date]) -> dict[UUID, NewestPoint]:
    """The newest point of each of the assets on its day; zero from its disposal on."""
    refs_by_day: dict[date, list[AssetRef]] = {}
    for ref, on in days.items():
        refs_by_day.setdefault(on, []).append(ref)
    points: dict[UUID, NewestPoint] = {}
    for on, refs in refs_by_day.items():
        for ref, series in whole_series(refs, start=on, end=on):
            point = newest_point(series, on)
            points[ref.id] = point.of_share(shares_in(ref.shares), on) if ref.shares else point
    return points


def newest_point(series: ValueSeries, on: date) -> NewestPoint:
    value = series.value_on(on)
    if value is None:
        return NewestPoint()
    is_disposed = series.disposed_on is not None and series.disposed_on <= on
    return NewestPoint(money(value), series.disposed_on if is_disposed else series.days[-1])


def with_first_value[Rows: QuerySet[Any]](rows: Rows, asset: str = "pk") -> Rows:
    """Adds `first_value_on`, the day of the first value of the asset; None for an asset without values.

    `rows` are assets, or rows that name one: then `asset` is the field. It says what value_days says, without a query.
    """
    return rows.annotate(first_value_on=OfPoint(sql.FIRST_DAY, F(asset), output_field=DateField()))


def first_value_day(portfolio_ids: Collection[UUID], *, include_all: bool = False) -> date | None:
    """The day of the first value of the portfolios' assets that count in net worth, or of all of them; None if there is
    none.
    """
    assets = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
    counted = assets.filter(counts_in_net_worth=True)
    if reading.choose_reader((date.min,), by_deltas=True) is not reading.Reader.DELTAS:
        return _first_day(assets if include_all else counted)
    try:
        first, has_others = sql.first_day_of_deltas(portfolio_ids)
    except sql.Forgotten:
        return _first_day(assets if include_all else counted)
    days = [first]
    if has_others:
        days.append(_first_day(counted.exclude(registry.in_derived_tables())))
    if include_all:
        days.append(_first_day(assets.filter(counts_in_net_worth=False)))
    return min((on for on in days if on is not None), default=None)


def _first_day(assets: AssetQuerySet[Asset]) -> date | None:
    first: date | None = with_first_value(assets).aggregate(first=Min("first_value_on"))["first"]
    return first
