"""What the viewsets of an asset's values and transactions share."""

from __future__ import annotations

from typing import Any

from django.utils.functional import cached_property
from rest_framework.pagination import BasePagination

from assets.models import Asset
from strata.api.fields import DaySerializerField, UUIDSerializerField
from strata.api.pagination import CursorPaginator
from strata.api.serializers import HouseholdSerializer
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet
from strata.tenancy.querysets import Owned, require_visible


class AssetEntrySerializer(HouseholdSerializer):
    """An instant, and the day on which it falls in the portfolio's time zone."""

    asset_id = UUIDSerializerField(read_only=True)
    on = DaySerializerField(required=False)
    required_for_put: tuple[str, ...] = ()


class AssetEntryViewSet(HouseholdModelViewSet):
    """Rows that are reached only through their asset."""

    pagination_class: type[BasePagination] = CursorPaginator

    @property
    def asset_id(self) -> Any:
        return path_id(self.kwargs["asset_id"], "asset")

    def require_parents(self) -> None:
        require_visible(Asset, self.request.user, self.asset_id)

    @cached_property
    def scope(self) -> dict[str, Any]:
        self.require_parents()
        return {"asset": self.asset_id}

    def create_row(self, values: dict[str, Any]) -> Any:
        return self.service.create(self.asset_id, **values, precondition=self.asset_precondition)

    def asset_precondition(self, asset: Owned) -> None:
        self.require_write_role(asset, "asset")
