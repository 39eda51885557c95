"""The API of assets: how they are read and written, labelled, disposed of and reinstated."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.asset.current_value import CurrentValueMixin
from assets.api.asset.moves import AssetMovesMixin
from assets.api.asset.order import OwnOrderMixin
from assets.api.asset.ownership import AssetOwnershipMixin
from assets.api.asset.serializers import AssetSerializer, DisposalSerializer
from assets.api.asset.transfers import AssetTransferMixin
from assets.api.filters import ASSET_FILTERS, INSTITUTION, IS_DISPOSED, PORTFOLIO_ID
from assets.models import Asset
from assets.services import labels
from assets.services.assets import ASSETS, create_asset
from assets.services.entries import disposal
from portfolios.api.schema import in_path
from portfolios.models import Portfolio
from strata.api.names import name_filter
from strata.api.parameters import KNOWN_AT, ON, choice, day_filter, search_filter
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet
from strata.tenancy.querysets import Owned, require_visible


class AssetViewSet(
    CurrentValueMixin,
    OwnOrderMixin,
    AssetMovesMixin,
    AssetTransferMixin,
    AssetOwnershipMixin,
    HouseholdModelViewSet,
):
    resource_name = "asset"
    service = ASSETS
    queryset = Asset.objects.select_related("portfolio", "asset_type")
    serializer_class = AssetSerializer
    parameters = {
        **ASSET_FILTERS,
        "portfolio_id": PORTFOLIO_ID,
        "name": name_filter(),
        "institution": INSTITUTION,
        "disposed": IS_DISPOSED,
        "acquired_from": day_filter("acquired_on__gte", "Acquired on this day or later."),
        "acquired_to": day_filter("acquired_on__lte", "Acquired on this day or earlier."),
        "disposed_from": day_filter("disposed_on__gte", "Sold or given away on this day or later."),
        "disposed_to": day_filter("disposed_on__lte", "Sold or given away on this day or earlier."),
        "search": search_filter("name_key__has_part", "notes"),
        "on": ON,
        "known_at": KNOWN_AT,
    }
    orderings = {
        "name": "name_key",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "acquired_on": "acquired_on",
        "disposed_on": "disposed_on",
        "current_value": "current_value",
        "currency": "currency",
        "own": "own_place name_key",
    }
    history_parameters = {
        "include": choice(["children"], "With the changes of its values, transactions, categories and tags.")
    }

    # --- create ---

    def create_row(self, values: dict[str, Any]) -> Asset:
        portfolio_id = values.pop("portfolio_id")
        require_visible(Portfolio, self.request.user, portfolio_id)
        return create_asset(portfolio_id, **values, precondition=self.portfolio_precondition)

    def portfolio_precondition(self, portfolio: Owned) -> None:
        self.require_write_role(portfolio, "portfolio")

    # --- dispose and reinstate ---

    @extend_schema(request=DisposalSerializer, responses=AssetSerializer)
    @action(detail=True, methods=["post", "put"])
    def dispose(self, request: Request, pk: str) -> Response:
        """The asset counts nothing from `on` on (today if absent); `proceeds` records one DISPOSE.

        The same request again is 200. Another day or other proceeds are 409 ALREADY_DISPOSED: reinstate it first.
        """
        self.require_visible()
        body = DisposalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asset = disposal.dispose(self.row_id(), **body.validated_data, precondition=self.precondition)
        return self.respond_with(asset)

    @extend_schema(request=None, responses=AssetSerializer)
    @action(detail=True, methods=["post"])
    def reinstate(self, request: Request, pk: str) -> Response:
        """Undoes a disposal, and deletes the DISPOSE that it recorded."""
        self.require_visible()
        asset = disposal.reinstate(self.row_id(), precondition=self.precondition)
        return self.respond_with(asset)

    # --- tags and categories ---

    @in_path("tag_id")
    @extend_schema(request=None, responses={200: AssetSerializer, 204: None})
    @action(detail=True, methods=["post", "delete"], url_path="tags/(?P<tag_id>[^/]+)")
    def tag(self, request: Request, pk: str, tag_id: str) -> Response:
        """POST gives the asset the tag, DELETE takes it away."""
        return self.label(labels.TAG_LABELS, tag_id)

    @in_path("category_id")
    @extend_schema(request=None, responses={200: AssetSerializer, 204: None})
    @action(detail=True, methods=["post", "delete"], url_path="categories/(?P<category_id>[^/]+)")
    def category(self, request: Request, pk: str, category_id: str) -> Response:
        """POST puts the asset under the category, DELETE takes it away."""
        return self.label(labels.CATEGORY_LABELS, category_id)

    def label(self, kind: labels.AnyLabelKind, id_in_path: str) -> Response:
        """Attach the label (200 with the asset) or detach it (204, even if it was not attached)."""
        self.require_visible()
        asset_id, label_id = self.row_id(), path_id(id_in_path, kind.name)
        if self.request.method == "POST":
            return self.respond_with(labels.attach(asset_id, label_id, kind, precondition=self.precondition))
        labels.detach(asset_id, label_id, kind, precondition=self.precondition)
        return Response(status=status.HTTP_204_NO_CONTENT)
