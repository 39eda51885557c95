"""What the serializers and viewsets of an asset's values and transactions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import cached_property
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from assets.models import Asset
from assets.services.locks import locked_asset
from strata.api.fields import (
    DaySerializerField,
    UUIDSerializerField,
)
from strata.api.pagination import CursorPaginator
from strata.api.serializers import HouseholdSerializer
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet
from strata.audit.clock import written_at
from strata.audit.tracking import TrackedModel
from strata.exceptions import Conflict, NotFound
from strata.fields.dates import resolve_instant_and_day
from strata.tenancy.guards import Guards


class MomentSerializer(HouseholdSerializer):
    """An instant, and the day on which it falls in the portfolio's time zone."""

    asset_id = UUIDSerializerField(read_only=True)
    on = DaySerializerField(required=False)
    needed_by_put: tuple[str, ...] = ()
    instant_field = "observed_at"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        given = {name for name in (self.instant_field, "on") if name in attrs}
        if self.instance is None or given:
            self.settle_moment(attrs)
        return attrs

    def settle_moment(self, attrs: dict[str, Any]) -> None:
        at, on, row = attrs.get(self.instant_field), attrs.get("on"), self.instance
        if row is not None and (at or getattr(row, self.instant_field), on or row.on) == (
            getattr(row, self.instant_field),
            row.on,
        ):
            return
        asset = self.context["asset"]
        attrs[self.instant_field], attrs["on"] = resolve_instant_and_day(
            at, on, asset.portfolio.time_zone, written_at()
        )


class AssetEntryViewSet(HouseholdModelViewSet):
    """Rows that are reached only through their asset. The fields in `known_by` are unique within an asset."""

    pagination_class = CursorPaginator
    known_by: dict[str, Any] = {}

    @cached_property
    def asset(self) -> Asset:
        """The path's asset, loaded once per request; for a write its portfolio is locked first."""
        pk = path_id(self.kwargs["asset_id"], "asset")
        rows = Asset.objects.for_user(self.request.user)
        if self.request.method not in SAFE_METHODS:
            return locked_asset(pk, assets=rows)
        asset = rows.select_related("portfolio").filter(pk=pk).order_by().first()
        if asset is None:
            raise NotFound("asset")
        return asset

    def lock(self, rows: Any = None) -> Guards:
        """The lock on the portfolio guards all rows of its assets."""
        if rows is None:
            self.require_writer(self.asset)
        return Guards(portfolios=frozenset([self.asset.portfolio_id]))

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(asset=self.asset)

    def get_serializer_context(self) -> Mapping[str, Any]:
        context = super().get_serializer_context()
        return context if getattr(self, "swagger_fake_view", False) else {**context, "asset": self.asset}

    def save_serializer(self, serializer: Any, **given: Any) -> Any:
        if serializer.instance is None:
            given["asset"] = serializer.context["asset"]
        self.written = {
            name: serializer.validated_data.get(name, getattr(serializer.instance, name, default))
            for name, default in self.known_by.items()
        }
        return super().save_serializer(serializer, **given)

    def handle_exception(self, exc: Exception) -> Response:
        """A conflict names the existing row. It is read here, because the error has ended the transaction."""
        if isinstance(exc, Conflict) and exc.code == self.duplicate_error[0]:
            row = self.get_queryset().filter(**self.written).first()
            exc.existing = row and self.named(row)
        return super().handle_exception(exc)

    def named(self, row: TrackedModel) -> dict[str, str]:
        path = self.request.path.rstrip("/")
        rows = path if self.request.method == "POST" else path.rpartition("/")[0]
        return {"id": str(row.pk), "link": self.request.build_absolute_uri(f"{rows}/{row.pk}")}

    def representation(self, row: Any) -> dict[str, Any]:
        """The row as it was saved: no field of it is calculated by the database."""
        data: dict[str, Any] = self.get_serializer(row).data
        return data
