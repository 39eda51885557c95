"""GET values and GET transactions: the recorded values and the transactions of every asset that the caller may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, cast
from uuid import UUID

from django.db.models import DateField, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from rest_framework import serializers

from assets.api.entries.snapshots import AssetSnapshotSerializer
from assets.api.entries.transactions import TransactionSerializer
from assets.api.filters import ASSET_FILTERS, read_id
from assets.api.names import NamedRow
from assets.models import Asset, AssetSnapshot, Transaction
from assets.models.querysets import AssetQuerySet
from strata.api.fields import CurrencySerializerField
from strata.api.pagination import CursorPaginator
from strata.api.parameters import KNOWN_AT, UUID_SCHEMA, Parameter, choice_filter, currency_filter, day_filter
from strata.api.viewsets import ListMixin
from strata.exceptions import NotFound

NO_BOUND = {True: date.min, False: date.max}  # by whether the order is newest first


class NewestOfManyAssets(CursorPaginator):
    """Pages of the entries of many assets, for which there is an index that begins with the asset.

    A database that sorts all entries of the assets takes seconds for millions of them. Two days bound the page: so many
    rows as it needs are of one asset, or of one row each of so many assets, on that day or nearer to the page's start.
    Both are read from the index: a few entries of each asset.
    """

    def narrowed(self, rows: Any, number: int, view: Any, *, newest_first: bool) -> Any:
        bound = "on__gte" if newest_first else "on__lte"
        sign = "-" if newest_first else ""
        days = rows.filter(asset=OuterRef("pk")).order_by(f"{sign}on").values("on")

        def day(of_asset: int, among_assets: int) -> Coalesce:
            """The day of this entry of each asset; of these days the one at that place."""
            in_order = (
                F("day_of_entry").desc(nulls_last=True)
                if newest_first
                else F("day_of_entry").asc(nulls_last=True)
            )
            per_asset = view.assets.annotate(day_of_entry=Subquery(days[of_asset : of_asset + 1]))
            in_place = per_asset.order_by(in_order).values("day_of_entry")[among_assets : among_assets + 1]
            return Coalesce(Subquery(in_place), NO_BOUND[newest_first], output_field=DateField())

        return rows.filter(**{bound: day(number - 1, 0)}).filter(**{bound: day(0, number - 1)})


def by_asset(rows: QuerySet[Asset], ids: list[UUID], view: Any) -> QuerySet[Asset]:
    if Asset.objects.for_user(view.request.user).filter(pk__in=ids).count() != len(set(ids)):
        raise NotFound("asset", "asset")
    return rows.filter(pk__in=ids)


WHICH_ASSETS = {
    "portfolio": ASSET_FILTERS["portfolio"],
    "asset": Parameter(read_id, by_asset, UUID_SCHEMA, "Of these assets."),
    **ASSET_FILTERS,
    "currency": replace(ASSET_FILTERS["currency"], about="That the asset is kept in."),
}
WHICH_DAYS = {
    "on": day_filter("on", "Of this day alone."),
    "start": day_filter("on__gte", "From this day on."),
    "end": day_filter("on__lte", "Up to this day."),
    "known_at": KNOWN_AT,
}


AROUND = ("asset__name", "asset__portfolio_id", "asset__portfolio__name", "asset__currency")


class AllEntriesViewSet(ListMixin):
    """Entries of all assets that the caller may see and that the parameters choose, newest first."""

    pagination_class = NewestOfManyAssets
    serializer_class: Any
    currency_of_asset = True  # or of the entry
    has_etag = False

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.queryset.all()  # `filter_queryset` leaves the caller's
        return rows

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows: AssetQuerySet[Asset] = Asset.objects.for_user(self.request.user).order_by()
        for name, values in self.read_parameters().items():
            if name in WHICH_ASSETS and self.parameters[name].apply is None:
                rows = cast("Any", WHICH_ASSETS[name].apply)(rows, values, self)
        self.assets = rows
        return super().filter_queryset(queryset).filter(asset__in=rows)

    @classmethod
    def columns(cls) -> list[str]:
        """The columns of the entry itself, which are fields of the answer too."""
        around = ("asset", "portfolio", "currency") if cls.currency_of_asset else ("asset", "portfolio")
        return [name for name in cls.serializer_class.Meta.fields if name not in around]

    @classmethod
    def columns_for_list(cls, rows: QuerySet[Any]) -> QuerySet[Any, Any]:
        return rows.values_list(*cls.columns(), *AROUND, named=True)

    def page_as_json(self, page: list[Any]) -> list[dict[str, Any]]:
        """Written by hand: three models and a serializer for each row take most of a long list's time."""
        fields = cast("Any", self.get_serializer()).fields
        shown_as = [(name, fields[name].to_representation) for name in self.columns()]
        return [
            {name: None if (value := getattr(row, name)) is None else text(value) for name, text in shown_as}
            | self.around(row)
            for row in page
        ]

    def around(self, row: Any) -> dict[str, Any]:
        around: dict[str, Any] = {
            "asset": {"id": str(row.asset_id), "name": row.asset__name},
            "portfolio": {"id": str(row.asset__portfolio_id), "name": row.asset__portfolio__name},
        }
        return around | ({"currency": row.asset__currency} if self.currency_of_asset else {})


def of_assets(parameters: dict[str, Parameter]) -> dict[str, Parameter]:
    """The parameters as a list of entries declares them: they filter the assets, and not the entries themselves."""
    return {name: replace(parameter, apply=None) for name, parameter in parameters.items()}


class WithAsset(serializers.Serializer[Any]):
    """The asset and portfolio of an entry."""

    asset = NamedRow(read_only=True)
    portfolio = NamedRow(source="asset.portfolio", read_only=True)


class ValueSerializer(WithAsset, AssetSnapshotSerializer):
    currency = CurrencySerializerField(source="asset.currency", read_only=True)

    class Meta(AssetSnapshotSerializer.Meta):
        fields = (*AssetSnapshotSerializer.Meta.fields, "asset", "portfolio", "currency")  # type: ignore[assignment]  # more


class TransactionOfAnAssetSerializer(WithAsset, TransactionSerializer):
    class Meta(TransactionSerializer.Meta):
        fields = (*TransactionSerializer.Meta.fields, "asset", "portfolio")  # type: ignore[assignment]  # more


class AllValuesViewSet(AllEntriesViewSet):
    """Recorded values of all assets that you may see, in every household, newest first."""

    resource_name = "value"
    queryset = AssetSnapshot.objects.all()
    serializer_class = ValueSerializer
    cursor_fields = ("on", "observed_at", "id")
    parameters = {**of_assets(WHICH_ASSETS), **WHICH_DAYS}


class AllTransactionsViewSet(AllEntriesViewSet):
    """Transactions of all assets that you may see, in every household, newest first. `type` is that of the asset."""

    resource_name = "transaction"
    queryset = Transaction.objects.all()
    currency_of_asset = False
    serializer_class = TransactionOfAnAssetSerializer
    cursor_fields = ("on", "position", "id")
    parameters = {
        **{name: parameter for name, parameter in of_assets(WHICH_ASSETS).items() if name != "currency"},
        **WHICH_DAYS,
        "currency": currency_filter(),
        "transaction_type": choice_filter("type", Transaction.Type.values, "Of these types of transactions."),
    }
