"""The API of a portfolio's own order of its assets: reading and setting it, and lists in it (`?ordering=own`)."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assets.api.names import PORTFOLIOS
from assets.services.asset_order import asset_order, set_asset_order
from portfolios.models import Portfolio
from strata.api.fields import ListSerializerField, UUIDSerializerField
from strata.api.http.etags import etag_of, require_match
from strata.api.parameters import KNOWN_AT, is_ordered_by
from strata.api.serializers import StrictSerializer
from strata.api.views import BaseAPIView, path_id
from strata.api.viewsets import HouseholdViewSet
from strata.exceptions import Invalid
from strata.tenancy.querysets import require_visible
from strata.tenancy.roles import require_role

MOST_ASSETS = 10_000


class AssetIds(ListSerializerField):
    child = UUIDSerializerField()


class AssetOrderSerializer(StrictSerializer):
    asset_ids = AssetIds(
        max_length=MOST_ASSETS,
        help_text="Assets of the portfolio, each once. Those that are not named come after them, by name.",
    )


class AssetOrderView(BaseAPIView, APIView):
    has_etag = True
    parameters = {"known_at": KNOWN_AT}

    @extend_schema(responses=AssetOrderSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """The order of rows in Update values, and of `assets?portfolio=&ordering=own`. Empty before it is set."""
        return Response(self.as_json())

    @extend_schema(request=AssetOrderSerializer, responses=AssetOrderSerializer)
    def put(self, request: Request, pk: str) -> Response:
        """Put the assets into this order. No asset changes by it, and no asset's ETag."""
        self.require_visible()
        body = AssetOrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        ids: list[UUID] = body.validated_data["asset_ids"]
        set_asset_order(self.portfolio_id, ids, precondition=self.precondition)
        data = self.as_json()
        return Response(data, headers={"ETag": etag_of(data)})

    @property
    def portfolio_id(self) -> UUID:
        return path_id(self.kwargs["pk"], "portfolio")

    def require_visible(self) -> None:
        require_visible(Portfolio, self.request.user, self.portfolio_id)

    def precondition(self, portfolio: Portfolio) -> None:
        require_role(self.request.user, portfolio.household_id)
        require_match(self.request, lambda: etag_of(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        self.require_visible()
        return {"asset_ids": [str(pk) for pk in asset_order(self.portfolio_id)]}


class OwnOrderMixin(HouseholdViewSet):
    """`?ordering=own` of a list of assets. Each portfolio has its own order, so the list must be of one portfolio."""

    def filter_queryset(self, queryset: Any) -> Any:
        if is_ordered_by(self.request, "own"):
            queryset = queryset.with_own_place(asset_order(self.only_portfolio()))
        return super().filter_queryset(queryset)

    def only_portfolio(self) -> UUID:
        """The one portfolio that `portfolio` or `portfolio_id` names."""
        asked = self.read_parameters()
        named = PORTFOLIOS.ids(asked.get("portfolio", ()), self.request.user, "portfolio")
        ids = {*named, *asked.get("portfolio_id", ())}  # the filter checks that the caller may see the latter
        if len(ids) != 1:
            raise Invalid("ordering", "Each portfolio has its own order: send the one in portfolio=.")
        return cast("UUID", ids.pop())
